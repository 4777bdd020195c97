#include "launcher/boottest/milestones.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

class Milestones : public testing::Test
{
protected:
  void
  SetUp () override
  {
    steps_ = g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (vp_step_free));
  }
  void
  TearDown () override
  {
    g_clear_pointer (&milestones_, vp_milestones_free);
    g_clear_pointer (&patterns_, vp_fail_patterns_free);
    g_ptr_array_unref (steps_);
  }
  void
  step (VpStepKind kind, const char *text)
  {
    g_autoptr (GError) error = nullptr;
    VpStep *step = vp_step_new (kind, text, &error);
    ASSERT_NE (step, nullptr) << error->message;
    g_ptr_array_add (steps_, step);
  }
  void
  expect (const char *text)
  {
    step (VP_STEP_EXPECT, text);
  }
  void
  start (std::vector<const char *> own = {}, double scale = 1)
  {
    own.push_back (nullptr);
    patterns_ = vp_fail_patterns_new (own.data (), TRUE, nullptr);
    milestones_ = vp_milestones_new (steps_, patterns_, scale);
  }
  void
  feed (const std::string &text, gint64 ms = 0)
  {
    vp_milestones_feed (milestones_, reinterpret_cast<const guint8 *> (text.data ()), text.size (),
                        ms);
  }
  VpMilestonesState
  state ()
  {
    return vp_milestones_get_state (milestones_);
  }
  std::string
  reached (guint index)
  {
    const GPtrArray *reached = vp_milestones_get_reached (milestones_);
    if (index >= reached->len)
      return "not reached";
    auto *entry = static_cast<VpReached *> (g_ptr_array_index (reached, index));
    return entry->line != nullptr ? entry->line : "done";
  }
  std::string
  failure ()
  {
    const VpFailMatch *failure = vp_milestones_get_failure (milestones_);
    return failure != nullptr ? std::string (failure->pattern->name) + ": " + failure->line
                              : "none";
  }
  std::string
  tail (guint n)
  {
    g_auto (GStrv) lines = vp_milestones_get_tail (milestones_, n);
    g_autofree char *text = g_strjoinv ("\n", lines);
    return text;
  }

  GPtrArray *steps_ = nullptr;
  VpFailPatterns *patterns_ = nullptr;
  VpMilestones *milestones_ = nullptr;
};

TEST_F (Milestones, AreReachedInTheirOrder)
{
  expect ("one");
  expect ("two");
  start ();
  feed ("two\n", 5);
  EXPECT_EQ (vp_milestones_get_step (milestones_), 0u);
  feed ("one\n", 7);
  EXPECT_EQ (vp_milestones_get_step (milestones_), 1u);
  EXPECT_EQ (state (), VP_MILESTONES_WAITING);
  feed ("and two", 9);
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
  EXPECT_EQ (reached (0), "one");
  EXPECT_EQ (reached (1), "and two");
  feed (" more\nnext\n", 11);
  EXPECT_EQ (reached (1), "and two more");
  EXPECT_EQ (vp_milestones_get_last_output (milestones_), 11);
}

TEST_F (Milestones, MayBeManyInOneLine)
{
  expect ("a");
  expect ("^b");
  expect ("a");
  start ();
  feed ("xaba");
  EXPECT_EQ (vp_milestones_get_step (milestones_), 1u) << "b is not at the line's beginning";
  feed ("\nb");
  EXPECT_EQ (vp_milestones_get_step (milestones_), 2u);
  feed ("a");
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
}

TEST_F (Milestones, APromptMatchesWhenTheConsoleIsQuiet)
{
  expect ("# $");
  step (VP_STEP_SEND, "ls");
  expect ("# $");
  start ();
  feed ("root@debian:~# ");
  EXPECT_EQ (state (), VP_MILESTONES_WAITING);
  vp_milestones_settle (milestones_, 1);
  EXPECT_EQ (state (), VP_MILESTONES_ACTING);
  feed ("ls\r\nfile\r\nroot@debian:~# ");
  vp_milestones_settle (milestones_, 2);
  vp_milestones_step_done (milestones_, 3);
  EXPECT_EQ (state (), VP_MILESTONES_PASSED) << "it was quiet before the step was done";
}

TEST_F (Milestones, TheLastOnePassesWhateverFollows)
{
  expect ("Run /init");
  start ();
  feed ("Run /init\nKernel panic - not syncing: Attempted to kill init!\n");
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
  EXPECT_EQ (failure (), "none");
}

TEST_F (Milestones, AFailureBeforeTheLastOneFails)
{
  expect ("one");
  expect ("two");
  start ();
  feed ("one\n[    1.0] Kernel panic - not syncing: VFS\ntwo\n", 4);
  EXPECT_EQ (state (), VP_MILESTONES_FAILED);
  EXPECT_EQ (failure (), "kernel panic: [    1.0] Kernel panic - not syncing: VFS");
  EXPECT_EQ (reached (1), "not reached");
}

