#pragma once

#include "launcher/boottest/boot-evidence.h"
#include "launcher/boottest/boot-run.h"
#include "launcher/boottest/guest-command.h"
#include "launcher/boottest/milestones.h"
#include "launcher/boottest/qmp-timeline.h"
#include "launcher/boottest/verdict.h"

G_BEGIN_DECLS

/**
 * VpBootOutcome:
 * @facts: what the verdict is made of; what it borrows is the outcome's
 * @milestones: what the console has shown
 *
 * All that becomes known of one boot, and the document that is made of it.
 */
typedef struct
{
  VpBootFacts facts;
  VpMilestones *milestones;

  /*< private >*/
  const VpBootInput *input;
  VpFailPatterns *fail_patterns;
  VpQmpTimeline *timeline;
  VpBootEvidence *evidence; /* nullable */
  char *accel;              /* nullable: it was never decided */
  char *accel_reason;
  gint64 elapsed_ms;
  GError *start_error; /* nullable */
  GError *step_error;  /* nullable */
  char *end;           /* nullable */
  char **output_tail;  /* nullable */
  char *report_text;   /* nullable: the words beside the guest's status, or instead of one */
  char *host_fault;    /* nullable: a host device that is not back */
} VpBootOutcome;

/**
 * vp_boot_outcome_new:
 * @input: what is to be done; must outlive it
 * @blueprint: (nullable): the VM; %NULL when it was never designed
 *
 * Returns: (transfer full): free with vp_boot_outcome_free()
 */
VpBootOutcome *vp_boot_outcome_new (const VpBootInput *input, const VpBlueprint *blueprint);
void vp_boot_outcome_free (VpBootOutcome *self);

/**
 * vp_boot_outcome_is_done:
 *
 * Returns: whether what was asked for has been seen, or has been denied by the guest itself
 */
gboolean vp_boot_outcome_is_done (const VpBootOutcome *self);

/**
 * vp_boot_outcome_describe_start:
 *
 * Returns: (transfer full): the "start" event of --events
 */
JsonObject *vp_boot_outcome_describe_start (const VpBootOutcome *self);

/**
 * vp_boot_outcome_add_event:
 * @self: an outcome
 * @ms: when
 * @name: one of the machine's events
 * @data: its data
 */
void vp_boot_outcome_add_event (VpBootOutcome *self, gint64 ms, const char *name, JsonObject *data);

/**
 * vp_boot_outcome_take_start_error:
 * @self: an outcome
 * @error: (transfer full) (nullable): why the guest never ran; the first one counts
 */
void vp_boot_outcome_take_start_error (VpBootOutcome *self, GError *error);

/**
 * vp_boot_outcome_take_step_error:
 * @self: an outcome
 * @error: (transfer full): why the step that is due cannot be carried out
 */
void vp_boot_outcome_take_step_error (VpBootOutcome *self, GError *error);

/**
 * vp_boot_outcome_take_evidence:
 * @self: an outcome
 * @evidence: (transfer full): what was collected
 */
void vp_boot_outcome_take_evidence (VpBootOutcome *self, VpBootEvidence *evidence);

/**
 * vp_boot_outcome_note_report:
 * @self: an outcome
 * @command: what the guest has reported to
 */
void vp_boot_outcome_note_report (VpBootOutcome *self, const VpGuestCommand *command);

/**
 * vp_boot_outcome_note_output:
 * @self: an outcome
 * @command: what has printed all that it ever will
 */
void vp_boot_outcome_note_output (VpBootOutcome *self, const VpGuestCommand *command);

/**
 * vp_boot_outcome_note_end:
 * @self: an outcome
 * @machine: a machine that has ended
 * @is_early: whether it has by itself, before there was a verdict
 */
void vp_boot_outcome_note_end (VpBootOutcome *self, VpMachine *machine, gboolean is_early);

/**
 * vp_boot_outcome_keep_log:
 * @self: an outcome whose input has artifacts
 * @machine: a machine that has ended, or could not start
 *
 * Keeps what QEMU had to say.
 */
void vp_boot_outcome_keep_log (VpBootOutcome *self, VpMachine *machine);

/**
 * vp_boot_outcome_to_document:
 * @self: an outcome to which nothing comes any more
 *
 * Returns: (transfer full): the "boot" document of the contract
 */
JsonObject *vp_boot_outcome_to_document (VpBootOutcome *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBootOutcome, vp_boot_outcome_free)

G_END_DECLS
