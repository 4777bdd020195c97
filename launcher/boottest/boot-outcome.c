#include "launcher/boottest/boot-outcome.h"

#include "devices/error.h"
#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/kernel-report.h"
#include "launcher/config/accelerator.h"

#include <sys/wait.h>

/* Lines of the console in the document, and of a command's output. */
#define TAIL_LINES 40

/* Among these is the report of a kernel that has failed. */
#define REPORT_LINES 200

static gint64
scale_ms (const VpBootOutcome *self, guint ms)
{
  return (gint64) (ms * self->facts.scale);
}

static VpMilestones *
new_milestones (VpBootOutcome *self, const VpBootOptions *options)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new ();

  for (guint i = 0; i < options->fail_on->len; i++)
    g_ptr_array_add (own, options->fail_on->pdata[i]);
  g_ptr_array_add (own, NULL);
  self->fail_patterns =
      vp_fail_patterns_new ((const char *const *) own->pdata, !options->no_builtin, NULL);
  return vp_milestones_new (options->steps, self->fail_patterns, self->facts.scale);
}

VpBootOutcome *
vp_boot_outcome_new (const VpBootInput *input, const VpBlueprint *blueprint)
{
  VpBootOutcome *self = g_new0 (VpBootOutcome, 1);
  const VpBootOptions *options = input->options;

  self->input = input;
  self->facts.scale = 1.0;
  if (blueprint != NULL)
    {
      self->accel = g_strdup (vp_accel_to_string (blueprint->accel));
      self->accel_reason = g_strdup (blueprint->accel_reason);
      if (blueprint->accel == VP_ACCEL_TCG)
        self->facts.scale = options->tcg_scale;
    }
  self->facts.max_resets = options->resets;
  self->facts.timeout_ms = scale_ms (self, options->timeout_ms);
  self->facts.stall_ms = scale_ms (self, options->stall_ms);
  self->facts.wants_status = options->result != VP_RESULT_NONE || options->command != NULL;
  self->facts.is_command = options->command != NULL;
  if (options->result == VP_RESULT_DEBUG_EXIT)
    self->facts.pass_status = options->result_value;
  self->milestones = new_milestones (self, options);
  if (self->facts.wants_status)
    vp_milestones_watch_on (self->milestones);
  self->timeline = vp_qmp_timeline_new ();
  return self;
}

void
vp_boot_outcome_free (VpBootOutcome *self)
{
  if (self == NULL)
    return;

  vp_milestones_free (self->milestones);
  vp_fail_patterns_free (self->fail_patterns);
  vp_qmp_timeline_free (self->timeline);
  vp_boot_evidence_free (self->evidence);
  g_free (self->accel);
  g_free (self->accel_reason);
  g_clear_error (&self->start_error);
  g_clear_error (&self->step_error);
  g_free (self->end);
  g_free (self->report_text);
  g_strfreev (self->output_tail);
  g_free (self->host_fault);
  g_free (self);
}

static gboolean
has_passed (const VpBootOutcome *self)
{
  return self->input->options->steps->len > 0 &&
         vp_milestones_get_state (self->milestones) == VP_MILESTONES_PASSED;
}

gboolean
vp_boot_outcome_is_done (const VpBootOutcome *self)
{
  if (!self->facts.wants_status)
    return has_passed (self);
  return self->facts.has_status &&
         (self->facts.status != self->facts.pass_status ||
          vp_milestones_get_state (self->milestones) == VP_MILESTONES_PASSED);
}

JsonObject *
vp_boot_outcome_describe_start (const VpBootOutcome *self)
{
  JsonObject *event = json_object_new ();

  json_object_set_string_member (event, "event", "start");
  json_object_set_string_member (event, "name", self->input->name);
  json_object_set_string_member (event, "accel", self->accel);
  json_object_set_string_member (event, "accel_reason", self->accel_reason);
  json_object_set_double_member (event, "tcg_scale", self->facts.scale);
  json_object_set_double_member (event, "timeout", (double) self->facts.timeout_ms / 1000.0);
  return event;
}