TEST_F (Milestones, APanicAfterAnOopsTakesItsPlace)
{
  expect ("never");
  start ();
  feed ("[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000\n");
  EXPECT_EQ (failure ().rfind ("kernel oops: [", 0), 0u) << failure ();
  feed ("Oops: 0002 [#1] PREEMPT SMP NOPTI\n");
  EXPECT_EQ (failure ().rfind ("kernel oops: [", 0), 0u) << failure ();
  feed ("Kernel panic - not syncing: Fatal exception\nKernel panic - not syncing: again\n");
  EXPECT_EQ (failure (), "kernel panic: Kernel panic - not syncing: Fatal exception");
}

TEST_F (Milestones, WhatComesWhileTheCallerActsIsKept)
{
  expect ("login:");
  step (VP_STEP_ATTACH, "rng");
  expect ("^virtio");
  expect ("rng1");
  start ();
  feed ("login: \nvirtio rng1");
  EXPECT_EQ (state (), VP_MILESTONES_ACTING);
  feed ("\nmore\n");
  vp_milestones_step_done (milestones_, 9);
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
  EXPECT_EQ (reached (1), "done");
  EXPECT_EQ (reached (3), "virtio rng1");
}

TEST_F (Milestones, DeadlinesAreScaled)
{
  expect ("one@1.5");
  expect ("two");
  start ({}, 5);
  EXPECT_EQ (vp_milestones_get_deadline (milestones_), 7500);
  feed ("one", 100);
  EXPECT_EQ (vp_milestones_get_deadline (milestones_), -1);
}

TEST_F (Milestones, TheTailIsTheLastLines)
{
  expect ("never");
  start ();
  feed ("one\ntwo\n\xff\nfour");
  EXPECT_EQ (tail (3), "two\n\xef\xbf\xbd\nfour");
  EXPECT_EQ (vp_milestones_get_n_lines (milestones_), 3u);
}

TEST_F (Milestones, AFailureIsHeardAtTheEndOfItsLine)
{
  expect ("login:");
  start ({ "^FAIL" });
  feed ("FAIL");
  EXPECT_EQ (state (), VP_MILESTONES_WAITING);
  vp_milestones_settle (milestones_, 3);
  EXPECT_EQ (state (), VP_MILESTONES_FAILED);
  EXPECT_EQ (failure (), "^FAIL: FAIL");
}

TEST_F (Milestones, AFailureBehindAPromptIsHeard)
{
  expect ("# $");
  step (VP_STEP_SEND, "x");
  expect ("never");
  start ();
  feed ("# ");
  vp_milestones_settle (milestones_, 1);
  feed ("[    1.0] Kernel panic - not syncing: x\n");
  EXPECT_EQ (state (), VP_MILESTONES_FAILED);
}

TEST_F (Milestones, AfterTheLastStepFailuresCountOnlyWhenAsked)
{
  expect ("ready");
  start ();
  vp_milestones_watch_on (milestones_);
  feed ("ready\n");
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
  feed ("Kernel panic - not syncing: x\n");
  EXPECT_EQ (state (), VP_MILESTONES_FAILED);
}

TEST_F (Milestones, NoStepsArePassedAtOnce)
{
  start ();
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
  EXPECT_EQ (vp_milestones_get_deadline (milestones_), -1);
}

/* A line without an end is searched in windows that overlap: nothing short can fall between. */
TEST_F (Milestones, AnEndlessLineIsSearchedEverywhere)
{
  for (size_t before : { 0u, 4090u, 8180u, 8190u, 12285u, 50000u })
    {
      TearDown ();
      SetUp ();
      expect ("needle in .* hay");
      expect ("^x");
      start ();
      feed (std::string (before, 'x') + "needle in " + std::string (3000, 'y') + " hay" +
            std::string (20000, 'x'));
      EXPECT_EQ (vp_milestones_get_step (milestones_), 1u) << before;
    }
}

TEST_F (Milestones, MemoryIsBoundedWhileTheCallerActs)
{
  step (VP_STEP_RESET, nullptr);
  expect ("^early");
  expect ("^late");
  start ();
  feed ("early\n" + std::string (300 * 1024, 'x') + "\nlate\n");
  vp_milestones_step_done (milestones_, 1);
  EXPECT_EQ (vp_milestones_get_step (milestones_), 1u) << "the first lines are forgotten";
  feed ("early\nlate\n");
  EXPECT_EQ (state (), VP_MILESTONES_PASSED);
}

TEST_F (Milestones, APatternThatTriesForEverIsGivenUp)
{
  expect ("^(([a-z])+.)+[A-Z]([a-z])+$");
  expect ("end");
  start ();
  feed (std::string (8000, 'a') + "\nAend\n");
  EXPECT_EQ (vp_milestones_get_step (milestones_), 0u);
}

} // namespace
