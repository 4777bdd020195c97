#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <grp.h>
#include <gtest/gtest.h>
#include <ostream>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

/* How a program ended, and what it said until then. */
struct Outcome
{
  std::string command;
  int status = -1; /* of its exit; -N when signal N ended it */
  std::string out;
  std::string err;

  bool
  says (const std::string &text) const
  {
    return err.find (text) != std::string::npos;
  }
};

inline std::ostream &
operator<< (std::ostream &stream, const Outcome &outcome)
{
  return stream << outcome.command << "\nstatus " << outcome.status << "\nstdout: " << outcome.out
                << "\nstderr: " << outcome.err;
}

/* The built vmplug, running. Its host is a folder (VMPLUG_ROOT), so that it touches nothing of the
 * machine. Whatever it leaves behind becomes a child of the test, which can therefore wait for it:
 * end only what is ours, and by its pid.
 *
 *   VmplugProgram program ({ "list", "--json" }, host.root ());
 *   Outcome outcome = program.wait ();
 */
class VmplugProgram
{
public:
  /* Generous: other work may share the machine. */
  static constexpr double SECONDS = 90;

  /* @terminal: its standard input instead of a pipe; -1 for the pipe */
  VmplugProgram (const std::vector<std::string> &args,
                 const std::string &root,
                 uid_t uid = geteuid (),
                 int terminal = -1)
  {
    int in[2], out[2], err[2];

    become_reaper ();
    outcome_.command = "vmplug";
    for (const std::string &arg : args)
      outcome_.command += " " + arg;
    if (pipe2 (in, O_CLOEXEC) != 0 || pipe2 (out, O_CLOEXEC) != 0 || pipe2 (err, O_CLOEXEC) != 0)
      std::abort ();
    pid_ = fork ();
    if (pid_ == 0)
      {
        dup2 (terminal >= 0 ? terminal : in[0], STDIN_FILENO);
        dup2 (out[1], STDOUT_FILENO);
        dup2 (err[1], STDERR_FILENO);
        become (args, root, uid);
      }
    for (int fd : { in[0], out[1], err[1] })
      close (fd);
    stdin_ = in[1];
    stdout_ = out[0];
    stderr_ = err[0];
  }
  ~VmplugProgram ()
  {
    if (pid_ > 0 && !ended_)
      {
        kill (pid_, SIGKILL);
        waitpid (pid_, nullptr, 0);
      }
    for (int fd : { stdin_, stdout_, stderr_ })
      if (fd >= 0)
        close (fd);
  }
  VmplugProgram (const VmplugProgram &) = delete;
  VmplugProgram &operator= (const VmplugProgram &) = delete;

  /* Runs it to its end, without input. */
  static Outcome
  run (const std::vector<std::string> &args, const std::string &root, double seconds = SECONDS)
  {
    VmplugProgram program (args, root);
    program.close_stdin ();
    return program.wait (seconds);
  }

  pid_t
  pid () const
  {
    return pid_;
  }
  const std::string &
  out () const
  {
    return outcome_.out;
  }
  const std::string &
  err () const
  {
    return outcome_.err;
  }
  void
  signal (int number) const
  {
    kill (pid_, number);
  }
  void
  type (const std::string &text)
  {
    if (write (stdin_, text.data (), text.size ()) != static_cast<ssize_t> (text.size ()))
      ADD_FAILURE () << outcome_.command << " takes no input";
  }
  void
  close_stdin ()
  {
    close (std::exchange (stdin_, -1));
  }

  /* As the reader of a pipe that has seen enough. */
  void
  close_stdout ()
  {
    close (std::exchange (stdout_, -1));
  }

  /* Reads what it prints until @done, its end, or time is up; returns @done. */
  bool
  watch (const std::function<bool ()> &done, double seconds = SECONDS)
  {
    const auto end = std::chrono::steady_clock::now () + std::chrono::duration<double> (seconds);
    bool is_done;

    while (!(is_done = done ()) && !is_over () && std::chrono::steady_clock::now () < end)
      read_some ();
    return is_done || done ();
  }
  bool
  wait_for (const std::string &text, double seconds = SECONDS)
  {
    return watch ([&] { return outcome_.out.find (text) != std::string::npos; }, seconds);
  }