void
vp_boot_outcome_add_event (VpBootOutcome *self, gint64 ms, const char *name, JsonObject *data)
{
  JsonObject *event = vp_qmp_timeline_add (self->timeline, ms, name, data);

  if (self->input->artifacts != NULL)
    vp_artifacts_add_qmp (self->input->artifacts, event);
}

void
vp_boot_outcome_take_start_error (VpBootOutcome *self, GError *error)
{
  if (self->start_error == NULL)
    self->start_error = error;
  else
    g_clear_error (&error);
}

void
vp_boot_outcome_take_step_error (VpBootOutcome *self, GError *error)
{
  g_clear_error (&self->step_error);
  self->step_error = error;
  self->facts.step_error = error;
}

void
vp_boot_outcome_take_evidence (VpBootOutcome *self, VpBootEvidence *evidence)
{
  vp_boot_evidence_free (self->evidence);
  self->evidence = evidence;
}

void
vp_boot_outcome_note_report (VpBootOutcome *self, const VpGuestCommand *command)
{
  VpGuestRecordState state = vp_guest_command_get_state (command);

  if (state < VP_GUEST_RECORD_ENDED)
    return;
  g_free (self->report_text);
  self->report_text = g_strdup (vp_guest_command_get_text (command));
  self->facts.has_status = state == VP_GUEST_RECORD_ENDED;
  if (self->facts.has_status)
    {
      self->facts.status = vp_guest_command_get_status (command);
      self->facts.status_text = self->report_text;
    }
  else
    self->facts.no_status = self->report_text;
}

void
vp_boot_outcome_note_output (VpBootOutcome *self, const VpGuestCommand *command)
{
  g_strfreev (self->output_tail);
  self->output_tail =
      self->facts.is_command ? vp_guest_command_get_tail (command, TAIL_LINES) : NULL;
}

/* A guest that writes V to isa-debug-exit ends QEMU with a status of twice V and one. Its own
 * failures end it with 1, which is V = 0 and no report. */
static void
note_debug_exit (VpBootOutcome *self, int wait_status)
{
  if (!WIFEXITED (wait_status) || WEXITSTATUS (wait_status) % 2 == 0 ||
      WEXITSTATUS (wait_status) == 1)
    return;
  self->facts.has_status = TRUE;
  self->facts.status = (guint) WEXITSTATUS (wait_status) / 2;
}

void
vp_boot_outcome_note_end (VpBootOutcome *self, VpMachine *machine, gboolean is_early)
{
  const VpQemuEnd end = vp_machine_get_qemu_end (machine);

  self->end = vp_qemu_end_describe (&end);
  if (!is_early)
    return;
  self->facts.has_ended = TRUE;
  self->facts.end = self->end;
  self->facts.end_is_guests = vp_qemu_end_is_guests (&end);
  if (self->input->options->result == VP_RESULT_DEBUG_EXIT)
    note_debug_exit (self, end.wait_status);
}

void
vp_boot_outcome_keep_log (VpBootOutcome *self, VpMachine *machine)
{
  g_autofree char *log =
      g_build_filename (vp_run_dir_get_path (vp_machine_get_run_dir (machine)), "qemu.log", NULL);

  vp_artifacts_copy (self->input->artifacts, "qemu.log", log);
}

/* Which steps there are, and what became of each: its texts are borrowed. */
static GArray *
list_steps (const VpBootOutcome *self)
{
  const GPtrArray *steps = self->input->options->steps;
  const GPtrArray *reached = vp_milestones_get_reached (self->milestones);
  guint due = vp_milestones_get_step (self->milestones);
  GArray *list = g_array_sized_new (FALSE, TRUE, sizeof (VpBootStep), steps->len);

  for (guint i = 0; i < steps->len; i++)
    {
      const VpStep *step = steps->pdata[i];
      const VpBootStep item = { .action = vp_step_kind_to_string (step->kind),
                                .text = step->text,
                                .is_due = i == due };

      g_array_append_val (list, item);
    }
  for (guint i = 0; i < reached->len; i++)
    {
      const VpReached *done = reached->pdata[i];
      VpBootStep *item = &g_array_index (list, VpBootStep, done->step);

      item->is_done = TRUE;
      item->ms = done->ms;
      item->line = done->line;
    }
  return list;
}

