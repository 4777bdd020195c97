#include "launcher/boottest/verdict.h"

#include "devices/error.h"
#include "launcher/error.h"
#include "qmp/error.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <set>

namespace
{

const GError qemu_failed = { vp_error_quark (), VP_ERROR_START, const_cast<char *> ("bad kernel") };
const GError no_kvm = { vp_error_quark (), VP_ERROR_HOST, const_cast<char *> ("no /dev/kvm") };
const GError refused = { vp_error_quark (), VP_ERROR_REFUSED, const_cast<char *> ("no such bus") };
const GError pending = { vp_error_quark (), VP_ERROR_PENDING, const_cast<char *> ("not let go") };
const GError busy = { vp_device_error_quark (), VP_DEVICE_ERROR_BUSY, const_cast<char *> ("busy") };
const GError gone = { vp_qmp_error_quark (), VP_QMP_ERROR_DISCONNECTED,
                      const_cast<char *> ("QEMU is gone") };

VpBootFacts
waiting ()
{
  VpBootFacts facts = {};

  facts.due = "expect";
  facts.due_text = "login:";
  facts.max_resets = 2;
  facts.has_output = TRUE;
  facts.stall_ms = 30000;
  facts.within_ms = 2500;
  facts.timeout_ms = 60000;
  return facts;
}

VpBootFacts
passed ()
{
  VpBootFacts facts = waiting ();

  facts.due = facts.due_text = nullptr;
  facts.steps_passed = TRUE;
  return facts;
}

/* A VM that runs a command, or another from which a status is wanted. */
VpBootFacts
commanded ()
{
  VpBootFacts facts = waiting ();

  facts.due = facts.due_text = nullptr;
  facts.wants_status = TRUE;
  return facts;
}

/* Each fact that decides, alone. */
void
add_skip (VpBootFacts *facts)
{
  facts->skip_reason = "no-kvm: there is no /dev/kvm";
}
void
add_interruption (VpBootFacts *facts)
{
  facts->interrupted = 15;
}
void
add_start_error (VpBootFacts *facts)
{
  facts->start_error = &qemu_failed;
}
void
add_host_error (VpBootFacts *facts)
{
  facts->start_error = &no_kvm;
}
void
add_pvpanic (VpBootFacts *facts)
{
  facts->panicked = TRUE;
}
void
add_refusal (VpBootFacts *facts)
{
  facts->step_error = &refused;
}
void
add_pending (VpBootFacts *facts)
{
  facts->step_error = &pending;
}
void
add_busy (VpBootFacts *facts)
{
  facts->step_error = &busy;
}
void
add_disconnection (VpBootFacts *facts)
{
  facts->step_error = &gone;
}
void
add_stall (VpBootFacts *facts)
{
  facts->stalled = TRUE;
}
void
add_step_timeout (VpBootFacts *facts)
{
  facts->step_timed_out = TRUE;
}
void
add_timeout (VpBootFacts *facts)
{
  facts->timed_out = TRUE;
}
void
add_resets (VpBootFacts *facts)
{
  facts->resets = 3;
}

void
add_pattern (VpBootFacts *facts, const char *name, VpVerdict meaning, const char *line)
{
  facts->fail_name = name;
  facts->fail_class = meaning;
  facts->fail_line = line;
}
void
add_panic (VpBootFacts *facts)
{
  add_pattern (facts, "kernel-panic", VP_VERDICT_PANIC, "Kernel panic - not syncing: VFS");
}
void
add_oops (VpBootFacts *facts)
{
  add_pattern (facts, "oops", VP_VERDICT_OOPS, "BUG: unable to handle page fault");
}
void
add_lockup (VpBootFacts *facts)
{
  add_pattern (facts, "soft-lockup", VP_VERDICT_HANG, "watchdog: BUG: soft lockup");
}
void
add_shell (VpBootFacts *facts)
{
  add_pattern (facts, "initramfs-shell", VP_VERDICT_FAIL, "(initramfs)");
}
void
add_power_off (VpBootFacts *facts)
{
  facts->has_ended = TRUE;
  facts->end_is_guests = TRUE;
}
void
add_kill (VpBootFacts *facts)
{
  facts->has_ended = TRUE;
  facts->end = "killed by signal 9";
}
void
add_status (VpBootFacts *facts, guint status)
{
  facts->has_status = TRUE;
  facts->status = status;
}
void
add_status_0 (VpBootFacts *facts)
{
  add_status (facts, 0);
}
void
add_status_42 (VpBootFacts *facts)
{
  add_status (facts, 42);
}
/* By isa-debug-exit. */
void
add_status_16_of_16 (VpBootFacts *facts)
{
  add_status (facts, 16);
  facts->pass_status = 16;
}
void
add_status_17_of_16 (VpBootFacts *facts)
{
  add_status (facts, 17);
  facts->pass_status = 16;
}
void
add_status_of_nothing_run (VpBootFacts *facts)
{
  add_status (facts, 127);
  facts->status_text = "No such file";
}
void
add_failure_to_report (VpBootFacts *facts)
{
  facts->no_status = "no 9p";
}

using Change = void (*) (VpBootFacts *);

struct AloneRow
{
  const char *name;
  VpBootFacts (*start) ();
  std::vector<Change> changes;
  VpVerdict verdict;
  int exit_status;
  int command_exit_status;
  std::string reason;
};

const AloneRow alone_rows[] = {
  { "skip", waiting, { add_skip }, VP_VERDICT_SKIP, 77, 77, "no-kvm: there is no /dev/kvm" },
  { "interrupted",
    waiting,
    { add_interruption },
    VP_VERDICT_INFRA,
    143,
    143,
    "interrupted by signal 15 before it was over" },
  { "start_error", waiting, { add_start_error }, VP_VERDICT_INFRA, 99, 125, "bad kernel" },
  { "host_error", waiting, { add_host_error }, VP_VERDICT_INFRA, 99, 125, "no /dev/kvm" },
  { "steps", passed, {}, VP_VERDICT_PASS, 0, 0, "all steps are done" },
  { "panic",
    waiting,
    { add_panic },
    VP_VERDICT_PANIC,
    1,
    123,
    "the kernel panicked while waiting for 'login:': Kernel panic - not syncing: VFS; look at what "
    "the console said last" },
  { "pvpanic",
    waiting,
    { add_pvpanic },
    VP_VERDICT_PANIC,
    1,
    123,
    "the kernel panicked while waiting for 'login:', as its pvpanic device reports; look at what "
    "the console said last" },
  { "oops",
    waiting,
    { add_oops },
    VP_VERDICT_OOPS,
    1,
    123,
    "the console shows 'oops' while waiting for 'login:': BUG: unable to handle page fault; if "
    "that is meant to be there, choose other patterns with --fail-on" },
  { "lockup",
    waiting,
    { add_lockup },
    VP_VERDICT_HANG,
    1,
    124,
    "the console shows 'soft-lockup' while waiting for 'login:': watchdog: BUG: soft lockup; if "
    "that is meant to be there, choose other patterns with --fail-on" },
  { "shell",
    waiting,
    { add_shell },
    VP_VERDICT_FAIL,
    1,
    1,
    "the console shows 'initramfs-shell' while waiting for 'login:': (initramfs); if that is meant "
    "to be there, choose other patterns with --fail-on" },
  { "refusal",
    waiting,
    { add_refusal },
    VP_VERDICT_FAIL,
    1,
    1,
    "the step 'expect login:' failed: no such bus" },
  { "pending",
    waiting,
    { add_pending },
    VP_VERDICT_FAIL,
    1,
    1,
    "the step 'expect login:' failed: not let go; vmplug status shows when it is done" },
  { "busy",
    waiting,
    { add_busy },
    VP_VERDICT_INFRA,
    99,
    125,
    "the step 'expect login:' failed: busy; detach it there, or end the process that holds it" },
  { "disconnected",
    waiting,
    { add_disconnection },
    VP_VERDICT_INFRA,
    99,
    125,
    "the step 'expect login:' failed: QEMU is gone; vmplug list shows whether the VM still runs" },
  { "stall",
    waiting,
    { add_stall },
    VP_VERDICT_HANG,
    1,
    124,
    "no output for 30 s while waiting for 'login:'; raise --stall, or look at what the console "
    "said last" },
  { "step_timeout",
    waiting,
    { add_step_timeout },
    VP_VERDICT_TIMEOUT,
    124,
    124,
    "the step 'expect login:' was not done within 2.5 s; give it more time, or look at what the "
    "console said last" },
  { "timeout",
    waiting,
    { add_timeout },
    VP_VERDICT_TIMEOUT,
    124,
    124,
    "not over after 60 s while waiting for 'login:'; raise --timeout, or look at what the console "
    "said last" },
  { "power_off",
    waiting,
    { add_power_off },
    VP_VERDICT_GUEST_GONE,
    1,
    122,
    "the guest powered off while waiting for 'login:'; look at what the console said last" },
  { "killed",
    waiting,
    { add_kill },
    VP_VERDICT_INFRA,
    99,
    125,
    "QEMU went away while waiting for 'login:', and nobody here asked it to: killed by signal 9; "
    "look at what it wrote, and for who killed it (dmesg tells of the OOM killer)" },
  { "resets",
    waiting,
    { add_resets },
    VP_VERDICT_GUEST_GONE,
    1,
    122,
    "the guest reset itself 3 times while waiting for 'login:', and may 2; raise --resets, or look "
    "at what the console said last" },
  { "nothing",
    waiting,
    {},
    VP_VERDICT_FAIL,
    1,
    1,
    "nothing shows that the guest did what it should: it was ended while waiting for 'login:'" },
  { "status_0", commanded, { add_status_0 }, VP_VERDICT_PASS, 0, 0, "" },
  { "status_42", commanded, { add_status_42 }, VP_VERDICT_FAIL, 1, 42, "" },
  { "no_status", commanded, { add_power_off }, VP_VERDICT_GUEST_GONE, 1, 122, "" },
  { "status_that_is_a_pass", commanded, { add_status_16_of_16 }, VP_VERDICT_PASS, 0, 0, "" },
  { "status_that_is_none", commanded, { add_status_17_of_16 }, VP_VERDICT_FAIL, 1, 17, "" },
  { "command_that_could_not_be_run",
    commanded,
    { add_status_of_nothing_run },
    VP_VERDICT_FAIL,
    1,
    127,
    "the command could not be run: No such file (status 127)" },
  { "guest_that_cannot_report",
    commanded,
    { add_failure_to_report },
    VP_VERDICT_INFRA,
    99,
    125,
    "the guest cannot say how it went: no 9p" },
  { "nothing_at_all", commanded, {}, VP_VERDICT_FAIL, 1, 1, "" },
};

class VerdictAlone : public testing::TestWithParam<AloneRow>
{
};

TEST_P (VerdictAlone, Judges)
{
  const AloneRow &row = GetParam ();

  for (bool is_command : { false, true })
    {
      VpBootFacts facts = row.start ();
      facts.is_command = is_command;
      for (Change change : row.changes)
        change (&facts);
      g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

      EXPECT_EQ (judgement->verdict, row.verdict);
      EXPECT_EQ (judgement->exit_status, is_command ? row.command_exit_status : row.exit_status);
      EXPECT_NE (judgement->reason[0], '\0');
      if (!row.reason.empty ())
        {
          EXPECT_EQ (judgement->reason, row.reason);
        }
    }
}

INSTANTIATE_TEST_SUITE_P (Table,
                          VerdictAlone,
                          testing::ValuesIn (alone_rows),
                          name_of_row<AloneRow>);

/* By weight. Each outweighs all that come after it. */
struct Weight
{
  Change change;
  VpVerdict verdict;
};

const Weight weights[] = {
  { add_skip, VP_VERDICT_SKIP },
  { add_interruption, VP_VERDICT_INFRA },
  { add_start_error, VP_VERDICT_INFRA },
  { add_pvpanic, VP_VERDICT_PANIC },
  { add_oops, VP_VERDICT_OOPS },
  { add_status_42, VP_VERDICT_FAIL },
  { add_refusal, VP_VERDICT_FAIL },
  { add_stall, VP_VERDICT_HANG },
  { add_step_timeout, VP_VERDICT_TIMEOUT },
  { add_timeout, VP_VERDICT_TIMEOUT },
  { add_power_off, VP_VERDICT_GUEST_GONE },
  { add_resets, VP_VERDICT_GUEST_GONE },
};

TEST (Verdict, WeighsWhatIsTrueAtOnce)
{
  for (gsize i = 0; i < G_N_ELEMENTS (weights); i++)
    for (gsize j = i; j < G_N_ELEMENTS (weights); j++)
      {
        VpBootFacts alone = waiting ();
        VpBootFacts facts = waiting ();
        weights[i].change (&alone);
        weights[i].change (&facts);
        weights[j].change (&facts);
        g_autoptr (VpJudgement) expected = vp_verdict_judge (&alone);
        g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

        EXPECT_EQ (judgement->verdict, weights[i].verdict) << i << " and " << j;
        EXPECT_STREQ (judgement->reason, expected->reason) << i << " and " << j;
        EXPECT_EQ (judgement->exit_status, expected->exit_status) << i << " and " << j;
      }
}

TEST (Verdict, PassesOnPositiveEvidenceOnly)
{
  /* Every set of facts that is no evidence for it. */
  for (guint set = 0; set < 1u << G_N_ELEMENTS (weights); set++)
    {
      VpBootFacts facts = waiting ();
      for (gsize i = 0; i < G_N_ELEMENTS (weights); i++)
        if (set & 1u << i)
          weights[i].change (&facts);
      g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

      ASSERT_NE (judgement->verdict, VP_VERDICT_PASS) << set;
      ASSERT_NE (judgement->exit_status, 0) << set;
      ASSERT_TRUE (g_utf8_validate (judgement->reason, -1, nullptr));
    }
}

TEST (Verdict, StepsThatAreDoneOutweighWhatCameAfter)
{
  for (Change change : { add_pvpanic, add_panic, add_oops, add_power_off, add_kill, add_resets })
    {
      VpBootFacts facts = passed ();
      change (&facts);
      g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

      EXPECT_EQ (judgement->verdict, VP_VERDICT_PASS);
    }
}

/* The console and the status are heard until the VM has ended. */
TEST (Verdict, WhatComesTooLateIsNoPass)
{
  const Weight rows[] = { { add_stall, VP_VERDICT_HANG },
                          { add_step_timeout, VP_VERDICT_TIMEOUT },
                          { add_timeout, VP_VERDICT_TIMEOUT },
                          { add_refusal, VP_VERDICT_FAIL } };

  for (const Weight &row : rows)
    for (bool wants_status : { false, true })
      {
        VpBootFacts facts = passed ();
        row.change (&facts);
        facts.wants_status = facts.has_status = wants_status;
        g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

        EXPECT_EQ (judgement->verdict, row.verdict) << judgement->reason;
      }
}

/* Steps and a status are wanted. */
struct BothRow
{
  const char *name;
  bool steps;
  int status; /* -1: none */
  Change change;
  VpVerdict verdict;
  int exit_status;
};

void
add_nothing (VpBootFacts *facts)
{
}

const BothRow both_rows[] = {
  { "both", true, 0, add_nothing, VP_VERDICT_PASS, 0 },
  { "both_then_power_off", true, 0, add_power_off, VP_VERDICT_PASS, 0 },
  { "status_without_steps", false, 0, add_nothing, VP_VERDICT_FAIL, 1 },
  { "status_without_steps_in_time", false, 0, add_timeout, VP_VERDICT_FAIL, 1 },
  { "steps_without_status", true, -1, add_timeout, VP_VERDICT_TIMEOUT, 124 },
  { "steps_and_power_off", true, -1, add_power_off, VP_VERDICT_GUEST_GONE, 122 },
  { "steps_and_kill", true, -1, add_kill, VP_VERDICT_INFRA, 125 },
  { "steps_and_panic", true, -1, add_pvpanic, VP_VERDICT_PANIC, 123 },
  { "steps_and_bad_status", true, 255, add_nothing, VP_VERDICT_FAIL, 255 },
  { "too_large_a_status", true, 256, add_nothing, VP_VERDICT_FAIL, 255 },
  { "oops_and_status_0", true, 0, add_oops, VP_VERDICT_OOPS, 123 },
  { "shell_and_bad_status", true, 42, add_shell, VP_VERDICT_FAIL, 1 },
  { "panic_and_bad_status", true, 42, add_panic, VP_VERDICT_PANIC, 123 },
};

class VerdictBoth : public testing::TestWithParam<BothRow>
{
};

TEST_P (VerdictBoth, Judges)
{
  const BothRow &row = GetParam ();
  VpBootFacts facts = row.steps ? passed () : waiting ();
  facts.wants_status = facts.is_command = TRUE;
  if (row.status >= 0)
    add_status (&facts, static_cast<guint> (row.status));
  row.change (&facts);
  g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

  EXPECT_EQ (judgement->verdict, row.verdict) << judgement->reason;
  EXPECT_EQ (judgement->exit_status, row.exit_status) << judgement->reason;
}

INSTANTIATE_TEST_SUITE_P (Table, VerdictBoth, testing::ValuesIn (both_rows), name_of_row<BothRow>);

TEST (Verdict, HowQemuEndedTellsMoreThanThatItDoesNotAnswer)
{
  VpBootFacts facts = waiting ();
  add_disconnection (&facts);
  add_power_off (&facts);
  g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

  EXPECT_EQ (judgement->verdict, VP_VERDICT_GUEST_GONE) << judgement->reason;
}

TEST (Verdict, StopMustBeTheLastStep)
{
  VpBootFacts facts = waiting ();
  add_power_off (&facts);
  facts.end_was_asked = TRUE;
  g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

  EXPECT_STREQ (judgement->reason, "the guest powered off as it was asked to, and cannot go on "
                                   "while waiting for 'login:'; let stop be the last step");
}

TEST (Verdict, SaysWhatTheTimesWereMultipliedBy)
{
  VpBootFacts facts = waiting ();
  add_timeout (&facts);
  facts.timeout_ms = 300000;
  facts.scale = 5;
  facts.has_output = FALSE;
  g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

  EXPECT_STREQ (
      judgement->reason,
      "not over after 300 s (60 s, times 5 for TCG) while waiting for 'login:'; raise "
      "--timeout, or give its kernel earlyprintk=ttyS0: the console has said nothing at all");
}

TEST (Verdict, ReasonIsOneShortPrintableLine)
{
  const std::string hostile = "a\x1b[2J\n\r\t\xff\xc3" + std::string (100000, 'x');
  VpBootFacts facts = waiting ();
  add_pattern (&facts, hostile.c_str (), VP_VERDICT_FAIL, hostile.c_str ());
  facts.due_text = hostile.c_str ();
  g_autoptr (VpJudgement) judgement = vp_verdict_judge (&facts);

  EXPECT_LT (strlen (judgement->reason), 1000u);
  EXPECT_TRUE (g_utf8_validate (judgement->reason, -1, nullptr));
  EXPECT_EQ (strpbrk (judgement->reason, "\x1b\n\r\t"), nullptr);
}

TEST (Verdict, NamesAreReadBack)
{
  std::set<std::string> names;

  for (int i = 0; i < VP_N_VERDICTS; i++)
    {
      VpVerdict verdict = VP_VERDICT_PASS;
      const char *name = vp_verdict_to_string (static_cast<VpVerdict> (i));

      EXPECT_TRUE (vp_verdict_from_string (name, &verdict));
      EXPECT_EQ (verdict, i);
      EXPECT_TRUE (names.insert (name).second) << name;
    }
  VpVerdict verdict = VP_VERDICT_PASS;
  EXPECT_FALSE (vp_verdict_from_string ("passed", &verdict));
  EXPECT_FALSE (vp_verdict_from_string (nullptr, &verdict));
}

} // namespace
