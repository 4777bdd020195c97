#include "launcher/error.h"
#include "launcher/vm/qemu.h"

#include "tests/support/async-result.h"
#include "tests/support/row-name.h"
#include "tests/support/shell-qemu.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

/* A process that waits to become a QEMU of a few lines of shell, and is the test's own: whoever
 * adopts it must not end it. */
class QemuAdopted : public testing::Test
{
protected:
  void
  SetUp () override
  {
    ASSERT_EQ (pipe2 (start_, O_CLOEXEC), 0);
    qemu_ = vp_qemu_new ();
    g_signal_connect (qemu_, "event", G_CALLBACK (on_event), this);
    g_signal_connect (qemu_, "exited", G_CALLBACK (on_exited), this);
  }
  void
  TearDown () override
  {
    if (qemu_ != nullptr)
      drop ();
    if (adoption_.pid > 0)
      {
        kill (adoption_.pid, SIGKILL);
        waitpid (adoption_.pid, nullptr, 0);
      }
    if (second_ > 0)
      kill (second_, SIGKILL);
    close (start_[0]);
    close (start_[1]);
    g_clear_error (&error_);
  }
  void
  drop ()
  {
    result_.forget (); /* it holds what was called */
    g_object_add_weak_pointer (G_OBJECT (qemu_), reinterpret_cast<gpointer *> (&watched_));
    watched_ = qemu_;
    g_clear_object (&qemu_);
    EXPECT_TRUE (run_until ([&] { return watched_ == nullptr; })) << "somebody still holds it";
  }
  static void
  on_event (VpQemu *, const char *name, JsonObject *, gpointer user_data)
  {
    static_cast<QemuAdopted *> (user_data)->events_ += name;
  }
  static void
  on_exited (VpQemu *, gpointer user_data)
  {
    static_cast<QemuAdopted *> (user_data)->n_exits_++;
  }
  /* The fds go to the waiting process by being inherited: it is forked here. */
  static gboolean
  launch (char **argv,
          const int *fds,
          const int *numbers,
          guint n_fds,
          gpointer user_data,
          GError **error)
  {
    auto *self = static_cast<QemuAdopted *> (user_data);

    if (self->refuses_)
      {
        g_set_error_literal (error, VP_ERROR, VP_ERROR_START, "nobody waits");
        return FALSE;
      }
    EXPECT_EQ (n_fds, 1u);
    EXPECT_EQ (numbers[0], 3);
    pid_t pid = fork ();
    if (pid == 0)
      {
        if (self->daemonizes_ && fork () != 0)
          _exit (0);
        dup2 (fds[0], 3);
        execvp (argv[0], argv);
        _exit (127);
      }
    self->adoption_.pid = pid;
    return TRUE;
  }
  void
  start (const std::string &script)
  {
    ShellQemu shell (script);

    adoption_.pid = fork ();
    if (adoption_.pid == 0)
      {
        char byte;
        ssize_t n = read (start_[0], &byte, 1);
        _exit (n == 1 ? 0 : 1);
      }
    ASSERT_GT (adoption_.pid, 0);
    waiting_ = adoption_.pid;
    vp_qemu_adopt (qemu_, &adoption_);
    vp_qemu_start_async (qemu_, shell.argv (), nullptr, AsyncResult::ready, &result_);
  }
  void
  end_waiting ()
  {
    if (waiting_ > 0)
      {
        kill (waiting_, SIGKILL);
        waitpid (waiting_, nullptr, 0);
      }
    waiting_ = 0;
  }
  std::string
  outcome (guint milliseconds = 5000)
  {
    if (!result_.wait (milliseconds))
      return "(no answer)";
    if (vp_qemu_start_finish (qemu_, result_.get (), &error_))
      return "";
    return error_->message;
  }

  ~QemuAdopted () override { end_waiting (); }

