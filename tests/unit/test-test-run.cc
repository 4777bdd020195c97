#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/test-jobs.h"
#include "launcher/boottest/test-run.h"

#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace
{

using namespace std::string_literals;

/* Stands for "vmplug boot": does what the last word says. It is told where to write by --events. */
const char *const STAND_IN = R"sh(#!/bin/bash
say() { printf '%s\n' "$1" >&3; }
end() {
  say "{\"event\":\"end\",\"document\":{\"name\":\"vm\",\"verdict\":\"$1\",\"reason\":\"so\",\"evidence\":{}}}"
}
here=$(dirname "$0")
word=${@: -1}
say "{\"event\":\"start\",\"name\":\"vm\",\"words\":\"$*\"}"
echo "$word" >>"$here/begun"
case $word in
  pass | fail | panic | oops | hang | timeout | guest-gone | infra | skip) end "$word" ;;
  pause*) sleep 0.2; end pass ;;
  mute) echo 'vmplug: dying words' >&2; exit 3 ;;
  killed) kill -9 $$ ;;
  late) end pass; sleep 0.3; kill -9 $$ ;;
  nonsense) say 'no JSON'; sleep 60 ;;
  endless) exec cat /dev/zero >&3 ;;
  long) tr '\0' x </dev/zero >&3 ;;
  second) if [ "$(grep -c second "$here/begun")" -gt 1 ]; then end pass; else end infra; fi ;;
  orderly) trap 'end infra; exit 143' TERM; say '{"event":"ready"}'; sleep 60 & wait ;;
  stubborn) trap '' TERM; say '{"event":"ready"}'; sleep 60 ;;
  big)
    printf '{"event":"end","document":{"verdict":"pass","evidence":{"console_tail":["' >&3
    head -c 4000000 /dev/zero | tr '\0' x >&3
    say '"]}}}'
    ;;
esac
)sh";

void
case_free (gpointer data)
{
  vp_test_case_free (static_cast<VpTestCase *> (data));
}

class TestRun : public testing::Test
{
protected:
  TempFolder folder_;
  const std::string program_ = make_program ();
  GPtrArray *cases_ = g_ptr_array_new_with_free_func (case_free);
  VpTestRunOptions options_ = { program_.c_str (), 1, 0, nullptr, 60000, on_event, this };
  std::vector<std::string> events_;          /* "NAME EVENT" */
  std::map<std::string, std::string> words_; /* of the command line, by the case's name */
  std::function<void (const std::string &)> happening_;
  guint running_ = 0, most_running_ = 0;
  int signal_ = -1;
  GPtrArray *documents_ = nullptr;

  ~TestRun () override
  {
    g_ptr_array_unref (cases_);
    g_clear_pointer (&documents_, g_ptr_array_unref);
  }
  std::string
  make_program ()
  {
    const std::string path = folder_.write ("vmplug", STAND_IN);
    chmod (path.c_str (), 0755);
    return path;
  }
  void
  add (const std::vector<std::string> &words)
  {
    for (const std::string &word : words)
      {
        VpTestCase *each = g_new0 (VpTestCase, 1);
        const char *const argv[] = { "vmplug", "boot", "--smp", "2", word.c_str (), nullptr };
        each->name = g_strdup (("case " + word).c_str ());
        each->argv = g_strdupv (const_cast<char **> (argv));
        g_ptr_array_add (cases_, each);
      }
    vp_test_case_name_folders (cases_);
  }
  static void
  on_event (guint index, JsonObject *event, gpointer user_data)
  {
    auto *self = static_cast<TestRun *> (user_data);
    const auto *test = static_cast<const VpTestCase *> (self->cases_->pdata[index]);
    const std::string what = vp_boot_document_get_text (event, "event");

    EXPECT_STREQ (vp_boot_document_get_text (event, "name"), test->name);
    if (what == "start")
      {
        self->running_++;
        self->words_[test->name] = vp_boot_document_get_text (event, "words");
      }
    if (what == "end" || what == "retry")
      self->running_--;
    self->most_running_ = std::max (self->most_running_, self->running_);
    self->events_.push_back (test->name + " "s + what);
    if (self->happening_)
      self->happening_ (what);
  }
  double
  run ()
  {
    const auto start = std::chrono::steady_clock::now ();
    documents_ = vp_test_run (cases_, &options_, &signal_);
    return std::chrono::duration<double> (std::chrono::steady_clock::now () - start).count ();
  }
  JsonObject *
  document (guint index)
  {
    return static_cast<JsonObject *> (documents_->pdata[index]);
  }
  std::string
  text (guint index, const char *name)
  {
    return vp_boot_document_get_text (document (index), name);
  }
};

