#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/qemu-process.h"

#include "tests/support/fake-qmp.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace
{

/* A process that is a shell script, and our ends of its two sockets. */
class QemuProcess : public testing::Test
{
protected:
  void
  SetUp () override
  {
    ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp_), 0);
    ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console_), 0);
  }
  ~QemuProcess () override
  {
    g_clear_object (&process_);
    g_clear_error (&error_);
    for (int fd : { qmp_[0], qmp_[1], console_[0], console_[1] })
      close (fd);
  }
  static void
  on_exited (VpQemuProcess *process, int status, gpointer user_data)
  {
    auto *self = static_cast<QemuProcess *> (user_data);

    self->n_exits_++;
    self->status_ = status;
    self->pid_at_exit_ = vp_qemu_process_get_pid (process);
    if (self->drops_at_exit_)
      g_clear_object (&self->process_);
  }

  bool
  spawn (const std::string &script, int log_fd = -1, int qmp_fd = -1)
  {
    std::string text = script;
    char sh[] = "sh", c[] = "-c";
    char *argv[] = { sh, c, text.data (), nullptr };

    const int fds[] = { qmp_fd >= 0 ? qmp_fd : qmp_[1], console_[1] };
    process_ = vp_qemu_process_spawn (argv, fds, 2, log_fd, &error_);
    if (process_ == nullptr)
      return false;
    pid_ = vp_qemu_process_get_pid (process_);
    g_signal_connect (process_, "exited", G_CALLBACK (on_exited), this);
    return true;
  }
  bool
  has_exited ()
  {
    return run_until ([&] { return n_exits_ > 0; });
  }
  std::string
  last_words ()
  {
    g_autofree char *words = vp_qemu_process_get_last_words (process_);

    return words != nullptr ? words : "(none)";
  }
  /* What the child writes into its end of a socket, all of it. */
  static std::string
  read_socket (int ours, int *theirs)
  {
    std::string text;
    char buffer[4096];
    ssize_t n;

    close (*theirs);
    *theirs = -1;
    while ((n = read (ours, buffer, sizeof buffer)) > 0)
      text.append (buffer, static_cast<size_t> (n));
    return text;
  }

  int qmp_[2];
  int console_[2];
  VpQemuProcess *process_ = nullptr;
  GError *error_ = nullptr;
  pid_t pid_ = 0;
  pid_t pid_at_exit_ = -1;
  int n_exits_ = 0;
  int status_ = -1;
  bool drops_at_exit_ = false;
};

struct ExecRow
{
  const char *name;
  const char *program;
  int error; /* an errno whose text the message has */
};

class ExecFailure : public QemuProcess, public testing::WithParamInterface<ExecRow>
{
};

