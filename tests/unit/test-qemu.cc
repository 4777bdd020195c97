#include "launcher/error.h"
#include "launcher/vm/qemu.h"

#include "tests/support/async-result.h"
#include "tests/support/row-name.h"
#include "tests/support/shell-qemu.h"
#include "tests/support/temp-folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

namespace
{

/* A QEMU that is a shell script, in a run-dir of its own. */
class Qemu : public testing::Test
{
protected:
  void
  SetUp () override
  {
    setenv ("HEARD", folder_.path ("heard").c_str (), 1);
    run_dir_ = vp_run_dir_create (folder_.path ("").c_str (), "vm1", nullptr);
    ASSERT_NE (run_dir_, nullptr);
    qemu_ = vp_qemu_new ();
    g_signal_connect (qemu_, "event", G_CALLBACK (on_event), this);
    g_signal_connect (qemu_, "exited", G_CALLBACK (on_exited), this);
  }
  void
  TearDown () override
  {
    result_.forget ();
    if (qemu_ != nullptr)
      {
        g_object_add_weak_pointer (G_OBJECT (qemu_), reinterpret_cast<gpointer *> (&watched_));
        watched_ = qemu_;
        g_clear_object (&qemu_);
        EXPECT_TRUE (run_until ([&] { return watched_ == nullptr; })) << "somebody still holds it";
      }
    vp_run_dir_remove (run_dir_);
    EXPECT_EQ (waitpid (-1, nullptr, WNOHANG), -1) << "a process was left";
  }
  static void
  on_event (VpQemu *, const char *name, JsonObject *, gpointer user_data)
  {
    auto *self = static_cast<Qemu *> (user_data);

    self->events_ += self->events_.empty () ? name : std::string (" ") + name;
  }
  static void
  on_exited (VpQemu *, gpointer user_data)
  {
    static_cast<Qemu *> (user_data)->n_exits_++;
  }

  void
  start (const std::string &script)
  {
    ShellQemu shell (script);

    vp_qemu_start_async (qemu_, shell.argv (), run_dir_, AsyncResult::ready, &result_);
  }
  /* Returns "" when it has started. */
  std::string
  outcome (guint milliseconds = 5000)
  {
    if (!result_.wait (milliseconds))
      return "(no answer)";
    if (vp_qemu_start_finish (qemu_, result_.get (), &error_))
      return "";
    return error_->message;
  }
  bool
  has_exited (guint milliseconds = 5000)
  {
    return run_until ([&] { return n_exits_ == 1; }, milliseconds);
  }
  std::string
  end ()
  {
    g_autoptr (GError) error = nullptr;

    return vp_qemu_check_end (qemu_, &error) ? "" : error->message;
  }
  std::string
  heard () const
  {
    std::ostringstream text;
    text << std::ifstream (folder_.path ("heard")).rdbuf ();
    return text.str ();
  }

  ~Qemu () override { g_clear_error (&error_); }

