#include "launcher/boottest/boot-document.h"

#include "launcher/visible-line.h"
#include "qmp/message.h"

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid (text, -1) : NULL;

  if (valid != NULL)
    json_object_set_string_member (object, name, valid);
  else
    json_object_set_null_member (object, name);
}

static void
set_seconds (JsonObject *object, const char *name, gint64 ms)
{
  json_object_set_double_member (object, name, (double) ms / 1000);
}

static void
set_object (JsonObject *object, const char *name, JsonObject *value)
{
  if (value != NULL)
    json_object_set_object_member (object, name, json_object_ref (value));
  else
    json_object_set_null_member (object, name);
}

static JsonArray *
milestones_of (const VpBootRecord *record)
{
  JsonArray *array = json_array_new ();

  for (gsize i = 0; i < record->n_steps; i++)
    {
      const VpBootStep *step = &record->steps[i];
      JsonObject *milestone;

      if (!step->is_done || !g_str_equal (step->action, "expect"))
        continue;
      milestone = json_object_new ();
      set_text (milestone, "pattern", step->text);
      set_seconds (milestone, "seconds", step->ms);
      set_text (milestone, "line", step->line);
      json_array_add_object_element (array, milestone);
    }
  return array;
}

static JsonArray *
steps_of (const VpBootRecord *record)
{
  JsonArray *array = json_array_new ();

  for (gsize i = 0; i < record->n_steps; i++)
    {
      const VpBootStep *step = &record->steps[i];
      JsonObject *object = json_object_new ();

      set_text (object, "do", step->action);
      set_text (object, "text", step->text);
      set_text (object, "state", step->is_done ? "done" : step->is_due ? "due" : "pending");
      if (step->is_done)
        set_seconds (object, "seconds", step->ms);
      json_array_add_object_element (array, object);
    }
  return array;
}

static JsonArray *
lines_of (char **lines)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (lines[i], -1);

      json_array_add_string_element (array, valid);
    }
  return array;
}

static JsonObject *
evidence_of (const VpBootRecord *record)
{
  JsonObject *object = json_object_new ();

  set_text (object, "kind", record->fail_name);
  set_text (object, "line", record->fail_line);
  set_object (object, "report", record->kernel_report);
  json_object_set_array_member (object, "console_tail", lines_of (record->console_tail));
  if (record->output_tail != NULL)
    json_object_set_array_member (object, "output_tail", lines_of (record->output_tail));
  json_object_set_array_member (
      object, "qmp", record->qmp != NULL ? json_array_ref (record->qmp) : json_array_new ());
  set_text (object, "qemu", record->qemu);
  set_text (object, "screenshot", record->screenshot);
  set_text (object, "memory_dump", record->memory_dump);
  set_text (object, "console_log", record->console_log);
  set_text (object, "command", record->command);
  return object;
}

JsonObject *
vp_boot_document_new (const VpBootRecord *record)
{
  JsonObject *object = json_object_new ();
  const VpJudgement *judgement = record->judgement;

  set_text (object, "name", record->name);
  set_text (object, "verdict", vp_verdict_to_string (judgement->verdict));
  json_object_set_int_member (object, "exit", judgement->exit_status);
  if (record->has_status)
    json_object_set_int_member (object, "status", record->status);
  else
    json_object_set_null_member (object, "status");
  set_text (object, "reason", judgement->reason);
  set_seconds (object, "seconds", record->elapsed_ms);
  set_text (object, "accel", record->accel);
  set_text (object, "accel_reason", record->accel_reason);
  json_object_set_double_member (object, "tcg_scale", record->scale);
  set_seconds (object, "timeout", record->timeout_ms);
  json_object_set_array_member (object, "milestones", milestones_of (record));
  json_object_set_array_member (object, "steps", steps_of (record));
  json_object_set_object_member (object, "evidence", evidence_of (record));
  return object;
}

JsonObject *
vp_boot_document_new_infra (const char *name, const char *reason, const char *command)
{
  g_autofree char *text = g_strdup (reason);
  const VpJudgement judgement = { VP_VERDICT_INFRA, 99, text };
  const VpBootRecord record = {
    .name = name, .judgement = &judgement, .scale = 1, .command = command
  };

  return vp_boot_document_new (&record);
}

