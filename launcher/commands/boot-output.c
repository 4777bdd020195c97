#include "launcher/commands/boot-output.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/report-github.h"
#include "launcher/boottest/report-junit.h"
#include "launcher/boottest/report-tap.h"
#include "launcher/boottest/report-text.h"
#include "launcher/commands/output.h"
#include "launcher/error.h"

#include <stdio.h>
#include <unistd.h>

#define SUITE_NAME "vmplug boot"

/* Statuses of a command that could not be run: nobody but us can say why. */
#define NOT_RUN_STATUS   126
#define NOT_FOUND_STATUS 127

static void
print_step (JsonObject *step)
{
  const char *text = vp_boot_document_get_text (step, "text");

  fprintf (stderr, "%6.1f s  %s%s%s\n", vp_boot_document_get_seconds (step),
           vp_boot_document_get_text (step, "do"), text[0] != '\0' ? " " : "", text);
}

/* Not g_print(), which turns everything that the C locale lacks into question marks. */
void
vp_boot_output_print_progress (JsonObject *event)
{
  const char *what = vp_boot_document_get_text (event, "event");

  if (g_str_equal (what, "start") && json_object_get_double_member (event, "tcg_scale") != 1.0)
    fprintf (stderr, "vmplug: emulated (%s): timeouts × %g\n",
             vp_boot_document_get_text (event, "accel_reason"),
             json_object_get_double_member (event, "tcg_scale"));
  if (g_str_equal (what, "milestone"))
    print_step (event);
}

void
vp_boot_output_print_steps (JsonObject *document)
{
  JsonArray *steps = json_object_get_array_member (document, "steps");

  /* The report of a failure has them. */
  if (vp_boot_document_get_verdict (document) != VP_VERDICT_PASS)
    return;
  for (guint i = 0; i < json_array_get_length (steps); i++)
    print_step (json_array_get_object_element (steps, i));
}

static void
print_tap (JsonObject *document)
{
  g_autofree char *head = vp_report_tap_head (1);
  g_autofree char *line = vp_report_tap_case (1, document);

  fputs (head, stdout);
  fputs (line, stdout);
}

/* A command that has failed has said so itself, on the same stderr. */
static void
print_command_failure (JsonObject *document)
{
  gint64 status = json_object_get_int_member (document, "status");

  if (status == NOT_RUN_STATUS || status == NOT_FOUND_STATUS)
    fprintf (stderr, "vmplug: %s\n", vp_boot_document_get_text (document, "reason"));
}

void
vp_boot_output_print_verdict (JsonObject *document, const VpBootOptions *options, gboolean as_json)
{
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  gboolean is_well = verdict == VP_VERDICT_PASS || verdict == VP_VERDICT_SKIP;
  gboolean has_stdout = !as_json && !options->tap && options->command == NULL;
  FILE *stream = is_well ? stdout : stderr;
  g_autofree char *text = NULL;

  if (as_json)
    vp_output_json (json_object_ref (document));
  else if (options->tap)
    print_tap (document);

  if (is_well && !has_stdout)
    return;
  if (options->command != NULL &&
      json_object_get_int_member_with_default (document, "status", 0) != 0)
    {
      print_command_failure (document);
      return;
    }
  text = vp_report_text_case (document, vp_output_has_colour (fileno (stream)));
  fputs (text, stream);
}

static gboolean
write_junit (const GPtrArray *documents, const char *path, GError **error)
{
  const VpJunitSuite suite = { SUITE_NAME, documents };
  g_autofree char *text = vp_report_junit (&suite, 1);
  g_autoptr (GError) why = NULL;

  if (g_file_set_contents (path, text, -1, &why))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--junit: %s", why->message);
  return FALSE;
}

gboolean
vp_boot_output_publish (JsonObject *document, const VpBootOptions *options, GError **error)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new ();

  g_ptr_array_add (documents, document);
  if (options->junit != NULL && !write_junit (documents, options->junit, error))
    return FALSE;
  return options->events_fd >= 0 || vp_report_github_publish (SUITE_NAME, documents, error);
}