  TempFolder folder_;
  VpRunDir *run_dir_ = nullptr;
  VpQemu *qemu_ = nullptr;
  gpointer watched_ = nullptr;
  AsyncResult result_;
  GError *error_ = nullptr;
  std::string events_;
  int n_exits_ = 0;
};

struct FailRow
{
  const char *name;
  const char *script;
  const char *message; /* how it begins */
};

const FailRow fail_rows[] = {
  { "silent_failure", "exit 1", "QEMU did not start: ended with status 1" },
  { "silent_success", "exit 0", "QEMU did not start: ended with status 0" },
  { "last_words", "echo first >&2; echo 'Bus rp0 not found' >&2; exit 1",
    "QEMU did not start: Bus rp0 not found (ended with status 1)" },
  { "after_the_greeting", "greet; echo 'no room' >&2; exit 1",
    "QEMU did not start: no room (ended with status 1)" },
  { "after_the_handshake", "greet; ok; echo 'no room' >&2; exit 1",
    "QEMU did not start: no room (ended with status 1)" },
  { "during_cont", "greet; ok; hear; echo 'no room' >&2; exit 1",
    "QEMU did not start: no room (ended with status 1)" },
  { "killed", "kill -ABRT $$", "QEMU did not start: killed by signal 6" },
  { "refuses_capabilities", "greet; no 'not now'; sleep 60", "QEMU did not start: not now" },
  { "refuses_cont", "greet; ok; no 'cannot run'; sleep 60", "QEMU did not start: cannot run" },
  { "babbles", "printf 'hello\\r\\n' >&3; sleep 60", "QEMU did not start: " },
  { "greets_twice", "greet; greet; sleep 60", "QEMU did not start: the peer sent what is no" },
};

class FailedStart : public Qemu, public testing::WithParamInterface<FailRow>
{
};

TEST_P (FailedStart, IsToldInItsOwnWords)
{
  start (GetParam ().script);
  EXPECT_EQ (outcome ().substr (0, strlen (GetParam ().message)), GetParam ().message);
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
  EXPECT_EQ (vp_qemu_get_pid (qemu_), 0);
  EXPECT_EQ (n_exits_, 0) << "the end of what never started is not told twice";
}

INSTANTIATE_TEST_SUITE_P (Table, FailedStart, testing::ValuesIn (fail_rows), name_of_row<FailRow>);

TEST_F (Qemu, AProgramThatIsNotThereIsNamed)
{
  char program[] = "/nowhere/qemu";
  char *argv[] = { program, nullptr };

  vp_qemu_start_async (qemu_, argv, run_dir_, AsyncResult::ready, &result_);
  EXPECT_EQ (outcome ().find ("/nowhere/qemu could not be started: "), 0u) << error_->message;
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
}

TEST_F (Qemu, ItInheritsWhatItsDevicesNeed)
{
  int pipes[2][2];

  for (auto &ends : pipes)
    {
      ASSERT_EQ (pipe2 (ends, O_CLOEXEC), 0);
      vp_qemu_inherit (qemu_, ends[1]);
    }
  start ("printf one >&5; printf two >&6; greet; ok; ok");
  ASSERT_EQ (outcome (), "");
  EXPECT_EQ (fcntl (pipes[0][1], F_GETFD), -1) << "it is QEMU's alone";
  for (int i = 0; i < 2; i++)
    {
      char text[4] = {};
      EXPECT_EQ (read (pipes[i][0], text, 3), 3);
      EXPECT_STREQ (text, i == 0 ? "one" : "two");
      close (pipes[i][0]);
    }
}

TEST_F (Qemu, ItRunsUntilTheGuestPowersOff)
{
  start (
      "greet; ok; ok; say RESUME; hear; say SHUTDOWN '{\"guest\":true,\"reason\":\"guest-shutdown"
      "\"}'");
  ASSERT_EQ (outcome (), "");
  EXPECT_STREQ (vp_qemu_get_state (qemu_), "running");
  EXPECT_NE (vp_qemu_get_pid (qemu_), 0);
  vp_qmp_client_execute_async (vp_qemu_get_client (qemu_), "go", nullptr, nullptr, 0, nullptr,
                               nullptr, nullptr);
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (events_, "RESUME SHUTDOWN");
  EXPECT_STREQ (vp_qemu_get_state (qemu_), "ended");
  EXPECT_EQ (end (), "");
}

struct EndRow
{
  const char *name;
  const char *script; /* after the start */
  const char *message;
};

const EndRow end_rows[] = {
  { "powers_off", "say SHUTDOWN '{\"reason\":\"guest-shutdown\"}'", "" },
  { "panics",
    "say GUEST_PANICKED '{\"action\":\"poweroff\"}'; say SHUTDOWN "
    "'{\"reason\":\"guest-panic\"}'",
    "the guest panicked" },
  { "is_terminated", "say SHUTDOWN '{\"reason\":\"host-signal\"}'",
    "QEMU is gone, and nobody asked it to: ended with status 0" },
  { "just_ends", "exit 0", "QEMU is gone, and nobody asked it to: ended with status 0" },
  { "fails", "echo 'disk on fire' >&2; exit 3",
    "QEMU is gone, and nobody asked it to: disk on fire (ended with status 3)" },
  { "is_killed", "kill -KILL $$", "QEMU is gone, and nobody asked it to: killed by signal 9" },
};

class End : public Qemu, public testing::WithParamInterface<EndRow>
{
};

/* The supervisor does not run for a while (a suspended laptop, a busy host): when it runs again,
 * QEMU's last words over QMP and its end are there at the same time. */
TEST_P (End, IsUnderstoodHoweverLateItIsSeen)
{
  start (std::string ("greet; ok; ok; ") + GetParam ().script);
  while (n_exits_ == 0 && !result_.is_ready ())
    {
      g_usleep (100000);
      g_main_context_iteration (nullptr, TRUE);
    }
  ASSERT_EQ (outcome (), "");
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (end (), GetParam ().message);
}

INSTANTIATE_TEST_SUITE_P (Table, End, testing::ValuesIn (end_rows), name_of_row<EndRow>);

/* A process that QEMU left behind holds its end of QMP: no end of file ever comes. */
TEST_F (Qemu, AnEndIsToldThoughSomebodyHoldsItsQmp)
{
  start ("greet; ok; ok; sleep 3 2>/dev/null & exit 4");
  ASSERT_EQ (outcome (), "");
  EXPECT_TRUE (has_exited (2500));
  EXPECT_EQ (end (), "QEMU is gone, and nobody asked it to: ended with status 4");
}

TEST_F (Qemu, AStopBeforeTheHandshakeNeverLetsTheGuestRun)
{
  start ("sleep 0.2; greet; note");
  vp_qemu_stop (qemu_, TRUE);
  EXPECT_EQ (outcome (), "QEMU did not start: it was stopped before its guest ran");
  EXPECT_EQ (heard ().find ("\"cont\""), std::string::npos) << heard ();
}

/* Nobody can reach such a VM any more, and nothing could ever be unplugged from it. */
TEST_F (Qemu, WhoHangsUpAndLivesOnIsEnded)
{
  start ("greet; ok; ok; exec 3>&-; sleep 60");
  ASSERT_EQ (outcome (), "");
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (end ().find ("QEMU has left QMP"), 0u) << end ();
}

TEST_F (Qemu, WhoHangsUpBeforeItStartsIsEnded)
{
  start ("greet; ok; exec 3>&-; sleep 60");
  EXPECT_EQ (outcome ().find ("QEMU did not start: it has left QMP"), 0u);
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
}

TEST_F (Qemu, WhoSaysGoodbyeMayTakeItsTime)
{
  start ("greet; ok; ok; say SHUTDOWN '{\"reason\":\"guest-shutdown\"}'; exec 3>&-; sleep 1.2");
  ASSERT_EQ (outcome (), "");
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (end (), "");
}

/* Each rung by itself; the times between them are long. */
TEST_F (Qemu, TheStopLadderIsClimbedRungByRung)
{
  start ("trap 'echo TERM >>\"$HEARD\"' TERM; greet; ok; ok; note; while :; do sleep 0.05; done");
  ASSERT_EQ (outcome (), "");
  vp_qemu_stop (qemu_, FALSE);
  EXPECT_TRUE (run_until ([&] { return heard ().find ("system_powerdown") != heard ().npos; }));
  EXPECT_EQ (heard ().find ("\"quit\""), heard ().npos);
  vp_qemu_stop (qemu_, FALSE);
  EXPECT_TRUE (run_until ([&] { return heard ().find ("\"quit\"") != heard ().npos; }));
  vp_qemu_stop (qemu_, FALSE);
  vp_qemu_stop (qemu_, FALSE);
  ASSERT_TRUE (has_exited ());
  EXPECT_EQ (end (), "") << "it was asked to";
}

TEST_F (Qemu, AForcedStopLeavesTheGuestOut)
{
  start ("greet; ok; ok; note");
  ASSERT_EQ (outcome (), "");
  vp_qemu_stop (qemu_, TRUE);
  EXPECT_TRUE (run_until ([&] { return heard ().find ("\"quit\"") != heard ().npos; }));
  EXPECT_EQ (heard ().find ("system_powerdown"), heard ().npos);
  vp_qemu_stop (qemu_, TRUE); /* SIGTERM */
  ASSERT_TRUE (has_exited ());
  vp_qemu_stop (qemu_, TRUE); /* nothing left to stop */
  EXPECT_EQ (end (), "");
}

TEST_F (Qemu, DroppedWhileItRunsItDoesNotOutliveUs)
{
  start ("greet; ok; ok; sleep 60");
  ASSERT_EQ (outcome (), "");
  /* TearDown() drops it, and looks for what is left */
}

} // namespace
