#pragma once

#include "tests/e2e/json.h"
#include "tests/e2e/newer-qemu.h"
#include "tests/support/vmplug-program.h"

#include <functional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

/* A QEMU without vmplug, that answers one command after another over QMP:
 *
 *   BareQemu qemu ("qemu-system-x86_64", { "-machine", "q35", … });
 *   EXPECT_EQ (qemu.start (), "");
 *   EXPECT_EQ (qemu.execute ("device_add", "{…}"), "");
 *   EXPECT_EQ (qemu.quit (), 0);
 */
class BareQemu
{
public:
  BareQemu (const std::string &program, std::vector<std::string> args)
  {
    args.insert (args.end (), { "-nodefaults", "-display", "none", "-S", "-qmp", "stdio" });
    spawn (program, args, [] {});
  }
  /* With a command line as it is, in which a monitor has the file descriptor @monitor. Where it
   * names one of @listeners, there is a socket that nobody connects to. */
  BareQemu (const std::string &program,
            const std::vector<std::string> &args,
            int monitor,
            const std::vector<int> &listeners = {})
  {
    int ends[2];

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      std::abort ();
    spawn (program, args, [&] {
      const int high = fcntl (ends[1], F_DUPFD_CLOEXEC, FIRST_FREE_FD);

      for (int number : listeners)
        {
          const int listener = socket (AF_UNIX, SOCK_STREAM, 0);
          const struct sockaddr_un nowhere = { AF_UNIX, "" };

          /* With no name at all the kernel finds one. */
          if (bind (listener, reinterpret_cast<const struct sockaddr *> (&nowhere),
                    sizeof nowhere.sun_family) != 0 ||
              listen (listener, 1) != 0 || (listener != number && dup2 (listener, number) < 0))
            _exit (126);
          if (listener != number)
            close (listener);
        }
      dup2 (high, monitor);
    });
    close (ends[1]);
    close (in_);
    close (out_);
    out_ = ends[0];
    in_ = dup (ends[0]);
  }
  ~BareQemu ()
  {
    if (pid_ > 0)
      {
        kill (pid_, SIGKILL);
        waitpid (pid_, nullptr, 0);
      }
    for (int fd : { in_, out_, err_ })
      close (fd);
  }
  BareQemu (const BareQemu &) = delete;
  BareQemu &operator= (const BareQemu &) = delete;

  /* Waits until it is ready. "", or why it is not. */
  std::string
  start ()
  {
    if (!read_line ())
      return words ();
    return execute ("qmp_capabilities");
  }
  /* "" when it agrees, or what it says. @arguments: an object */
  std::string
  execute (const std::string &command, const std::string &arguments = "{}")
  {
    const std::string line = R"({"execute":")" + command + R"(","arguments":)" + arguments + "}\n";

    if (write (in_, line.data (), line.size ()) != static_cast<ssize_t> (line.size ()))
      return words ();
    while (read_line ())
      {
        reply_ = Json::parse (line_);
        if (reply_.has ("return"))
          return "";
        if (reply_.has ("error"))
          return reply_["error"]["desc"].text ();
      }
    return words ();
  }
  /* The answer to the last command that it agreed to. */
  Json
  reply () const
  {
    return reply_["return"];
  }
  /* Its exit status. */
  int
  quit ()
  {
    int status = -1;

    EXPECT_EQ (execute ("quit"), "");
    if (!eventually ([&] { return waitpid (pid_, &status, WNOHANG) == pid_; }))
      return -1;
    pid_ = -1;
    return WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
  }

private:
  /* Above all that a test names. */
  static constexpr int FIRST_FREE_FD = 200;

  pid_t pid_;
  int in_, out_, err_;
  std::string heard_, line_;
  Json reply_;

  void
  spawn (const std::string &program,
         const std::vector<std::string> &args,
         const std::function<void ()> &prepare)
  {
    int in[2], out[2], err[2];

    if (pipe2 (in, O_CLOEXEC) != 0 || pipe2 (out, O_CLOEXEC) != 0 || pipe2 (err, O_CLOEXEC) != 0)
      std::abort ();
    pid_ = fork ();
    if (pid_ == 0)
      {
        std::vector<char *> argv = { const_cast<char *> (program.c_str ()) };

        for (const std::string &arg : args)
          argv.push_back (const_cast<char *> (arg.c_str ()));
        argv.push_back (nullptr);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        dup2 (in[0], STDIN_FILENO);
        dup2 (out[1], STDOUT_FILENO);
        dup2 (err[1], STDERR_FILENO);
        prepare ();
        execvp (argv[0], argv.data ());
        dprintf (STDERR_FILENO, "%s: %s\n", argv[0], strerror (errno));
        _exit (127);
      }
    for (int fd : { in[0], out[1], err[1] })
      close (fd);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
  }

  /* The next line of QMP; false when there is none any more, or not in time. */
  bool
  read_line ()
  {
    const auto end =
        std::chrono::steady_clock::now () + std::chrono::duration<double> (VmplugProgram::SECONDS);
    size_t length;

    while ((length = heard_.find ('\n')) == std::string::npos)
      {
        struct pollfd fd = { out_, POLLIN, 0 };
        char piece[65536];
        ssize_t n;

        if (std::chrono::steady_clock::now () > end)
          return false;
        if (poll (&fd, 1, 1000) <= 0)
          continue;
        n = read (out_, piece, sizeof piece);
        if (n <= 0)
          return false;
        heard_.append (piece, static_cast<size_t> (n));
      }
    line_ = heard_.substr (0, length + 1);
    heard_.erase (0, length + 1);
    return true;
  }
  /* What it says instead of an answer: it has ended, or hangs. */
  std::string
  words () const
  {
    struct pollfd fd = { err_, POLLIN, 0 };
    char piece[4096];
    ssize_t n;
    std::string text;

    while (poll (&fd, 1, 100) > 0 && (n = read (err_, piece, sizeof piece)) > 0)
      text.append (piece, static_cast<size_t> (n));
    return text.empty () ? "QEMU does not answer" : text;
  }
};