TEST_P (ExecFailure, NamesTheProgramAndTheReason)
{
  std::string program = GetParam ().program;
  char *argv[] = { program.data (), nullptr };
  TempFolder folder;
  int log_fd = open (folder.path ("log").c_str (), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  const int fds[] = { qmp_[1], console_[1] };

  process_ = vp_qemu_process_spawn (argv, fds, 2, log_fd, &error_);
  EXPECT_EQ (process_, nullptr);
  ASSERT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
  EXPECT_NE (strstr (error_->message, GetParam ().program), nullptr) << error_->message;
  EXPECT_NE (strstr (error_->message, g_strerror (GetParam ().error)), nullptr) << error_->message;
  EXPECT_EQ (waitpid (-1, nullptr, WNOHANG), -1) << "a child was left";
  EXPECT_EQ (fcntl (log_fd, F_GETFD), -1) << "the log was handed over";
  EXPECT_NE (fcntl (qmp_[1], F_GETFD), -1) << "the sockets were not";
}

INSTANTIATE_TEST_SUITE_P (Table,
                          ExecFailure,
                          testing::Values (ExecRow{ "no_such_file", "/nowhere/qemu", ENOENT },
                                           ExecRow{ "not_in_path", "no-such-qemu", ENOENT },
                                           ExecRow{ "a_folder", "/tmp", EACCES },
                                           ExecRow{ "no_program", "/etc/passwd", EACCES }),
                          name_of_row<ExecRow>);

struct EndRow
{
  const char *name;
  const char *script;
  int exit_status; /* -1: it was a signal */
  int signal_number;
};

class ProcessEnd : public QemuProcess, public testing::WithParamInterface<EndRow>
{
};

TEST_P (ProcessEnd, IsToldOnce)
{
  ASSERT_TRUE (spawn (GetParam ().script)) << error_->message;
  EXPECT_GT (pid_, 0);
  ASSERT_TRUE (has_exited ());
  run_pending ();
  EXPECT_EQ (n_exits_, 1);
  EXPECT_EQ (pid_at_exit_, 0) << "that pid may be somebody else's already";
  EXPECT_EQ (WIFEXITED (status_) ? WEXITSTATUS (status_) : -1, GetParam ().exit_status);
  EXPECT_EQ (WIFSIGNALED (status_) ? WTERMSIG (status_) : 0, GetParam ().signal_number);
  EXPECT_EQ (waitpid (-1, nullptr, WNOHANG), -1) << "it was not reaped";
  vp_qemu_process_signal (process_, SIGKILL); /* hits nobody */
}

INSTANTIATE_TEST_SUITE_P (Table,
                          ProcessEnd,
                          testing::Values (EndRow{ "well", "exit 0", 0, 0 },
                                           EndRow{ "badly", "exit 17", 17, 0 },
                                           EndRow{ "terminated", "kill -TERM $$", -1, SIGTERM },
                                           EndRow{ "killed", "kill -KILL $$", -1, SIGKILL },
                                           EndRow{ "aborted", "ulimit -c 0; kill -ABRT $$", -1,
                                                   SIGABRT }),
                          name_of_row<EndRow>);

TEST_F (QemuProcess, SigkillGoesThroughItsPidfd)
{
  ASSERT_TRUE (spawn ("trap '' TERM; while :; do sleep 1; done"));
  vp_qemu_process_signal (process_, SIGKILL);
  ASSERT_TRUE (has_exited ());
  EXPECT_TRUE (WIFSIGNALED (status_) && WTERMSIG (status_) == SIGKILL);
}

TEST_F (QemuProcess, WhoHearsOfItsEndMayDropIt)
{
  drops_at_exit_ = true;
  ASSERT_TRUE (spawn ("echo bye >&2"));
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (process_, nullptr);
  run_pending ();
}

TEST_F (QemuProcess, DroppedWhileItRunsItIsKilledAndReaped)
{
  ASSERT_TRUE (spawn ("sleep 60"));
  g_clear_object (&process_);
  EXPECT_EQ (kill (pid_, 0), -1);
  run_pending ();
  EXPECT_EQ (n_exits_, 0);
}

/* 64 KiB that nobody reads would stop its main loop. */
TEST_F (QemuProcess, AFloodOnStderrIsDrainedWhileItRuns)
{
  TempFolder folder;
  std::string log = folder.path ("log");

  ASSERT_TRUE (
      spawn ("yes 'all work and no play' | head -c 3000000 >&2; echo >&2; echo the end >&2; "
             "read -r line <&3; exit 5",
             open (log.c_str (), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  EXPECT_TRUE (run_until ([&] { return last_words () == "the end"; })) << last_words ();
  EXPECT_EQ (n_exits_, 0) << "it still runs";
  ASSERT_EQ (write (qmp_[0], "\n", 1), 1);
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (WEXITSTATUS (status_), 5);
  EXPECT_EQ (std::filesystem::file_size (log), 1024u * 1024u) << "the log has an end";
}

TEST_F (QemuProcess, WhatItSaidLastIsThereWhenItsEndIsTold)
{
  /* nothing of it has been read when the end is seen: both are there in the same turn */
  ASSERT_TRUE (spawn ("yes noise | head -c 60000 >&2; echo 'the reason' >&2; exit 1"));
  g_usleep (300000);
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (last_words (), "the reason");
}

TEST_F (QemuProcess, ItsEndIsToldThoughSomebodyHoldsItsStderr)
{
  ASSERT_TRUE (spawn ("sleep 5 & echo 'left somebody' >&2; exit 2"));
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (last_words (), "left somebody");
}

TEST_F (QemuProcess, AFullDiskLosesTheLogAndNothingElse)
{
  int full = open ("/dev/full", O_WRONLY | O_CLOEXEC);

  ASSERT_GE (full, 0);
  ASSERT_TRUE (spawn ("yes noise | head -c 300000 >&2; echo alive >&2; exit 6", full));
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (WEXITSTATUS (status_), 6);
  EXPECT_EQ (last_words (), "alive");
}

TEST_F (QemuProcess, ItHasNoDescriptorButItsFive)
{
  int leak = open ("/dev/null", O_RDONLY); /* not close-on-exec, as a careless library's */

  ASSERT_GE (leak, 0);
  ASSERT_TRUE (
      spawn ("all=; for n in $(seq 0 99); do [ -e /proc/$$/fd/$n ] && all=\"$all $n\"; done; "
             "first=$(readlink /proc/$$/fd/0); second=$(readlink /proc/$$/fd/1); "
             "echo \"$all $first $second\" >&3"));
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (read_socket (qmp_[0], &qmp_[1]), " 0 1 2 3 4 /dev/null /dev/null\n");
  close (leak);
}

/* The two sockets may sit just where the other one, or GLib's own pipe, has to go. */
TEST_F (QemuProcess, ItsSocketsArriveWhereverTheyComeFrom)
{
  int saved3 = fcntl (3, F_DUPFD_CLOEXEC, 40), saved4 = fcntl (4, F_DUPFD_CLOEXEC, 40);
  int ours[2] = { fcntl (qmp_[0], F_DUPFD_CLOEXEC, 50), fcntl (console_[0], F_DUPFD_CLOEXEC, 50) };
  int theirs[2] = { fcntl (qmp_[1], F_DUPFD_CLOEXEC, 50),
                    fcntl (console_[1], F_DUPFD_CLOEXEC, 50) };
  char sh[] = "sh", c[] = "-c", script[] = "echo qmp >&3; echo console >&4";
  char *argv[] = { sh, c, script, nullptr };

  dup3 (theirs[1], 3, O_CLOEXEC);
  dup3 (theirs[0], 4, O_CLOEXEC);
  const int fds[] = { 4, 3 };
  process_ = vp_qemu_process_spawn (argv, fds, 2, -1, &error_);
  saved3 >= 0 ? dup3 (saved3, 3, O_CLOEXEC) : close (3);
  saved4 >= 0 ? dup3 (saved4, 4, O_CLOEXEC) : close (4);
  ASSERT_NE (process_, nullptr) << error_->message;
  g_signal_connect (process_, "exited", G_CALLBACK (on_exited), this);
  ASSERT_TRUE (has_exited ());

  char text[2][16] = {};
  for (int i = 0; i < 2; i++)
    {
      EXPECT_GT (recv (ours[i], text[i], sizeof text[i] - 1, MSG_DONTWAIT), 0);
      close (ours[i]);
      close (theirs[i]);
    }
  EXPECT_STREQ (text[0], "qmp\n");
  EXPECT_STREQ (text[1], "console\n");
  for (int fd : { saved3, saved4 })
    if (fd >= 0)
      close (fd);
}

TEST_F (QemuProcess, InheritsWhatItIsGivenAndNothingElse)
{
  TempFolder folder;
  int one = open (folder.write ("one", "1\n").c_str (), O_RDONLY | O_CLOEXEC);
  int two = open (folder.write ("two", "2\n").c_str (), O_RDONLY | O_CLOEXEC);
  const int fds[] = { qmp_[1], console_[1], one, two };
  char sh[] = "sh", c[] = "-c";
  char script[] =
      "exec >&3; cat <&5; cat <&6; for n in 7 8 9; do [ ! -e /dev/fd/$n ] || echo $n; done";
  char *argv[] = { sh, c, script, nullptr };

  process_ = vp_qemu_process_spawn (argv, fds, 4, -1, &error_);
  ASSERT_NE (process_, nullptr) << error_->message;
  g_signal_connect (process_, "exited", G_CALLBACK (on_exited), this);
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (read_socket (qmp_[0], &qmp_[1]), "1\n2\n");
  for (int fd : { one, two })
    EXPECT_EQ (close (fd), 0) << "they stay ours";
}

TEST_F (QemuProcess, CtrlCAndOurBlockedSignalsAreNotItsBusiness)
{
  sigset_t blocked, before;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigprocmask (SIG_BLOCK, &blocked, &before);
  ASSERT_TRUE (spawn ("read -r line <&3; exit 0"));
  sigprocmask (SIG_SETMASK, &before, nullptr);
  EXPECT_EQ (getpgid (pid_), pid_) << "a process group of its own";
  vp_qemu_process_signal (process_, SIGTERM);
  ASSERT_TRUE (has_exited ());
  EXPECT_TRUE (WIFSIGNALED (status_) && WTERMSIG (status_) == SIGTERM);
}

/* Started by a parent that ignores SIGCHLD, the kernel would reap it and its status be lost. */
TEST_F (QemuProcess, ItsStatusIsKnownThoughOurParentIgnoresChildren)
{
  auto before = signal (SIGCHLD, SIG_IGN);

  ASSERT_TRUE (spawn ("exit 7")) << error_->message;
  EXPECT_TRUE (has_exited ());
  EXPECT_EQ (WEXITSTATUS (status_), 7);
  signal (SIGCHLD, before);
}

/* A supervisor that is killed cannot end its QEMU: the kernel does. */
TEST_F (QemuProcess, ItDiesWithItsParent)
{
  int report[2];
  pid_t qemu = 0;

  ASSERT_EQ (prctl (PR_SET_CHILD_SUBREAPER, 1), 0);
  ASSERT_EQ (pipe2 (report, O_CLOEXEC), 0);
  pid_t supervisor = fork ();
  if (supervisor == 0)
    {
      if (!spawn ("read -r line <&3") || write (report[1], &pid_, sizeof pid_) < 0)
        _exit (1);
      kill (getpid (), SIGKILL);
    }
  ASSERT_EQ (read (report[0], &qemu, sizeof qemu), static_cast<ssize_t> (sizeof qemu));
  ASSERT_EQ (waitpid (supervisor, nullptr, 0), supervisor);

  int status = 0;
  EXPECT_EQ (waitpid (qemu, &status, 0), qemu);
  EXPECT_TRUE (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  prctl (PR_SET_CHILD_SUBREAPER, 0);
  for (int fd : report)
    close (fd);
}

} // namespace
