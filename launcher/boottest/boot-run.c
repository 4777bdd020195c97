#include "launcher/boottest/boot-run.h"

#include "devices/error.h"
#include "launcher/boottest/boot-evidence.h"
#include "launcher/boottest/boot-news.h"
#include "launcher/boottest/boot-outcome.h"
#include "launcher/boottest/guest-command.h"
#include "launcher/boottest/reset-count.h"
#include "launcher/boottest/step-action.h"
#include "launcher/error.h"
#include "launcher/supervisor.h"
#include "qmp/message.h"

#include <string.h>
#include <unistd.h>

/* A QEMU that pins much memory for its devices needs minutes, and one that hangs must not keep us.
 */
#define START_MS 300000

/* Quiet for so long, a line that has no end is a prompt. */
#define SETTLE_MS 200

/* What a guest still says of its failure: its stack comes within moments, or not at all. */
#define LINGER_MS       5000
#define LINGER_QUIET_MS 500

/* What the command printed before the guest was gone is worth a wait to whoever reads it. */
#define FLUSH_MS 5000

typedef enum
{
  PHASE_STARTING,   /* the guest does not run yet */
  PHASE_RUNNING,    /* and is followed */
  PHASE_LINGERING,  /* it has failed, and what more it says is heard */
  PHASE_COLLECTING, /* QEMU is asked for evidence */
  PHASE_STOPPING,   /* all is known that will be */
} Phase;

/* Counted references: calls to the machine may come back after the end. */
typedef struct
{
  const VpBootInput *input;
  VpBootOutcome *outcome;
  VpMilestones *milestones;
  VpBootNews *news;
  VpMachine *machine;      /* nullable: it is over */
  VpGuestCommand *command; /* nullable: the guest reports nothing over a port */
  Phase phase;
  gboolean runs; /* the guest does, or did */
  GSource *timer;
  gint64 began_us;   /* when the guest began to run; before that, when QEMU was started */
  gint64 failed_ms;  /* when lingering began */
  gint64 settled_ms; /* the last output that has been settled after; -1: none */
  VpResetCount resets;
  guint acting; /* the step that is being carried out, and 1; 0: none */
} BootRun;

static gint64
get_now (BootRun *self)
{
  return (g_get_monotonic_time () - self->began_us) / G_TIME_SPAN_MILLISECOND;
}

static const VpStep *
get_step (BootRun *self, guint index)
{
  return self->input->options->steps->pdata[index];
}

/* All that the verdict is made of is known. */
static void
leave_running (BootRun *self, Phase phase)
{
  if (self->phase == PHASE_RUNNING)
    self->outcome->elapsed_ms = get_now (self);
  self->phase = phase;
}

static void
stop (BootRun *self)
{
  leave_running (self, PHASE_STOPPING);
  if (self->machine != NULL)
    vp_machine_stop (self->machine, TRUE);
}

static void
on_collected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  BootRun *self = user_data;
  g_autoptr (VpBootEvidence) evidence = vp_boot_evidence_collect_finish (result);

  if (self->phase == PHASE_COLLECTING)
    {
      vp_boot_outcome_take_evidence (self->outcome, g_steal_pointer (&evidence));
      stop (self);
    }
  g_rc_box_release (self);
}

static void
collect (BootRun *self)
{
  leave_running (self, PHASE_COLLECTING);
  vp_boot_evidence_collect_async (self->machine, self->input->artifacts,
                                  self->input->options->dump_memory, on_collected,
                                  g_rc_box_acquire (self));
}

static void look (BootRun *self);

static void
on_step_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  BootRun *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = vp_step_action_finish (result, &error);

  if (self->phase == PHASE_RUNNING && self->acting > 0)
    {
      const VpStep *step = get_step (self, self->acting - 1);

      if (!ok)
        vp_boot_outcome_take_step_error (self->outcome, g_steal_pointer (&error));
      else if (step->kind != VP_STEP_STOP)
        {
          self->acting = 0;
          vp_milestones_step_done (self->milestones, get_now (self));
        }
      look (self);
    }
  g_rc_box_release (self);
}

