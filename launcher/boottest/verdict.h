#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpVerdict:
 * @VP_VERDICT_PASS: what was asked for has been seen
 * @VP_VERDICT_FAIL: the guest did something else: a line that must not come, a status that is not 0
 * @VP_VERDICT_PANIC: its kernel panicked
 * @VP_VERDICT_OOPS: its kernel found a fault in itself, and may have gone on
 * @VP_VERDICT_HANG: it stands still
 * @VP_VERDICT_TIMEOUT: it was too slow
 * @VP_VERDICT_GUEST_GONE: it powered off, or reset itself too often
 * @VP_VERDICT_INFRA: nothing is known of the guest: the launcher, QEMU or the host failed
 * @VP_VERDICT_SKIP: it was not tried
 *
 * How a boot test ended.
 */
typedef enum
{
  VP_VERDICT_PASS,
  VP_VERDICT_FAIL,
  VP_VERDICT_PANIC,
  VP_VERDICT_OOPS,
  VP_VERDICT_HANG,
  VP_VERDICT_TIMEOUT,
  VP_VERDICT_GUEST_GONE,
  VP_VERDICT_INFRA,
  VP_VERDICT_SKIP,
} VpVerdict;

#define VP_N_VERDICTS (VP_VERDICT_SKIP + 1)

const char *vp_verdict_to_string (VpVerdict verdict);

/**
 * vp_verdict_from_string:
 * @word: (nullable): a word
 * @verdict: (out): the verdict of that name
 *
 * Returns: whether there is one
 */
gboolean vp_verdict_from_string (const char *word, VpVerdict *verdict);

/**
 * VpBootFacts:
 * @skip_reason: (nullable): why it is not tried
 * @start_error: (nullable): why the VM never ran
 * @interrupted: the signal that ended us; 0 for none
 * @steps_passed: whether there are steps, and all of them are done
 * @due: (nullable): the step that is due, as vp_step_kind_to_string() has it: "expect"
 * @due_text: (nullable): what that step is about
 * @fail_name: (nullable): the pattern of failure that was found
 * @fail_class: what that pattern means
 * @fail_line: (nullable): the line that it was found in
 * @panicked: whether QEMU has reported a panic (GUEST_PANICKED)
 * @resets: how often the guest has reset itself
 * @max_resets: how often it may
 * @has_output: whether its console has said anything
 * @stalled: whether it has been silent for longer than it may
 * @step_timed_out: whether the step has been due for longer than it may
 * @timed_out: whether all of it has taken longer than it may
 * @step_error: (nullable): why the step that is due cannot be done
 * @has_ended: whether the VM has ended, and not by us
 * @end: (nullable): vp_qemu_end_describe() of that
 * @end_is_guests: whether the guest did that; else QEMU failed, or somebody killed it
 * @end_was_asked: whether a step asked the guest to
 * @wants_status: whether the guest must report a status
 * @has_status: whether it has
 * @status: what it reported
 * @pass_status: the status that is a pass
 * @status_text: (nullable): why the command with that status could not be run
 * @no_status: (nullable): why there will be none, as the guest says
 * @is_command: whether our exit status stands for that of a command in the guest
 * @stall_ms: how long it may be silent, scaled; so are the next two
 * @within_ms: how long the step may be due
 * @timeout_ms: how long all of it may take
 * @scale: what the times were multiplied by for TCG; 0 and 1 are the same
 *
 * What is known when a boot test is over, or may be. All zero is a guest of which nothing is known.
 * Borrows.
 */
typedef struct
{
  const char *skip_reason;
  const GError *start_error;
  int interrupted;
  gboolean steps_passed;
  const char *due;
  const char *due_text;
  const char *fail_name;
  VpVerdict fail_class;
  const char *fail_line;
  gboolean panicked;
  guint resets;
  guint max_resets;
  gboolean has_output;
  gboolean stalled;
  gboolean step_timed_out;
  gboolean timed_out;
  const GError *step_error;
  gboolean has_ended;
  const char *end;
  gboolean end_is_guests;
  gboolean end_was_asked;
  gboolean wants_status;
  gboolean has_status;
  guint status;
  guint pass_status;
  const char *status_text;
  const char *no_status;
  gboolean is_command;
  gint64 stall_ms;
  gint64 within_ms;
  gint64 timeout_ms;
  double scale;
} VpBootFacts;

/**
 * VpJudgement:
 * @verdict: the verdict
 * @exit_status: of the program, from the table in vmplug(1)
 * @reason: one line of printable text: what, why, what to do
 */
typedef struct
{
  VpVerdict verdict;
  int exit_status;
  char *reason;
} VpJudgement;

/**
 * vp_verdict_judge:
 * @facts: what is known
 *
 * Weighs what may be true at once. Only positive evidence passes: steps that are all done, a status
 * of 0, or both where both are asked for; and not when one of the times, or a step that cannot be
 * done, was noted before. Steps alone, once all are done, outweigh what came after them. Else the
 * order is: not tried, interrupted, never ran, a panic, another pattern of failure, the guest's
 * status, a step that cannot be done, the times, the guest's end, and its resets. Pure.
 *
 * Returns: (transfer full): free with vp_judgement_free()
 */
VpJudgement *vp_verdict_judge (const VpBootFacts *facts);
void vp_judgement_free (VpJudgement *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpJudgement, vp_judgement_free)

G_END_DECLS