TEST_F (TestRun, HasTheVerdictsInTheOrderOfTheCases)
{
  add ({ "pause", "fail", "panic", "oops", "hang", "timeout", "guest-gone", "infra", "skip",
         "pass" });
  options_.jobs = 3;
  run ();

  const char *const verdicts[] = { "pass",    "fail",       "panic", "oops", "hang",
                                   "timeout", "guest-gone", "infra", "skip", "pass" };
  ASSERT_EQ (documents_->len, std::size (verdicts));
  for (guint i = 0; i < documents_->len; i++)
    {
      EXPECT_EQ (text (i, "verdict"), verdicts[i]);
      EXPECT_EQ (text (i, "name"), static_cast<VpTestCase *> (cases_->pdata[i])->name);
      EXPECT_EQ (json_object_get_int_member (document (i), "attempts"), 1);
    }
  EXPECT_EQ (signal_, 0);
  EXPECT_STREQ (vp_boot_document_get_text (vp_boot_document_get_evidence (document (0)), "command"),
                "vmplug boot --smp 2 pause");
}

TEST_F (TestRun, RunsAsManyAtATimeAsItMay)
{
  add ({ "pause-1", "pause-2", "pause-3", "pause-4", "pause-5", "pause-6" });
  options_.jobs = 3;
  run ();

  EXPECT_EQ (most_running_, 3u);
}

TEST_F (TestRun, GivesNothingToTwo)
{
  add ({ "pause-1", "pause-2", "pause-3", "pass" });
  options_.jobs = 3;
  for (guint i = 0; i < 3; i++)
    {
      const char *const claims[] = { "device 0000:41:00.0", nullptr };
      static_cast<VpTestCase *> (cases_->pdata[i])->claims =
          g_strdupv (const_cast<char **> (claims));
    }
  run ();

  EXPECT_EQ (most_running_, 2u);
  const auto place = [this] (const char *event) {
    return std::find (events_.begin (), events_.end (), event);
  };
  EXPECT_LT (place ("case pause-1 end"), place ("case pause-2 start"));
  EXPECT_LT (place ("case pause-2 end"), place ("case pause-3 start"));
  EXPECT_LT (place ("case pass end"), place ("case pause-3 start"));
  EXPECT_EQ (text (3, "verdict"), "pass");
}

TEST_F (TestRun, RunsOneAtATime)
{
  add ({ "pause-1", "pause-2", "pause-3" });
  run ();

  EXPECT_EQ (most_running_, 1u);
  EXPECT_EQ (events_, (std::vector<std::string>{ "case pause-1 start", "case pause-1 end",
                                                 "case pause-2 start", "case pause-2 end",
                                                 "case pause-3 start", "case pause-3 end" }));
}

TEST_F (TestRun, GivesEachItsFolder)
{
  const std::string artifacts = folder_.path ("a");
  add ({ "pass", "second" });
  options_.artifacts = artifacts.c_str ();
  options_.retries = 1;
  run ();

  EXPECT_EQ (words_["case pass"],
             "boot --events=fd:3 --artifacts=" + artifacts + "/case_pass --smp 2 pass");
  EXPECT_EQ (words_["case second"],
             "boot --events=fd:3 --artifacts=" + artifacts + "/case_second+2 --smp 2 second");
}

