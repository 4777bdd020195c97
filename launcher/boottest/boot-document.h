#pragma once

#include "launcher/boottest/verdict.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpBootStep:
 * @action: as vp_step_kind_to_string() has it: "expect"
 * @text: (nullable): what it is about
 * @is_done: whether it is
 * @is_due: whether it was its turn
 * @ms: when it was done, since the guest began to run
 * @line: (nullable): the line of the console that an expect was met by
 *
 * A step, and what became of it.
 */
typedef struct
{
  const char *action;
  const char *text;
  gboolean is_done;
  gboolean is_due;
  gint64 ms;
  const char *line;
} VpBootStep;

/**
 * VpBootRecord:
 * @name: of the case, or of the VM
 * @judgement: the judgement
 * @has_status: whether the guest reported a status
 * @status: that status
 * @elapsed_ms: since the guest began to run
 * @accel: (nullable): "kvm" or "tcg"
 * @accel_reason: (nullable): why that
 * @scale: what the times were multiplied by
 * @timeout_ms: how long it might take, scaled; 0 for no limit
 * @steps: (nullable) (array length=n_steps): the steps, in order
 * @n_steps: their number
 * @fail_name: (nullable): the pattern of failure that was found
 * @fail_line: (nullable): the line that it was found in
 * @kernel_report: (nullable): what vp_kernel_report_decode() made of the console
 * @console_tail: (nullable): the last lines of the console
 * @output_tail: (nullable): the last lines of a command's output
 * @qmp: (nullable): (element-type JsonObject): "seconds", "event" and "data" of QEMU's events
 * @qemu: (nullable): how QEMU ended, as vp_qemu_end_describe() has it
 * @screenshot: (nullable): a file; so are the next two
 * @memory_dump: (nullable):
 * @console_log: (nullable):
 * @command: (nullable): a command line that does all of it again
 *
 * All that is known of a boot test that is over. Borrows; all texts may be any bytes.
 */
typedef struct
{
  const char *name;
  const VpJudgement *judgement;
  gboolean has_status;
  guint status;
  gint64 elapsed_ms;
  const char *accel;
  const char *accel_reason;
  double scale;
  gint64 timeout_ms;
  const VpBootStep *steps;
  gsize n_steps;
  const char *fail_name;
  const char *fail_line;
  JsonObject *kernel_report;
  char **console_tail;
  char **output_tail;
  JsonArray *qmp;
  const char *qemu;
  const char *screenshot;
  const char *memory_dump;
  const char *console_log;
  const char *command;
} VpBootRecord;

/**
 * vp_boot_document_new:
 * @record: what is known
 *
 * Its "milestones" are the expect steps that are done. Pure.
 *
 * Returns: (transfer full): the "boot" document of the contract
 */
JsonObject *vp_boot_document_new (const VpBootRecord *record);

/**
 * vp_boot_document_new_infra:
 * @name: of the case
 * @reason: what is missing, in one line: "has not finished"
 * @command: (nullable): a command line that does it again
 *
 * Returns: (transfer full): the document of a case of which nothing else is known
 */
JsonObject *vp_boot_document_new_infra (const char *name, const char *reason, const char *command);

/**
 * vp_boot_document_set_attempts:
 * @document: a document
 * @attempts: how often the case was tried; it is flaky when that is more than once and it passed
 */
void vp_boot_document_set_attempts (JsonObject *document, guint attempts);

/**
 * vp_boot_document_get_verdict:
 * @document: a document, possibly of another process
 *
 * Returns: its verdict; infra when it has none
 */
VpVerdict vp_boot_document_get_verdict (JsonObject *document);

/**
 * vp_boot_document_get_text:
 * @document: an object of a document
 * @name: a member
 *
 * Returns: (transfer none): the string; "" when there is none
 */
const char *vp_boot_document_get_text (JsonObject *document, const char *name);

/**
 * vp_boot_document_dup_line:
 * @document: an object of a document
 * @name: a member
 *
 * Returns: (transfer full) (nullable): the string as one printable line; %NULL when there is none
 */
char *vp_boot_document_dup_line (JsonObject *document, const char *name);

/**
 * vp_boot_document_get_number:
 * @document: an object of a document
 * @name: a member
 *
 * Returns: the number; 0 when there is none, or it is negative
 */
double vp_boot_document_get_number (JsonObject *document, const char *name);

/**
 * vp_boot_document_get_seconds:
 * @document: an object of a document
 *
 * Returns: its "seconds", as vp_boot_document_get_number() has them
 */
double vp_boot_document_get_seconds (JsonObject *document);

/**
 * vp_boot_document_format_seconds:
 * @seconds: a number
 * @decimals: 1 for a person, 3 for a program
 *
 * Returns: (transfer full): "3.1", with a point in every locale
 */
char *vp_boot_document_format_seconds (double seconds, guint decimals);

/**
 * vp_boot_document_get_evidence:
 *
 * Returns: (transfer none) (nullable): its "evidence"
 */
JsonObject *vp_boot_document_get_evidence (JsonObject *document);

/**
 * vp_boot_document_dup_evidence:
 * @document: a document
 * @name: a member of its evidence
 *
 * Returns: (transfer full) (nullable): the string as one printable line; %NULL when there is none
 */
char *vp_boot_document_dup_evidence (JsonObject *document, const char *name);

/**
 * vp_boot_document_get_objects:
 * @document: a document
 * @name: "milestones" or "steps"
 *
 * Returns: (transfer container) (element-type JsonObject): the objects of that array
 */
GPtrArray *vp_boot_document_get_objects (JsonObject *document, const char *name);

/**
 * vp_boot_document_get_stack:
 *
 * Returns: (transfer full): which process it was, where it was, and the stack of the kernel, as far
 *   as the console has shown them, printable; free with g_strfreev()
 */
char **vp_boot_document_get_stack (JsonObject *document);

/**
 * vp_boot_document_get_output:
 *
 * Returns: (transfer full): the last lines of a command's output, printable; free with
 *   g_strfreev()
 */
char **vp_boot_document_get_output (JsonObject *document);

/**
 * vp_boot_document_get_tail:
 *
 * Returns: (transfer full): the last lines of the console, printable; free with g_strfreev()
 */
char **vp_boot_document_get_tail (JsonObject *document);

G_END_DECLS
