#include "launcher/boottest/guest-command.h"
#include "launcher/error.h"
#include "launcher/guest/guest-job.h"

#include "tests/support/fake-qmp.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace
{

/* ---- what a guest reports ---- */

struct Row
{
  const char *name;
  std::string said;
  VpGuestRecordState state;
  guint status;
  const char *text;
};

const Row rows[] = {
  { "nothing", "", VP_GUEST_RECORD_NONE, 0, nullptr },
  { "no_end_of_line", "0", VP_GUEST_RECORD_NONE, 0, nullptr },
  { "started", "started\n", VP_GUEST_RECORD_STARTED, 0, nullptr },
  { "ended", "started\nended 42 7 9 \n", VP_GUEST_RECORD_ENDED, 42, nullptr },
  { "could_not_run", "started\nended 127 0 0 No such file\n", VP_GUEST_RECORD_ENDED, 127,
    "No such file" },
  { "failed", "failed no 9p: has it one?\n", VP_GUEST_RECORD_FAILED, 0, "no 9p: has it one?" },
  { "failed_after_the_start", "started\nfailed x\n", VP_GUEST_RECORD_FAILED, 0, "x" },
  { "status_alone", "0\n", VP_GUEST_RECORD_ENDED, 0, nullptr },
  { "status_255", "255\n", VP_GUEST_RECORD_ENDED, 255, nullptr },
  { "first_status_counts", "1\n0\n", VP_GUEST_RECORD_ENDED, 1, nullptr },
  { "failure_stays", "failed x\n0\n", VP_GUEST_RECORD_FAILED, 0, "x" },
  { "status_too_large", "256\n", VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \"256\"" },
  { "status_negative", "-1\n", VP_GUEST_RECORD_FAILED, 0, "its report is not understood: \"-1\"" },
  { "status_with_a_blank", " 0\n", VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \" 0\"" },
  { "empty_line", "\n", VP_GUEST_RECORD_FAILED, 0, "its report is not understood: \"\"" },
  { "end_without_sizes", "ended 0\n", VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \"ended 0\"" },
  { "end_with_half_a_size", "ended 0 1 x \n", VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \"ended 0 1 x \"" },
  { "started_twice", "started\nstarted\n", VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \"started\"" },
  { "hostile_text", "failed \033[2J\xff\n", VP_GUEST_RECORD_FAILED, 0, "\\x1b[2J\xEF\xBF\xBD" },
  { "a_nul_hides_nothing", std::string ("0\0\n", 3), VP_GUEST_RECORD_FAILED, 0,
    "its report is not understood: \"0?\"" },
};

class GuestRecord : public testing::TestWithParam<Row>
{
};

TEST_P (GuestRecord, IsUnderstoodInWhateverPieces)
{
  const Row &row = GetParam ();

  for (gsize piece = 1; piece <= row.said.size () + 1; piece++)
    {
      g_autoptr (VpGuestRecord) record = vp_guest_record_new ();

      for (gsize at = 0; at < row.said.size (); at += piece)
        vp_guest_record_feed (record, row.said.data () + at,
                              std::min (piece, row.said.size () - at));
      EXPECT_EQ (record->state, row.state);
      if (row.state == VP_GUEST_RECORD_ENDED)
        {
          EXPECT_EQ (record->status, row.status);
        }
      EXPECT_STREQ (record->text, row.text);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, GuestRecord, testing::ValuesIn (rows), name_of_row<Row>);

TEST (GuestRecordLine, IsBounded)
{
  g_autoptr (VpGuestRecord) record = vp_guest_record_new ();
  const std::string endless (10 * VP_GUEST_RECORD_LINE, 'x');

  vp_guest_record_feed (record, endless.data (), endless.size ());
  EXPECT_EQ (record->state, VP_GUEST_RECORD_FAILED);
  EXPECT_LE (record->line->len, VP_GUEST_RECORD_LINE);
}

/* ---- both ends ---- */

/* The guest is at the other ends of the ports, and pipes are our own stdout and stderr. */
class GuestCommand : public testing::Test
{
protected:
  GuestCommand ()
  {
    for (auto *ends : { out_, err_ })
      if (pipe2 (ends, O_CLOEXEC) != 0)
        std::abort ();
  }
  ~GuestCommand () override
  {
    vp_guest_command_free (command_);
    for (int fd : { out_[0], out_[1], err_[0], err_[1] })
      if (fd >= 0)
        close (fd);
    for (int fd : ports_)
      close (fd);
  }

  void
  make (std::vector<const char *> argv, std::vector<const char *> environment = {})
  {
    argv.push_back (nullptr);
    environment.push_back (nullptr);
    const VpGuestCommandInput input = { argv.size () > 1 ? const_cast<char **> (argv.data ())
                                                         : nullptr,
                                        "/a folder", const_cast<char **> (environment.data ()),
                                        out_[1], err_[1] };
    command_ = vp_guest_command_new (
        &input, [] (gpointer self) { static_cast<GuestCommand *> (self)->n_changes_++; }, this,
        nullptr);
    ASSERT_NE (command_, nullptr);
    for (int fd; (fd = vp_guest_command_steal_port (command_)) >= 0;)
      ports_.push_back (fd);
  }
  void
  say (guint port, const std::string &text)
  {
    gsize sent = 0;
    ASSERT_TRUE (run_until ([&] {
      const ssize_t n = send (ports_[port], text.data () + sent, text.size () - sent, MSG_DONTWAIT);
      sent += n > 0 ? static_cast<gsize> (n) : 0;
      return sent == text.size ();
    }));
  }
  std::string
  hear (gsize size)
  {
    std::string heard;
    char buffer[65536];
    run_until ([&] {
      const ssize_t n =
          recv (ports_[0], buffer, std::min (sizeof buffer, size - heard.size ()), MSG_DONTWAIT);
      if (n > 0)
        heard.append (buffer, static_cast<gsize> (n));
      return heard.size () == size;
    });
    return heard;
  }
  /* Reads @size bytes of what we print. */
  static std::string
  printed (int fd, gsize size)
  {
    std::string text;
    run_until ([&] {
      char buffer[65536];
      struct pollfd in = { fd, POLLIN, 0 };
      while (text.size () < size && poll (&in, 1, 0) == 1)
        {
          const ssize_t n = read (fd, buffer, std::min (sizeof buffer, size - text.size ()));
          if (n <= 0)
            return true;
          text.append (buffer, static_cast<gsize> (n));
        }
      return text.size () == size;
    });
    return text;
  }
  VpGuestRecordState
  state () const
  {
    return vp_guest_command_get_state (command_);
  }
  bool
  becomes (VpGuestRecordState wanted)
  {
    return run_until ([&] { return state () == wanted; });
  }

  int out_[2], err_[2];
  std::vector<int> ports_; /* result, stdout, stderr */
  VpGuestCommand *command_ = nullptr;
  guint n_changes_ = 0;
};

TEST_F (GuestCommand, HandsOverItsJob)
{
  make ({ "a b", "", "it's\n\"$x\"", "=" }, { "A=1", "BASH_FUNC_x%%=() { :; }", "E=" });
  const std::string header = hear (VP_GUEST_JOB_HEADER);
  std::string job = hear (std::stoul (header));
  VpGuestJob parsed;

  ASSERT_TRUE (vp_guest_job_parse (job.data (), job.size (), &parsed));
  EXPECT_STREQ (parsed.folder, "/a folder");
  EXPECT_EQ (std::vector<std::string> (parsed.argv, parsed.argv + g_strv_length (parsed.argv)),
             (std::vector<std::string>{ "a b", "", "it's\n\"$x\"", "=" }));
  EXPECT_EQ (std::vector<std::string> (parsed.environment,
                                       parsed.environment + g_strv_length (parsed.environment)),
             (std::vector<std::string>{ "A=1", "BASH_FUNC_x%%=() { :; }", "E=" }));
  free (parsed.argv - 2);
}

TEST_F (GuestCommand, HandsOverALargeJob)
{
  const std::string large (2 * 1024 * 1024, 'x');

  make ({ "a", large.c_str () });
  const gsize size = std::stoul (hear (VP_GUEST_JOB_HEADER));
  EXPECT_GT (size, large.size ());
  EXPECT_EQ (hear (size).substr (strlen ("/a folder") + 1 + 2 + 2, large.size ()), large);
}

TEST_F (GuestCommand, RefusesAJobThatIsTooLarge)
{
  const std::string large (VP_GUEST_JOB_MAX, 'x');
  const char *argv[] = { "a", large.c_str (), nullptr };
  const char *environment[] = { nullptr };
  const VpGuestCommandInput input = { const_cast<char **> (argv), "/",
                                      const_cast<char **> (environment), out_[1], err_[1] };
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_guest_command_new (&input, nullptr, nullptr, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
}

TEST_F (GuestCommand, StatusCountsOnceTheOutputIsThere)
{
  make ({ "a" });
  say (0, "started\nended 3 5 4 \n");
  ASSERT_TRUE (becomes (VP_GUEST_RECORD_STARTED));
  say (1, "hello");
  EXPECT_EQ (printed (out_[0], 5), "hello");
  EXPECT_EQ (state (), VP_GUEST_RECORD_STARTED) << "stderr is not there yet";
  say (2, "oops");
  EXPECT_TRUE (becomes (VP_GUEST_RECORD_ENDED));
  EXPECT_EQ (printed (err_[0], 4), "oops");
  EXPECT_EQ (vp_guest_command_get_status (command_), 3u);
  EXPECT_EQ (n_changes_, 2u);
}

TEST_F (GuestCommand, GuestIsToldThatAllHasArrived)
{
  make ({ "a" });
  hear (std::stoul (hear (VP_GUEST_JOB_HEADER)));
  say (0, "started\nended 0 1 0 \n");
  ASSERT_TRUE (becomes (VP_GUEST_RECORD_STARTED));
  char last;
  EXPECT_EQ (recv (ports_[0], &last, 1, MSG_DONTWAIT), -1) << "a byte of stdout is missing";
  say (1, "x");
  EXPECT_EQ (hear (1), "\n");
}

TEST_F (GuestCommand, SlowReaderSlowsTheGuest)
{
  make ({ "a" });
  const std::string piece (4096, 'x');
  gsize sent = 0;
  auto fill = [&] {
    const ssize_t n = send (ports_[1], piece.data (), piece.size (), MSG_DONTWAIT);
    sent += n > 0 ? static_cast<gsize> (n) : 0;
    return sent > 16 * 1024 * 1024;
  };

  EXPECT_FALSE (run_until (fill, 300)) << "somebody holds it all";
  say (0, "started\n");
  EXPECT_TRUE (becomes (VP_GUEST_RECORD_STARTED)) << "only the stream waits";
  EXPECT_EQ (printed (out_[0], sent).size (), sent);
}

TEST_F (GuestCommand, ReaderThatHasGoneKeepsNobody)
{
  signal (SIGPIPE, SIG_IGN);
  make ({ "a" });
  close (std::exchange (out_[0], -1));
  say (1, std::string (1024 * 1024, 'x'));
  say (0, "started\nended 0 1048576 0 \n");
  EXPECT_TRUE (becomes (VP_GUEST_RECORD_ENDED));
}

TEST_F (GuestCommand, WhatAGuestThatIsGoneHasSaidIsPrinted)
{
  make ({ "a" });
  send (ports_[0], "started\n", 8, 0);
  send (ports_[1], "last words", 10, 0);
  for (int &fd : ports_)
    close (fd);
  ports_.clear ();
  vp_guest_command_flush (command_, 1000);
  EXPECT_EQ (printed (out_[0], 10), "last words");
  EXPECT_EQ (state (), VP_GUEST_RECORD_STARTED) << "no status";
}

TEST_F (GuestCommand, KeepsTheLastLinesOfItsOutput)
{
  make ({ "a" });
  std::string text;
  for (int i = 0; i < 20000; i++)
    text += "line " + std::to_string (i) + "\n";
  close (std::exchange (out_[0], -1));
  signal (SIGPIPE, SIG_IGN);
  say (1, text);
  ASSERT_TRUE (run_until ([&] {
    g_auto (GStrv) last = vp_guest_command_get_tail (command_, 1);
    return last[0] != nullptr && g_str_equal (last[0], "line 19999");
  }));
  say (2, std::string ("nul \0", 5));
  say (0, "ended 0 " + std::to_string (text.size ()) + " 5 \n");
  ASSERT_TRUE (becomes (VP_GUEST_RECORD_ENDED));
  g_auto (GStrv) lines = vp_guest_command_get_tail (command_, 3);
  ASSERT_EQ (g_strv_length (lines), 3u);
  EXPECT_EQ (std::string (lines[0]) + lines[1] + lines[2], "line 19998line 19999nul ?");
}

TEST_F (GuestCommand, FlushWaitsNoLongerThanItMay)
{
  make ({ "a" });
  EXPECT_EQ (fcntl (out_[1], F_SETPIPE_SZ, 4096), 4096);
  const std::string text (100000, 'x');
  send (ports_[1], text.data (), text.size (), MSG_DONTWAIT);
  const gint64 begin = g_get_monotonic_time ();
  vp_guest_command_flush (command_, 100);
  EXPECT_LT (g_get_monotonic_time () - begin, 5 * G_USEC_PER_SEC);
}

TEST_F (GuestCommand, GuestOfItsOwnReportsAStatus)
{
  make ({});
  EXPECT_EQ (ports_.size (), 1u);
  say (0, "7\n");
  EXPECT_TRUE (becomes (VP_GUEST_RECORD_ENDED));
  EXPECT_EQ (vp_guest_command_get_status (command_), 7u);
}

TEST_F (GuestCommand, FailureIsToldWithItsReason)
{
  make ({ "a" });
  say (0, "failed cannot mount\n");
  EXPECT_TRUE (becomes (VP_GUEST_RECORD_FAILED));
  EXPECT_STREQ (vp_guest_command_get_text (command_), "cannot mount");
}

/* ---- the job ---- */

struct Job
{
  const char *name;
  std::string data;
};

const Job bad_jobs[] = {
  { "empty", "" },
  { "no_nul_at_the_end", std::string ("/\0"
                                      "1\0a",
                                      5) },
  { "no_arguments", std::string ("/\0"
                                 "0\0",
                                 4) },
  { "fewer_arguments_than_said", std::string ("/\0"
                                              "2\0a\0",
                                              6) },
  { "number_is_none", std::string ("/\0x\0a\0", 6) },
  { "number_is_huge", std::string ("/\0"
                                   "18446744073709551615\0a\0",
                                   25) },
  { "folder_alone", std::string ("/\0", 2) },
};

class BadJob : public testing::TestWithParam<Job>
{
};

TEST_P (BadJob, IsRefused)
{
  std::string data = GetParam ().data;
  VpGuestJob job;

  EXPECT_FALSE (vp_guest_job_parse (data.data (), data.size (), &job));
}

INSTANTIATE_TEST_SUITE_P (Table, BadJob, testing::ValuesIn (bad_jobs), name_of_row<Job>);

/* ---- the VM for it ---- */

class GuestCommandPrepare : public testing::Test
{
protected:
  ~GuestCommandPrepare () override
  {
    g_unsetenv ("VMPLUG_GUEST_INITRD");
    vp_config_free (config_);
  }
  VpConfig *config_ = vp_config_new ();
  GError *error_ = nullptr;
};

TEST_F (GuestCommandPrepare, NeedsAKernel)
{
  EXPECT_FALSE (vp_guest_command_prepare (config_, &error_));
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_NE (strstr (error_->message, "--kernel"), nullptr);
  g_error_free (error_);
}

TEST_F (GuestCommandPrepare, AddsTheHostsFilesAndPorts)
{
  g_setenv ("VMPLUG_GUEST_INITRD", "/initrd", TRUE);
  ASSERT_TRUE (vp_config_set (config_, "kernel", "/k", nullptr));
  ASSERT_TRUE (vp_guest_command_prepare (config_, nullptr));
  EXPECT_STREQ (config_->initrd, "/initrd");
  EXPECT_EQ (config_->guest_ports, VP_GUEST_PORTS_COMMAND);
  ASSERT_EQ (config_->shares->len, 1u);
  const auto *share = static_cast<VpShare *> (config_->shares->pdata[0]);
  EXPECT_TRUE (share->readonly);
  EXPECT_STREQ (share->dir, "/");
}

TEST_F (GuestCommandPrepare, KeepsAnInitrdThatIsGiven)
{
  g_setenv ("VMPLUG_GUEST_INITRD", "/initrd", TRUE);
  ASSERT_TRUE (vp_config_set (config_, "kernel", "/k", nullptr));
  ASSERT_TRUE (vp_config_set (config_, "initrd", "/mine", nullptr));
  ASSERT_TRUE (vp_guest_command_prepare (config_, nullptr));
  EXPECT_STREQ (config_->initrd, "/mine");
}

TEST_F (GuestCommandPrepare, SaysWhereItLookedForAnInitrd)
{
  ASSERT_TRUE (vp_config_set (config_, "kernel", "/k", nullptr));
  if (g_file_test (VMPLUG_DATA_FOLDER "/guest-initrd", G_FILE_TEST_EXISTS))
    GTEST_SKIP () << "vmplug is installed here";
  EXPECT_FALSE (vp_guest_command_prepare (config_, &error_));
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_HOST));
  EXPECT_NE (strstr (error_->message, "VMPLUG_GUEST_INITRD"), nullptr);
  g_error_free (error_);
}

} // namespace