static void
act (BootRun *self)
{
  guint index = vp_milestones_get_step (self->milestones);
  const VpStep *step = get_step (self, index);

  if (self->acting > 0)
    return;
  self->acting = index + 1;
  if (step->kind == VP_STEP_STOP)
    self->outcome->facts.end_was_asked = TRUE;
  /* How long it may take is ours to see, and says more than the machine's answer would. */
  vp_step_action_async (self->machine, step, G_MAXINT, on_step_done, g_rc_box_acquire (self));
}

/* What time says. Returns: whether one of the limits has been passed */
static gboolean
look_at_times (BootRun *self, gint64 now_ms)
{
  VpBootFacts *facts = &self->outcome->facts;
  gint64 deadline_ms = vp_milestones_get_deadline (self->milestones);
  gint64 output_ms = vp_milestones_get_last_output (self->milestones);

  facts->timed_out = now_ms >= facts->timeout_ms;
  facts->stalled = facts->stall_ms > 0 && now_ms - output_ms >= facts->stall_ms;
  facts->step_timed_out = deadline_ms >= 0 && now_ms >= deadline_ms;
  return facts->timed_out || facts->stalled || facts->step_timed_out;
}

/* Of a guest that has failed, the last words first. */
static void
linger (BootRun *self, gint64 now_ms)
{
  gint64 heard_ms = MAX (vp_milestones_get_last_output (self->milestones), self->failed_ms);

  if (now_ms >= self->failed_ms + LINGER_MS || now_ms >= heard_ms + LINGER_QUIET_MS)
    collect (self);
}

static void
follow (BootRun *self, gint64 now_ms)
{
  VpBootFacts *facts = &self->outcome->facts;
  VpMilestonesState state = vp_milestones_get_state (self->milestones);

  if (state == VP_MILESTONES_ACTING && self->acting == 0)
    act (self);

  if (vp_boot_outcome_is_done (self->outcome))
    stop (self);
  else if (state == VP_MILESTONES_FAILED || facts->panicked)
    {
      leave_running (self, PHASE_LINGERING);
      self->failed_ms = now_ms;
    }
  else if (facts->resets > facts->max_resets || facts->step_error != NULL ||
           facts->no_status != NULL || look_at_times (self, now_ms))
    collect (self);
}

static gint64
get_next_ms (BootRun *self)
{
  const VpBootFacts *facts = &self->outcome->facts;
  gint64 output_ms = vp_milestones_get_last_output (self->milestones);
  gint64 deadline_ms = vp_milestones_get_deadline (self->milestones);
  gint64 next_ms = G_MAXINT64;

  if (self->phase == PHASE_STARTING)
    return START_MS;
  if (self->resets.n_new > 0)
    return 0;
  if (self->phase == PHASE_LINGERING)
    next_ms = MIN (self->failed_ms + LINGER_MS, MAX (output_ms, self->failed_ms) + LINGER_QUIET_MS);
  if (self->phase == PHASE_RUNNING)
    next_ms = facts->timeout_ms;
  if (self->phase == PHASE_RUNNING && facts->stall_ms > 0)
    next_ms = MIN (next_ms, output_ms + facts->stall_ms);
  if (self->phase == PHASE_RUNNING && deadline_ms >= 0)
    next_ms = MIN (next_ms, deadline_ms);
  if (output_ms != self->settled_ms)
    next_ms = MIN (next_ms, output_ms + SETTLE_MS);
  return MIN (next_ms, vp_boot_news_get_next (self->news));
}

/* After whatever has happened: what follows from it, and when to look again. */
static void
look (BootRun *self)
{
  gint64 now_ms = get_now (self);
  gint64 next_ms;

  if (self->phase == PHASE_RUNNING)
    follow (self, now_ms);
  else if (self->phase == PHASE_LINGERING)
    linger (self, now_ms);

  vp_boot_news_tell (self->news, now_ms);
  next_ms = get_next_ms (self);
  g_source_set_ready_time (
      self->timer, next_ms == G_MAXINT64 ? -1 : self->began_us + next_ms * G_TIME_SPAN_MILLISECOND);
}