  /* Waits for its end, and for the end of all that hold its stdout and stderr: "$(vmplug …)" does
   * so too. */
  Outcome
  wait (double seconds = SECONDS)
  {
    watch ([this] { return is_over (); }, seconds);
    if (!is_over ())
      ADD_FAILURE () << (ended_ ? "something still holds stdout or stderr of "
                                : "did not end in time: ")
                     << outcome_;
    return outcome_;
  }

private:
  pid_t pid_ = -1;
  int stdin_ = -1, stdout_ = -1, stderr_ = -1;
  bool ended_ = false;
  Outcome outcome_;

  /* Orphans come to us and not to init. */
  static void
  become_reaper ()
  {
    if (prctl (PR_SET_CHILD_SUBREAPER, 1) != 0)
      std::abort ();
  }

  [[noreturn]] static void
  become (const std::vector<std::string> &args, const std::string &root, uid_t uid)
  {
    /* Opened before the change of user, who may not be able to go where it is. */
    const int program = open (VMPLUG_PROGRAM, O_RDONLY | O_CLOEXEC);
    std::vector<char *> argv = { const_cast<char *> ("vmplug") };

    for (const std::string &arg : args)
      argv.push_back (const_cast<char *> (arg.c_str ()));
    argv.push_back (nullptr);
    setenv ("VMPLUG_ROOT", root.c_str (), 1);
    setenv ("LC_ALL", "C", 1);
    unsetenv ("XDG_RUNTIME_DIR");
    if (uid != geteuid () && (setgroups (0, nullptr) != 0 || setresgid (uid, uid, uid) != 0 ||
                              setresuid (uid, uid, uid) != 0))
      _exit (125);
    fexecve (program, argv.data (), environ);
    dprintf (STDERR_FILENO, "%s: %s\n", VMPLUG_PROGRAM, strerror (errno));
    _exit (126);
  }

  bool
  is_over () const
  {
    return ended_ && stdout_ < 0 && stderr_ < 0;
  }
  void
  read_some ()
  {
    struct pollfd fds[] = { { stdout_, POLLIN, 0 }, { stderr_, POLLIN, 0 } };
    int status;

    /* poll() takes no notice of a descriptor of -1. */
    poll (fds, 2, 20);
    if (fds[0].revents != 0)
      read_piece (&stdout_, &outcome_.out);
    if (fds[1].revents != 0)
      read_piece (&stderr_, &outcome_.err);
    if (!ended_ && waitpid (pid_, &status, WNOHANG) == pid_)
      {
        ended_ = true;
        outcome_.status = WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
      }
  }
  static void
  read_piece (int *fd, std::string *text)
  {
    char piece[65536];
    const ssize_t n = read (*fd, piece, sizeof piece);

    if (n > 0)
      text->append (piece, static_cast<size_t> (n));
    else if (n == 0 || errno != EINTR)
      close (std::exchange (*fd, -1));
  }
};

/* The state letter of a process, 'X' when there is none (any more). Reaps it if it was ours. */
inline char
process_state (pid_t pid)
{
  std::string text;

  waitpid (pid, nullptr, WNOHANG);
  std::getline (std::ifstream ("/proc/" + std::to_string (pid) + "/stat"), text);
  const size_t end_of_name = text.rfind (')');
  return end_of_name == std::string::npos ? 'X' : text[end_of_name + 2];
}

/* Polls until @done; false when it is not after @seconds. */
inline bool
eventually (const std::function<bool ()> &done, double seconds = VmplugProgram::SECONDS)
{
  const auto end = std::chrono::steady_clock::now () + std::chrono::duration<double> (seconds);

  while (!done ())
    {
      if (std::chrono::steady_clock::now () >= end)
        return done ();
      usleep (20000);
    }
  return true;
}

inline bool
ends (pid_t pid, double seconds = VmplugProgram::SECONDS)
{
  return eventually ([pid] { return process_state (pid) == 'X'; }, seconds);
}

/* Fails the test program when processes are left at its end, and ends them. */
class NothingIsLeft : public testing::Environment
{
public:
  void
  TearDown () override
  {
    const std::string self = std::to_string (getpid ());
    std::ifstream children ("/proc/self/task/" + self + "/children");

    for (pid_t pid; children >> pid;)
      {
        if (process_state (pid) == 'X')
          continue;
        std::string name;
        std::getline (std::ifstream ("/proc/" + std::to_string (pid) + "/comm"), name);
        ADD_FAILURE () << "process " << pid << " (" << name << ") is left";
        kill (pid, SIGKILL);
        waitpid (pid, nullptr, 0);
      }
  }
};

inline const testing::Environment *const nothing_is_left =
    testing::AddGlobalTestEnvironment (new NothingIsLeft);
