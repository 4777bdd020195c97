#include "launcher/boottest/verdict.h"

#include "launcher/failure.h"
#include "launcher/visible-line.h"

/* Most characters of a pattern or a line of the console that a reason repeats. */
#define MAX_REPEATED 160

#define INTERRUPTED_BASE 128
#define MAX_STATUS       255

/* The exit status without and with a command in the guest. */
static const struct
{
  const char *name;
  int exit_status;
  int command_exit_status;
} verdicts[] = {
  [VP_VERDICT_PASS] = { "pass", 0, 0 },
  [VP_VERDICT_FAIL] = { "fail", 1, 1 },
  [VP_VERDICT_PANIC] = { "panic", 1, 123 },
  [VP_VERDICT_OOPS] = { "oops", 1, 123 },
  [VP_VERDICT_HANG] = { "hang", 1, 124 },
  [VP_VERDICT_TIMEOUT] = { "timeout", 124, 124 },
  [VP_VERDICT_GUEST_GONE] = { "guest-gone", 1, 122 },
  [VP_VERDICT_INFRA] = { "infra", 99, 125 },
  [VP_VERDICT_SKIP] = { "skip", 77, 77 },
};
G_STATIC_ASSERT (G_N_ELEMENTS (verdicts) == VP_N_VERDICTS);

const char *
vp_verdict_to_string (VpVerdict verdict)
{
  return verdicts[verdict].name;
}

gboolean
vp_verdict_from_string (const char *word, VpVerdict *verdict)
{
  for (guint i = 0; i < VP_N_VERDICTS; i++)
    if (g_strcmp0 (word, verdicts[i].name) == 0)
      {
        *verdict = (VpVerdict) i;
        return TRUE;
      }
  return FALSE;
}

static char *
repeat (const char *text)
{
  g_autofree char *line = vp_visible_line (text);
  g_autofree char *head = NULL;

  if (g_utf8_strlen (line, -1) <= MAX_REPEATED)
    return g_steal_pointer (&line);
  head = g_utf8_substring (line, 0, MAX_REPEATED);
  return g_strconcat (head, "...", NULL);
}

static char *
describe_step (const VpBootFacts *facts)
{
  g_autofree char *text = repeat (facts->due_text != NULL ? facts->due_text : "");

  return text[0] != '\0' ? g_strdup_printf ("'%s %s'", facts->due, text)
                         : g_strdup_printf ("'%s'", facts->due);
}

/* What was going on, to stand after what went wrong. */
static char *
describe_wait (const VpBootFacts *facts)
{
  g_autofree char *text = repeat (facts->due_text != NULL ? facts->due_text : "");
  g_autofree char *step = NULL;

  if (facts->due == NULL)
    return g_strdup (facts->is_command     ? " while waiting for the command's status"
                     : facts->wants_status ? " while waiting for the guest's status"
                                           : "");
  if (g_str_equal (facts->due, "expect"))
    return g_strdup_printf (" while waiting for '%s'", text);
  step = describe_step (facts);
  return g_strdup_printf (" at the step %s", step);
}

static char *
describe_time (gint64 ms)
{
  return ms % 1000 == 0
             ? g_strdup_printf ("%" G_GINT64_FORMAT " s", ms / 1000)
             : g_strdup_printf ("%" G_GINT64_FORMAT ".%d s", ms / 1000, (int) (ms % 1000 / 100));
}

/* As it was applied, and as it was given where that is another. */
static char *
describe_limit (const VpBootFacts *facts, gint64 ms)
{
  g_autofree char *time = describe_time (ms);
  g_autofree char *given = NULL;
  char scale[G_ASCII_DTOSTR_BUF_SIZE];

  if (facts->scale == 0 || facts->scale == 1)
    return g_steal_pointer (&time);
  given = describe_time ((gint64) ((double) ms / facts->scale + 0.5));
  g_ascii_formatd (scale, sizeof scale, "%g", facts->scale);
  return g_strdup_printf ("%s (%s, times %s for TCG)", time, given, scale);
}

static const char *
where_to_look (const VpBootFacts *facts)
{
  return facts->has_output
             ? "look at what the console said last"
             : "give its kernel earlyprintk=ttyS0: the console has said nothing at all";
}

static char *
judge_skip (const VpBootFacts *facts, VpVerdict *verdict)
{
  *verdict = VP_VERDICT_SKIP;
  return facts->skip_reason != NULL ? vp_visible_line (facts->skip_reason) : NULL;
}

static char *
judge_start (const VpBootFacts *facts, VpVerdict *verdict)
{
  *verdict = VP_VERDICT_INFRA;
  return facts->start_error != NULL ? vp_failure_to_line (facts->start_error) : NULL;
}