void
vp_boot_document_set_attempts (JsonObject *document, guint attempts)
{
  json_object_set_int_member (document, "attempts", attempts);
  json_object_set_boolean_member (document, "flaky",
                                  attempts > 1 &&
                                      vp_boot_document_get_verdict (document) == VP_VERDICT_PASS);
}

VpVerdict
vp_boot_document_get_verdict (JsonObject *document)
{
  VpVerdict verdict = VP_VERDICT_INFRA;

  vp_verdict_from_string (vp_qmp_message_get_string (document, "verdict"), &verdict);
  return verdict;
}

const char *
vp_boot_document_get_text (JsonObject *document, const char *name)
{
  const char *text = vp_qmp_message_get_string (document, name);

  return text != NULL ? text : "";
}

char *
vp_boot_document_dup_line (JsonObject *document, const char *name)
{
  const char *text = vp_qmp_message_get_string (document, name);

  return text != NULL ? vp_visible_line (text) : NULL;
}

double
vp_boot_document_get_number (JsonObject *document, const char *name)
{
  JsonNode *node = json_object_get_member (document, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      (json_node_get_value_type (node) != G_TYPE_INT64 &&
       json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return 0;
  return MAX (json_node_get_double (node), 0);
}

double
vp_boot_document_get_seconds (JsonObject *document)
{
  return vp_boot_document_get_number (document, "seconds");
}

char *
vp_boot_document_format_seconds (double seconds, guint decimals)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE + 310]; /* the largest double has 309 digits */

  return g_strdup (
      g_ascii_formatd (buffer, sizeof buffer, decimals == 1 ? "%.1f" : "%.3f", seconds));
}

JsonObject *
vp_boot_document_get_evidence (JsonObject *document)
{
  return vp_qmp_message_get_object (document, "evidence");
}

char *
vp_boot_document_dup_evidence (JsonObject *document, const char *name)
{
  JsonObject *evidence = vp_boot_document_get_evidence (document);

  return evidence != NULL ? vp_boot_document_dup_line (evidence, name) : NULL;
}

GPtrArray *
vp_boot_document_get_objects (JsonObject *document, const char *name)
{
  GPtrArray *objects = g_ptr_array_new ();
  JsonArray *array = vp_qmp_message_get_array (document, name);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_OBJECT (node))
        g_ptr_array_add (objects, json_node_get_object (node));
    }
  return objects;
}

static char *
dup_printable (const char *line)
{
  g_autofree char *text = g_strdelimit (g_strdup (line), "\t", ' ');

  return vp_visible_line (text);
}

static void
add_lines (GStrvBuilder *lines, JsonObject *object, const char *name)
{
  JsonArray *array = vp_qmp_message_get_array (object, name);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      g_autofree char *line = NULL;

      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
        continue;
      line = dup_printable (json_node_get_string (node));
      g_strv_builder_add (lines, line);
    }
}

static char **
get_lines (JsonObject *document, const char *name)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  JsonObject *evidence = vp_boot_document_get_evidence (document);

  if (evidence != NULL)
    add_lines (lines, evidence, name);
  return g_strv_builder_end (lines);
}

char **
vp_boot_document_get_output (JsonObject *document)
{
  return get_lines (document, "output_tail");
}

char **
vp_boot_document_get_tail (JsonObject *document)
{
  return get_lines (document, "console_tail");
}

char **
vp_boot_document_get_stack (JsonObject *document)
{
  static const char *const heads[] = { "process", "rip" };
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  JsonObject *evidence = vp_boot_document_get_evidence (document);
  JsonObject *report = evidence != NULL ? vp_qmp_message_get_object (evidence, "report") : NULL;

  for (gsize i = 0; report != NULL && i < G_N_ELEMENTS (heads); i++)
    {
      g_autofree char *value = vp_boot_document_dup_line (report, heads[i]);
      g_autofree char *line = g_strdup_printf ("%s %s", heads[i], value);

      if (value != NULL)
        g_strv_builder_add (lines, line);
    }
  if (report != NULL)
    add_lines (lines, report, "stack");
  return g_strv_builder_end (lines);
}