static gboolean
on_timer (gpointer user_data)
{
  BootRun *self = user_data;
  gint64 now_ms = get_now (self);
  gint64 output_ms = vp_milestones_get_last_output (self->milestones);

  if (self->phase == PHASE_STARTING)
    {
      vp_boot_outcome_take_start_error (
          self->outcome,
          g_error_new (VP_ERROR, VP_ERROR_START, "QEMU was not ready after %d s", START_MS / 1000));
      g_source_set_ready_time (self->timer, -1);
      stop (self);
      return G_SOURCE_CONTINUE;
    }
  vp_reset_count_settle (&self->resets);
  self->outcome->facts.resets = self->resets.n;
  if (output_ms != self->settled_ms && now_ms >= output_ms + SETTLE_MS)
    {
      self->settled_ms = output_ms;
      vp_milestones_settle (self->milestones, now_ms);
    }
  look (self);
  return G_SOURCE_CONTINUE;
}

static void
on_prepared (VpMachine *machine, gpointer user_data)
{
  BootRun *self = user_data;

  self->machine = machine;
  for (int fd; self->command != NULL && (fd = vp_guest_command_steal_port (self->command)) >= 0;)
    vp_machine_inherit (machine, fd);
}

static void
on_report (gpointer user_data)
{
  BootRun *self = user_data;

  if (self->phase == PHASE_RUNNING)
    vp_boot_outcome_note_report (self->outcome, self->command);
  look (self);
}

/* From RESUME on, or from the reply to cont, whichever is heard first. */
static void
set_running (BootRun *self)
{
  if (self->phase != PHASE_STARTING)
    return;
  self->phase = PHASE_RUNNING;
  self->runs = TRUE;
  self->began_us = g_get_monotonic_time ();
}

static void
on_started (VpMachine *machine, gpointer user_data)
{
  BootRun *self = user_data;

  set_running (self);
  look (self);
}

static void
on_console (GBytes *output, gpointer user_data)
{
  BootRun *self = user_data;
  gsize size;
  const guint8 *data = g_bytes_get_data (output, &size);

  if (self->input->artifacts != NULL)
    vp_artifacts_add_console (self->input->artifacts, output);
  if (self->input->console != NULL)
    self->input->console (output, self->input->user_data);
  vp_milestones_feed (self->milestones, data, size, get_now (self));
  vp_reset_count_hear (&self->resets);
  look (self);
}

static void
note_event (BootRun *self, const char *name, JsonObject *data)
{
  VpBootFacts *facts = &self->outcome->facts;
  gboolean is_guests = vp_qmp_message_get_boolean (data, "guest", FALSE);

  if (g_str_equal (name, "GUEST_PANICKED"))
    facts->panicked = TRUE;
  else if (g_str_equal (name, "RESET"))
    vp_reset_count_add (&self->resets, is_guests);
  else if (g_str_equal (name, "SHUTDOWN") && is_guests && self->acting > 0 &&
           get_step (self, self->acting - 1)->kind == VP_STEP_STOP)
    {
      self->acting = 0;
      vp_milestones_step_done (self->milestones, get_now (self));
    }
}

static void
on_event (const char *name, JsonObject *data, gpointer user_data)
{
  BootRun *self = user_data;

  if (g_str_equal (name, "RESUME"))
    set_running (self);
  vp_boot_outcome_add_event (self->outcome, get_now (self), name, data);
  if (self->phase == PHASE_RUNNING)
    note_event (self, name, data);
  look (self);
}

static void
on_signalled (int signal_number, gpointer user_data)
{
  BootRun *self = user_data;

  if (self->phase < PHASE_STOPPING)
    self->outcome->facts.interrupted = signal_number;
  stop (self);
}