static char *
judge_interruption (const VpBootFacts *facts, VpVerdict *verdict)
{
  *verdict = VP_VERDICT_INFRA;
  return facts->interrupted != 0
             ? g_strdup_printf ("interrupted by signal %d before it was over", facts->interrupted)
             : NULL;
}

/* These are known only while something is still to come: that it came all the same is too late. */
static gboolean
is_late (const VpBootFacts *facts)
{
  return facts->stalled || facts->step_timed_out || facts->timed_out || facts->step_error != NULL;
}

static char *
judge_steps (const VpBootFacts *facts, VpVerdict *verdict)
{
  *verdict = VP_VERDICT_PASS;
  return facts->steps_passed && !facts->wants_status && !is_late (facts)
             ? g_strdup ("all steps are done")
             : NULL;
}

static char *
judge_panic (const VpBootFacts *facts, VpVerdict *verdict)
{
  gboolean is_on_console = facts->fail_name != NULL && facts->fail_class == VP_VERDICT_PANIC;
  g_autofree char *wait = describe_wait (facts);
  g_autofree char *line = NULL;

  *verdict = VP_VERDICT_PANIC;
  if (!is_on_console && !facts->panicked)
    return NULL;
  if (!is_on_console)
    return g_strdup_printf ("the kernel panicked%s, as its pvpanic device reports; %s", wait,
                            where_to_look (facts));
  line = repeat (facts->fail_line != NULL ? facts->fail_line : facts->fail_name);
  return g_strdup_printf ("the kernel panicked%s: %s; %s", wait, line, where_to_look (facts));
}

static char *
judge_pattern (const VpBootFacts *facts, VpVerdict *verdict)
{
  g_autofree char *wait = describe_wait (facts);
  g_autofree char *name = NULL;
  g_autofree char *line = NULL;

  if (facts->fail_name == NULL)
    return NULL;
  *verdict = facts->fail_class;
  name = repeat (facts->fail_name);
  line = repeat (facts->fail_line != NULL ? facts->fail_line : "");
  return g_strdup_printf (
      "the console shows '%s'%s: %s; if that is meant to be there, choose other "
      "patterns with --fail-on",
      name, wait, line);
}

static char *
judge_status (const VpBootFacts *facts, VpVerdict *verdict)
{
  const char *who = facts->is_command ? "the command" : "the guest";
  g_autofree char *step = NULL;

  if (!facts->has_status)
    return NULL;
  *verdict = VP_VERDICT_FAIL;
  if (facts->status_text != NULL)
    return g_strdup_printf ("the command could not be run: %s (status %u)", facts->status_text,
                            facts->status);
  if (facts->status != facts->pass_status)
    return g_strdup_printf ("%s reported status %u, and %u is a pass; its own output says why", who,
                            facts->status, facts->pass_status);
  if (facts->due != NULL)
    {
      step = describe_step (facts);
      return g_strdup_printf ("%s reported status %u while the step %s was still due; let it end "
                              "later, or leave the step out",
                              who, facts->status, step);
    }
  if (is_late (facts))
    return NULL;
  *verdict = VP_VERDICT_PASS;
  return g_strdup_printf ("%s reported status %u", who, facts->status);
}

/* Its own init could not do what it is for: that says nothing about the command. */
static char *
judge_no_status (const VpBootFacts *facts, VpVerdict *verdict)
{
  *verdict = VP_VERDICT_INFRA;
  return facts->no_status != NULL
             ? g_strdup_printf ("the guest cannot say how it went: %s", facts->no_status)
             : NULL;
}

/* What the host or QEMU's process is to blame for says nothing about the guest. */
static gboolean
is_infrastructure (const VpFailure *failure)
{
  return failure->exit_status >= 3 && failure->exit_status <= 5;
}

static char *
judge_step_error (const VpBootFacts *facts, VpVerdict *verdict)
{
  const VpFailure *failure;
  g_autofree char *step = NULL;
  g_autofree char *why = NULL;

  if (facts->step_error == NULL)
    return NULL;
  /* That QEMU does not answer is because it has ended; how it did tells more. */
  failure = vp_failure_of (facts->step_error);
  if (facts->has_ended && is_infrastructure (failure))
    return NULL;
  *verdict = is_infrastructure (failure) ? VP_VERDICT_INFRA : VP_VERDICT_FAIL;
  step = facts->due != NULL ? describe_step (facts) : NULL;
  why = vp_failure_to_line (facts->step_error);
  return step != NULL ? g_strdup_printf ("the step %s failed: %s", step, why)
                      : g_strdup_printf ("a step failed: %s", why);
}