TEST_F (TestRun, TriesAgainOnlyWhereNothingIsKnownOfTheGuest)
{
  add ({ "second", "fail", "infra", "pass" });
  options_.retries = 2;
  run ();

  EXPECT_EQ (text (0, "verdict"), "pass");
  EXPECT_EQ (json_object_get_int_member (document (0), "attempts"), 2);
  EXPECT_TRUE (json_object_get_boolean_member (document (0), "flaky"));
  EXPECT_EQ (json_object_get_int_member (document (1), "attempts"), 1);
  EXPECT_EQ (text (2, "verdict"), "infra");
  EXPECT_EQ (json_object_get_int_member (document (2), "attempts"), 3);
  EXPECT_FALSE (json_object_get_boolean_member (document (2), "flaky"));
  EXPECT_FALSE (json_object_get_boolean_member (document (3), "flaky"));
  EXPECT_EQ (std::count (events_.begin (), events_.end (), "case infra retry"), 2);
  EXPECT_EQ (std::count (events_.begin (), events_.end (), "case infra end"), 1);
}

struct Death
{
  const char *name;
  const char *reason; /* in it */
};

void
PrintTo (const Death &death, std::ostream *out)
{
  *out << death.name;
}

const Death deaths[] = {
  { "mute", "vmplug boot ended with status 3 without a verdict: vmplug: dying words" },
  { "killed", "vmplug boot was ended by signal 9 without a verdict" },
  { "nonsense", "its events cannot be read: " },
  { "endless", "its events cannot be read: " },
  { "long", "its events cannot be read: " },
};

class TestRunDeath : public TestRun, public testing::WithParamInterface<Death>
{
};

TEST_P (TestRunDeath, IsInfra)
{
  add ({ GetParam ().name });
  const double seconds = run ();

  EXPECT_EQ (text (0, "verdict"), "infra");
  EXPECT_NE (text (0, "reason").find (GetParam ().reason), std::string::npos) << text (0, "reason");
  EXPECT_LT (seconds, 30);
}

INSTANTIATE_TEST_SUITE_P (Table, TestRunDeath, testing::ValuesIn (deaths), name_of_row<Death>);

TEST_F (TestRun, BelievesAVerdictWhateverComesAfterIt)
{
  add ({ "late" });
  run ();

  EXPECT_EQ (text (0, "verdict"), "pass");
}

TEST_F (TestRun, TakesADocumentOfMegabytes)
{
  add ({ "big" });
  run ();

  EXPECT_EQ (text (0, "verdict"), "pass");
}

TEST_F (TestRun, GoesOnWhereTheProgramIsNotThere)
{
  add ({ "pass", "pass" });
  options_.program = "/nonexistent/vmplug";
  options_.retries = 3;
  run ();

  ASSERT_EQ (documents_->len, 2u);
  EXPECT_EQ (text (1, "verdict"), "infra");
  EXPECT_EQ (json_object_get_int_member (document (1), "attempts"), 4);
}

TEST_F (TestRun, EndsItsChildrenInGoodOrder)
{
  guint n_ready = 0;
  add ({ "orderly", "orderly", "pass" });
  options_.jobs = 2;
  options_.retries = 5;
  happening_ = [&n_ready] (const std::string &what) {
    if (what == "ready" && ++n_ready == 2)
      kill (getpid (), SIGINT);
  };
  const double seconds = run ();

  EXPECT_EQ (signal_, SIGINT);
  EXPECT_EQ (text (0, "reason"), "so");
  EXPECT_EQ (text (1, "reason"), "so");
  EXPECT_EQ (json_object_get_int_member (document (0), "attempts"), 1);
  EXPECT_EQ (text (2, "verdict"), "infra");
  EXPECT_EQ (text (2, "reason"), "was not begun: ended by signal 2");
  EXPECT_LT (seconds, 30);
}

TEST_F (TestRun, KillsThemWhenAskedTwice)
{
  add ({ "stubborn" });
  happening_ = [] (const std::string &what) {
    if (what != "ready")
      return;
    kill (getpid (), SIGTERM);
    kill (getpid (), SIGINT);
  };
  const double seconds = run ();

  EXPECT_EQ (signal_, SIGINT); /* the lower number of two that are pending comes first */
  EXPECT_EQ (text (0, "reason"), "vmplug boot was ended by signal 9 without a verdict");
  EXPECT_LT (seconds, 30);
}