static void
on_ended (VpMachine *machine, gpointer user_data)
{
  BootRun *self = user_data;
  gint64 now_ms = get_now (self);

  if (self->command != NULL)
    {
      vp_guest_command_flush (self->command, FLUSH_MS);
      if (self->phase == PHASE_RUNNING)
        vp_boot_outcome_note_report (self->outcome, self->command);
      vp_boot_outcome_note_output (self->outcome, self->command);
    }
  if (self->runs)
    {
      vp_milestones_settle (self->milestones, now_ms);
      vp_boot_outcome_note_end (self->outcome, machine, self->phase == PHASE_RUNNING);
    }
  if (self->input->artifacts != NULL)
    vp_boot_outcome_keep_log (self->outcome, machine);
  vp_boot_news_tell_rest (self->news, now_ms);
  leave_running (self, PHASE_STOPPING);
  self->machine = NULL;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static void
tell_start (BootRun *self)
{
  g_autoptr (JsonObject) event = vp_boot_outcome_describe_start (self->outcome);

  self->input->tell (event, FALSE, self->input->user_data);
}

/* What became of a guest that ran has been noted. What is left of an error then is that a host
 * device is not back. */
static void
take_error (BootRun *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (owned == NULL)
    return;
  if (!self->runs && self->outcome->facts.interrupted == 0)
    vp_boot_outcome_take_start_error (self->outcome, g_steal_pointer (&owned));
  else if (owned->domain == VP_DEVICE_ERROR)
    self->outcome->host_fault = g_strdup (owned->message);
}

/* Returns: whether it is there, where one is needed */
static gboolean
make_command (BootRun *self, GError **error)
{
  const VpBootOptions *options = self->input->options;
  g_autofree char *folder = g_get_current_dir ();
  g_auto (GStrv) environment = g_get_environ ();
  const VpGuestCommandInput input = { .argv = options->command,
                                      .folder = folder,
                                      .environment = environment,
                                      .out_fd = STDOUT_FILENO,
                                      .err_fd = STDERR_FILENO };

  if (options->command == NULL && options->result != VP_RESULT_PORT)
    return TRUE;
  self->command = vp_guest_command_new (&input, on_report, self, error);
  return self->command != NULL;
}

JsonObject *
vp_boot_run (const VpBootInput *input, VpBlueprint *blueprint)
{
  static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };
  BootRun *self = g_rc_box_new0 (BootRun);
  const VpSupervisorHooks hooks = { .prepared = on_prepared,
                                    .started = on_started,
                                    .console = on_console,
                                    .event = on_event,
                                    .signalled = on_signalled,
                                    .ended = on_ended,
                                    .user_data = self };
  g_autoptr (VpBootOutcome) outcome = vp_boot_outcome_new (input, blueprint);
  g_autoptr (VpBootNews) news = vp_boot_news_new (input, outcome->milestones);
  g_autoptr (GError) error = NULL;
  int signal_number = 0;

  self->input = input;
  self->outcome = outcome;
  self->milestones = outcome->milestones;
  self->news = news;
  self->settled_ms = -1;
  self->began_us = g_get_monotonic_time ();
  /* Behind the console: what it has said already counts before the clock does. */
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_set_priority (self->timer, G_PRIORITY_LOW);
  g_source_set_ready_time (self->timer, self->began_us + START_MS * G_TIME_SPAN_MILLISECOND);
  g_source_attach (self->timer, NULL);

  tell_start (self);
  if (make_command (self, &error))
    vp_supervisor_run (blueprint, input->root, &hooks, &signal_number, &error);
  else
    vp_blueprint_free (blueprint);
  take_error (self, g_steal_pointer (&error));

  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_clear_pointer (&self->command, vp_guest_command_free);
  g_rc_box_release (self);
  return vp_boot_outcome_to_document (outcome);
}

JsonObject *
vp_boot_run_nothing (const VpBootInput *input, const char *skip_reason, const GError *start_error)
{
  g_autoptr (VpBootOutcome) outcome = vp_boot_outcome_new (input, NULL);

  outcome->facts.skip_reason = skip_reason;
  vp_boot_outcome_take_start_error (outcome,
                                    start_error != NULL ? g_error_copy (start_error) : NULL);
  return vp_boot_outcome_to_document (outcome);
}