static char *
judge_times (const VpBootFacts *facts, VpVerdict *verdict)
{
  g_autofree char *wait = describe_wait (facts);
  g_autofree char *limit = NULL;
  g_autofree char *step = NULL;

  if (facts->stalled)
    {
      *verdict = VP_VERDICT_HANG;
      limit = describe_limit (facts, facts->stall_ms);
      return g_strdup_printf ("no output for %s%s; raise --stall, or %s", limit, wait,
                              where_to_look (facts));
    }
  *verdict = VP_VERDICT_TIMEOUT;
  if (facts->step_timed_out && facts->due == NULL)
    return g_strdup_printf ("a step was done too late; give it more time, or %s",
                            where_to_look (facts));
  if (facts->step_timed_out)
    {
      limit = describe_limit (facts, facts->within_ms);
      step = describe_step (facts);
      return g_strdup_printf ("the step %s was not done within %s; give it more time, or %s", step,
                              limit, where_to_look (facts));
    }
  if (!facts->timed_out)
    return NULL;
  limit = describe_limit (facts, facts->timeout_ms);
  return g_strdup_printf ("not over after %s%s; raise --timeout, or %s", limit, wait,
                          where_to_look (facts));
}

static char *
judge_end (const VpBootFacts *facts, VpVerdict *verdict)
{
  g_autofree char *wait = describe_wait (facts);
  g_autofree char *end = NULL;

  if (!facts->has_ended)
    return NULL;
  if (!facts->end_is_guests)
    {
      *verdict = VP_VERDICT_INFRA;
      end = repeat (facts->end != NULL ? facts->end : "its process has ended");
      return g_strdup_printf ("QEMU went away%s, and nobody here asked it to: %s; look at what it "
                              "wrote, and for who killed it (dmesg tells of the OOM killer)",
                              wait, end);
    }
  *verdict = VP_VERDICT_GUEST_GONE;
  if (facts->end_was_asked && facts->due != NULL)
    return g_strdup_printf (
        "the guest powered off as it was asked to, and cannot go on%s; let stop "
        "be the last step",
        wait);
  return g_strdup_printf ("the guest powered off%s; %s", wait, where_to_look (facts));
}

static char *
judge_resets (const VpBootFacts *facts, VpVerdict *verdict)
{
  g_autofree char *wait = describe_wait (facts);

  *verdict = VP_VERDICT_GUEST_GONE;
  if (facts->resets <= facts->max_resets)
    return NULL;
  return g_strdup_printf ("the guest reset itself %u time%s%s, and may %u; raise --resets, or %s",
                          facts->resets, facts->resets == 1 ? "" : "s", wait, facts->max_resets,
                          where_to_look (facts));
}

static char *
judge_nothing (const VpBootFacts *facts, VpVerdict *verdict)
{
  g_autofree char *wait = describe_wait (facts);

  *verdict = VP_VERDICT_FAIL;
  return g_strdup_printf ("nothing shows that the guest did what it should: it was ended%s", wait);
}

/* By weight: the first that has a reason is the judgement. */
static char *(*const rules[]) (const VpBootFacts *facts, VpVerdict *verdict) = {
  judge_skip,    judge_interruption, judge_start,     judge_steps,      judge_panic,
  judge_pattern, judge_status,       judge_no_status, judge_step_error, judge_times,
  judge_end,     judge_resets,       judge_nothing,
};

static int
choose_exit_status (const VpBootFacts *facts, VpVerdict verdict)
{
  if (verdict == VP_VERDICT_INFRA && facts->interrupted != 0)
    return INTERRUPTED_BASE + facts->interrupted;
  if (!facts->is_command)
    return verdicts[verdict].exit_status;
  /* Not modulo 256: a status of 256 is no success. */
  if (verdict == VP_VERDICT_FAIL && facts->fail_name == NULL && facts->has_status &&
      facts->status != 0)
    return (int) MIN (facts->status, MAX_STATUS);
  return verdicts[verdict].command_exit_status;
}

VpJudgement *
vp_verdict_judge (const VpBootFacts *facts)
{
  VpJudgement *self = g_new0 (VpJudgement, 1);

  for (gsize i = 0; self->reason == NULL && i < G_N_ELEMENTS (rules); i++)
    self->reason = rules[i](facts, &self->verdict);
  self->exit_status = choose_exit_status (facts, self->verdict);
  return self;
}

void
vp_judgement_free (VpJudgement *self)
{
  g_free (self->reason);
  g_free (self);
}