static void
complete_facts (VpBootOutcome *self)
{
  const GPtrArray *steps = self->input->options->steps;
  const VpFailMatch *failure = vp_milestones_get_failure (self->milestones);
  guint due = vp_milestones_get_step (self->milestones);

  self->facts.start_error = self->start_error;
  self->facts.steps_passed = has_passed (self);
  self->facts.has_output = vp_milestones_get_last_output (self->milestones) > 0;
  if (due < steps->len)
    {
      const VpStep *step = steps->pdata[due];

      self->facts.due = vp_step_kind_to_string (step->kind);
      self->facts.due_text = step->text;
      self->facts.within_ms = scale_ms (self, step->within_ms);
    }
  if (failure != NULL)
    {
      self->facts.fail_name = failure->pattern->name;
      self->facts.fail_class = failure->pattern->verdict;
      self->facts.fail_line = failure->line;
    }
}

/* The lines that a document shows may begin in the midst of it. */
static JsonObject *
decode_report (const VpBootOutcome *self)
{
  g_auto (GStrv) lines = NULL;

  if (self->facts.fail_name == NULL)
    return NULL;
  lines = vp_milestones_get_tail (self->milestones, REPORT_LINES);
  return vp_kernel_report_decode (lines);
}

static char *
find_console_log (const VpBootOutcome *self)
{
  return self->input->artifacts != NULL
             ? vp_artifacts_get_path (self->input->artifacts, "console.log")
             : NULL;
}

/* What goes wrong on our side without changing the verdict. */
static void
add_faults (const VpBootOutcome *self, JsonObject *document)
{
  JsonObject *evidence = vp_boot_document_get_evidence (document);
  const char *fault =
      self->input->artifacts != NULL ? vp_artifacts_get_fault (self->input->artifacts) : NULL;

  if (fault != NULL)
    json_object_set_string_member (evidence, "artifacts_error", fault);
  if (self->host_fault != NULL)
    json_object_set_string_member (evidence, "host_error", self->host_fault);
}

JsonObject *
vp_boot_outcome_to_document (VpBootOutcome *self)
{
  g_autoptr (VpJudgement) judgement = NULL;
  g_autoptr (GArray) steps = list_steps (self);
  g_auto (GStrv) tail = vp_milestones_get_tail (self->milestones, TAIL_LINES);
  g_autoptr (JsonArray) events = vp_qmp_timeline_to_json (self->timeline);
  g_autofree char *console_log = find_console_log (self);
  g_autoptr (JsonObject) report = NULL;
  JsonObject *document;

  complete_facts (self);
  report = decode_report (self);
  judgement = vp_verdict_judge (&self->facts);
  document = vp_boot_document_new (&(VpBootRecord){
      .name = self->input->name,
      .judgement = judgement,
      .has_status = self->facts.has_status,
      .status = self->facts.status,
      .elapsed_ms = self->elapsed_ms,
      .accel = self->accel,
      .accel_reason = self->accel_reason,
      .scale = self->facts.scale,
      .timeout_ms = self->facts.timeout_ms,
      .steps = (const VpBootStep *) (const void *) steps->data,
      .n_steps = steps->len,
      .fail_name = self->facts.fail_name,
      .fail_line = self->facts.fail_line,
      .kernel_report = report,
      .console_tail = tail,
      .output_tail = self->output_tail,
      .qmp = events,
      .qemu = self->end,
      .screenshot = self->evidence != NULL ? self->evidence->screenshot : NULL,
      .memory_dump = self->evidence != NULL ? self->evidence->memory_dump : NULL,
      .console_log = console_log,
      .command = self->input->command,
  });
  add_faults (self, document);
  return document;
}