TEST_F (TestRun, KillsThemWhenTheyTakeTooLong)
{
  add ({ "stubborn" });
  options_.end_ms = 500;
  happening_ = [] (const std::string &what) {
    if (what == "ready")
      kill (getpid (), SIGHUP);
  };
  const double seconds = run ();

  EXPECT_EQ (signal_, SIGHUP);
  EXPECT_EQ (text (0, "reason"), "vmplug boot was ended by signal 9 without a verdict");
  EXPECT_GT (seconds, 0.4);
  EXPECT_LT (seconds, 30);
}

TEST_F (TestRun, MayHaveManyCases)
{
  add (std::vector<std::string> (100, "pass"));
  options_.jobs = 4;
  const double seconds = run ();

  for (guint i = 0; i < documents_->len; i++)
    ASSERT_EQ (text (i, "verdict"), "pass") << i;
  EXPECT_LT (seconds, 60); /* most of it is bash */
}

struct Status
{
  const char *name;
  std::vector<const char *> verdicts;
  int status;
};

void
PrintTo (const Status &status, std::ostream *out)
{
  *out << status.name;
}

const Status statuses[] = {
  { "nothing", {}, 0 },
  { "pass", { "pass", "pass" }, 0 },
  { "skip", { "skip" }, 0 },
  { "fail", { "pass", "fail", "skip" }, 1 },
  { "panic", { "panic" }, 1 },
  { "hang", { "hang" }, 1 },
  { "infra", { "pass", "infra", "infra" }, 99 },
  { "timeout", { "timeout", "skip" }, 124 },
  { "infra_and_timeout", { "timeout", "infra" }, 1 },
  { "infra_and_fail", { "infra", "fail" }, 1 },
};

class TestRunStatus : public testing::TestWithParam<Status>
{
};

TEST_P (TestRunStatus, IsOfAllVerdicts)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func (
      [] (gpointer data) { json_object_unref (static_cast<JsonObject *> (data)); });
  for (const char *verdict : GetParam ().verdicts)
    {
      JsonObject *document = json_object_new ();
      json_object_set_string_member (document, "verdict", verdict);
      g_ptr_array_add (documents, document);
    }
  EXPECT_EQ (vp_test_run_status (documents), GetParam ().status);
}

INSTANTIATE_TEST_SUITE_P (Table, TestRunStatus, testing::ValuesIn (statuses), name_of_row<Status>);

struct Load
{
  const char *name;
  std::vector<guint> cpus; /* of the cases; those above 100 want KVM, and are 100 less */
  guint cores;
  guint jobs;     /* by default */
  guint emulated; /* with these, and no KVM */
};

void
PrintTo (const Load &load, std::ostream *out)
{
  *out << load.name;
}

const Load loads[] = {
  { "one", { 1 }, 4, 4, 1 },         { "many", { 1, 1, 1, 1, 1, 1 }, 4, 4, 4 },
  { "large", { 1, 4, 2 }, 8, 2, 6 }, { "too_large", { 16 }, 2, 1, 16 },
  { "kvm", { 102, 2 }, 4, 2, 2 },    { "all_kvm", { 104 }, 2, 1, 0 },
};

class TestJobs : public testing::TestWithParam<Load>
{
};

TEST_P (TestJobs, FitTheCores)
{
  const Load &load = GetParam ();
  g_autoptr (GPtrArray) cases = g_ptr_array_new_with_free_func (case_free);
  for (guint cpus : load.cpus)
    {
      VpTestCase *each = g_new0 (VpTestCase, 1);
      each->cpus = cpus % 100;
      each->accel = cpus > 100 ? VP_ACCEL_KVM : VP_ACCEL_AUTO;
      g_ptr_array_add (cases, each);
    }
  const guint jobs = vp_test_jobs_default (cases, load.cores);

  EXPECT_EQ (jobs, load.jobs);
  EXPECT_EQ (vp_test_jobs_emulated (cases, jobs, FALSE), load.emulated);
  EXPECT_EQ (vp_test_jobs_emulated (cases, jobs, TRUE), 0u);
}

INSTANTIATE_TEST_SUITE_P (Table, TestJobs, testing::ValuesIn (loads), name_of_row<Load>);

} // namespace