  int start_[2] = { -1, -1 };
  VpQemuAdoption adoption_ = { 0, 3, launch, this };
  pid_t waiting_ = 0;
  pid_t second_ = 0;
  bool refuses_ = false;
  bool daemonizes_ = false;
  VpQemu *qemu_ = nullptr;
  gpointer watched_ = nullptr;
  AsyncResult result_;
  GError *error_ = nullptr;
  std::string events_;
  int n_exits_ = 0;
};

constexpr const char *STATUS =
    "greet; ok; hear; printf '{\"return\":{\"running\":%s},\"id\":%s}\\r\\n' ";

TEST_F (QemuAdopted, IsNotLetRunAndItsStateIsAsked)
{
  start (std::string (STATUS) + "false \"$id\" >&3; wait_for_end");
  EXPECT_EQ (outcome (), "");
  EXPECT_STREQ (vp_qemu_get_state (qemu_), "paused");
  EXPECT_EQ (vp_qemu_get_pid (qemu_), adoption_.pid) << "who speaks is who lives";
}

TEST_F (QemuAdopted, RunsWhenItSaysSo)
{
  start (std::string (STATUS) + "true \"$id\" >&3; wait_for_end");
  EXPECT_EQ (outcome (), "");
  EXPECT_STREQ (vp_qemu_get_state (qemu_), "running");
}

TEST_F (QemuAdopted, LivesOnWithoutUs)
{
  start (std::string (STATUS) + "true \"$id\" >&3; wait_for_end; exec sleep 60");
  EXPECT_EQ (outcome (), "");
  drop ();
  g_usleep (300 * 1000);
  EXPECT_EQ (waitpid (adoption_.pid, nullptr, WNOHANG), 0) << "it was ended";
}

TEST_F (QemuAdopted, ItsEndIsSeenThoughItIsNoChild)
{
  start (std::string (STATUS) + "true \"$id\" >&3; exit 3");
  EXPECT_EQ (outcome (), "");
  waitpid (adoption_.pid, nullptr, 0);
  adoption_.pid = 0;
  EXPECT_TRUE (run_until ([&] { return n_exits_ == 1; }, 5000));
}

/* The parent of a daemon ends, and that is no end. */
TEST_F (QemuAdopted, ADaemonIsFollowed)
{
  daemonizes_ = true;
  start (std::string (STATUS) + "true \"$id\" >&3; wait_for_end");
  EXPECT_EQ (outcome (), "");
  waitpid (adoption_.pid, nullptr, 0);
  second_ = vp_qemu_get_pid (qemu_);
  EXPECT_NE (second_, adoption_.pid);
  adoption_.pid = 0;
  EXPECT_FALSE (run_until ([&] { return n_exits_ > 0; }, 500));
  kill (second_, SIGKILL);
  EXPECT_TRUE (run_until ([&] { return n_exits_ == 1; }, 5000));
  second_ = 0;
}

TEST_F (QemuAdopted, OneThatEndsBeforeItSpeaksHasNotStarted)
{
  start ("exit 1");
  end_waiting (); /* the process that was adopted is another than the script's in this test */
  EXPECT_EQ (outcome ().substr (0, 18), "QEMU did not start");
  EXPECT_EQ (n_exits_, 0);
}

TEST_F (QemuAdopted, OneThatIsNotLaunchedSaysWhy)
{
  refuses_ = true;
  start ("");
  EXPECT_EQ (outcome (), "nobody waits");
}

TEST_F (QemuAdopted, OneThatIsGoneAlreadySaysSo)
{
  adoption_.pid = fork ();
  if (adoption_.pid == 0)
    _exit (0);
  waitpid (adoption_.pid, nullptr, 0);
  pid_t gone = adoption_.pid;
  ShellQemu shell ("");
  vp_qemu_adopt (qemu_, &adoption_);
  vp_qemu_start_async (qemu_, shell.argv (), nullptr, AsyncResult::ready, &result_);
  EXPECT_NE (outcome ().find ("process " + std::to_string (gone)), std::string::npos);
  adoption_.pid = 0;
}

} // namespace
