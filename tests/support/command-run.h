#pragma once

#include "launcher/cli.h"
#include "launcher/failure.h"

#include "tests/support/fake-qmp.h"

#include <csignal>
#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/* One vmplug command in a child process, as main() runs it, while the test's main loop serves the
 * VM that it talks to. stdin is a pipe, or what the test gives.
 *
 *   CommandRun run ({ "status", "vm1" });
 *   EXPECT_EQ (run.wait (), 0) << run.err;
 *   EXPECT_EQ (run.out, "…");
 */
class CommandRun
{
public:
  explicit CommandRun (const std::vector<std::string> &words, int stdin_fd = -1)
  {
    int in[2], out_pipe[2], err_pipe[2];
    if (pipe2 (in, O_CLOEXEC) != 0 || pipe2 (out_pipe, O_CLOEXEC) != 0 ||
        pipe2 (err_pipe, O_CLOEXEC) != 0)
      std::abort ();
    fflush (nullptr);
    pid_ = fork ();
    if (pid_ == 0)
      {
        dup2 (stdin_fd >= 0 ? stdin_fd : in[0], STDIN_FILENO);
        dup2 (out_pipe[1], STDOUT_FILENO);
        dup2 (err_pipe[1], STDERR_FILENO);
        for (int fd = 3; fd < 1024; fd++) /* the VM's own ends: their closing must be seen */
          close (fd);
        run (words);
      }
    close (in[0]);
    close (out_pipe[1]);
    close (err_pipe[1]);
    in_ = in[1];
    out_ = out_pipe[0];
    err_ = err_pipe[0];
    for (int fd : { out_, err_ })
      g_unix_set_fd_nonblocking (fd, TRUE, nullptr);
  }
  ~CommandRun ()
  {
    if (status_ < 0)
      {
        kill (pid_, SIGKILL);
        waitpid (pid_, nullptr, 0);
      }
    close_in ();
    close_out ();
    close (err_);
  }
  CommandRun (const CommandRun &) = delete;
  CommandRun &operator= (const CommandRun &) = delete;

  /* Runs the loop until it has ended. Its exit status, 1000 + the signal that killed it, or -1 when
   * it goes on and on. */
  int
  wait (guint milliseconds = 10000)
  {
    int status;
    if (run_until (
            [&] {
              drain ();
              return status_ >= 0 || waitpid (pid_, &status, WNOHANG) == pid_;
            },
            milliseconds) &&
        status_ < 0)
      status_ = WIFEXITED (status) ? WEXITSTATUS (status) : 1000 + WTERMSIG (status);
    drain ();
    return status_;
  }
  /* Runs the loop until it has printed @text. */
  bool
  prints (const std::string &text)
  {
    return run_until ([&] {
      drain ();
      return out.find (text) != std::string::npos;
    });
  }
  bool
  complains (const std::string &text)
  {
    return run_until ([&] {
      drain ();
      return err.find (text) != std::string::npos;
    });
  }
  void
  type (const std::string &text)
  {
    if (write (in_, text.data (), text.size ()) != static_cast<ssize_t> (text.size ()))
      std::abort ();
  }
  void
  close_in ()
  {
    if (in_ >= 0)
      close (in_);
    in_ = -1;
  }
  void
  close_out ()
  {
    if (out_ >= 0)
      close (out_);
    out_ = -1;
  }
  pid_t
  pid () const
  {
    return pid_;
  }

  std::string out, err;

private:
  [[noreturn]] static void
  run (const std::vector<std::string> &words)
  {
    std::vector<char *> argv;
    gboolean as_json = FALSE;
    GError *error = nullptr;

    for (const std::string &word : words)
      argv.push_back (const_cast<char *> (word.c_str ()));
    argv.push_back (nullptr);
    const VpCommand *command = vp_cli_find (argv[0]);
    if (command == nullptr)
      _exit (99);
    int status = command->run (static_cast<int> (words.size ()), argv.data (), &as_json, &error);
    if (error != nullptr)
      status = vp_failure_print (error, as_json);
    fflush (nullptr);
    _exit (status);
  }
  void
  drain ()
  {
    char buffer[4096];
    ssize_t n;
    while (out_ >= 0 && (n = read (out_, buffer, sizeof buffer)) > 0)
      out.append (buffer, static_cast<size_t> (n));
    while ((n = read (err_, buffer, sizeof buffer)) > 0)
      err.append (buffer, static_cast<size_t> (n));
  }

  pid_t pid_;
  int in_, out_, err_;
  int status_ = -1;
};
