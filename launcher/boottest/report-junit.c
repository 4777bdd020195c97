#include "launcher/boottest/report-junit.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/visible-line.h"
#include "qmp/message.h"

typedef struct
{
  guint tests;
  guint failures;
  guint errors;
  guint skipped;
  double seconds;
} Counts;

/* What a verdict is called; a pass has no element. */
static const char *
element_of (VpVerdict verdict)
{
  if (verdict == VP_VERDICT_PASS)
    return NULL;
  return verdict == VP_VERDICT_SKIP ? "skipped" : verdict == VP_VERDICT_INFRA ? "error" : "failure";
}

static void
count (Counts *counts, const GPtrArray *documents)
{
  for (guint i = 0; i < documents->len; i++)
    {
      VpVerdict verdict = vp_boot_document_get_verdict (documents->pdata[i]);

      counts->tests++;
      counts->errors += verdict == VP_VERDICT_INFRA;
      counts->skipped += verdict == VP_VERDICT_SKIP;
      counts->failures += g_strcmp0 (element_of (verdict), "failure") == 0;
      counts->seconds += vp_boot_document_get_seconds (documents->pdata[i]);
    }
}

/* A printable line has none of the characters that XML 1.0 cannot hold, escaped or not. */
static void
append_escaped (GString *out, const char *line)
{
  g_autofree char *escaped = g_markup_escape_text (line, -1);

  g_string_append (out, escaped);
}

static void
append_attribute (GString *out, const char *name, const char *line)
{
  g_string_append_printf (out, " %s=\"", name);
  append_escaped (out, line);
  g_string_append_c (out, '"');
}

static void
append_time (GString *out, double seconds)
{
  g_autofree char *text = vp_boot_document_format_seconds (seconds, 3);

  g_string_append_printf (out, " time=\"%s\"", text);
}

static void
append_counts (GString *out, const Counts *counts)
{
  g_string_append_printf (out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"",
                          counts->tests, counts->failures, counts->errors, counts->skipped);
  append_time (out, counts->seconds);
}

static void
append_property (GString *out, const char *name, const char *value)
{
  g_string_append (out, "        <property");
  append_attribute (out, "name", name);
  append_attribute (out, "value", value);
  g_string_append (out, "/>\n");
}

static void
append_properties (GString *out, JsonObject *document)
{
  static const char *const own[] = { "accel", "accel_reason" };
  static const char *const of_evidence[] = { "screenshot", "memory_dump", "console_log",
                                             "command" };
  g_autoptr (GPtrArray) milestones = vp_boot_document_get_objects (document, "milestones");
  g_autofree char *attempts =
      g_strdup_printf ("%" G_GINT64_FORMAT, vp_qmp_message_get_int (document, "attempts", 1));

  g_string_append (out, "      <properties>\n");
  append_property (out, "verdict", vp_verdict_to_string (vp_boot_document_get_verdict (document)));
  append_property (out, "attempts", attempts);
  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    {
      g_autofree char *text = vp_boot_document_dup_line (document, own[i]);

      if (text != NULL)
        append_property (out, own[i], text);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (of_evidence); i++)
    {
      g_autofree char *text = vp_boot_document_dup_evidence (document, of_evidence[i]);

      if (text != NULL)
        append_property (out, of_evidence[i], text);
    }
  for (guint i = 0; i < milestones->len; i++)
    {
      g_autofree char *pattern = vp_boot_document_dup_line (milestones->pdata[i], "pattern");
      g_autofree char *name = g_strconcat ("seconds to ", pattern, NULL);
      g_autofree char *seconds =
          vp_boot_document_format_seconds (vp_boot_document_get_seconds (milestones->pdata[i]), 3);

      append_property (out, name, seconds);
    }
  g_string_append (out, "      </properties>\n");
}

static void
append_lines (GString *out, char **lines)
{
  for (char **line = lines; *line != NULL; line++)
    {
      append_escaped (out, *line);
      g_string_append_c (out, '\n');
    }
}

/* What is wrong, and the stack if the kernel has shown one. */
static void
append_fault (GString *out, JsonObject *document)
{
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  const char *element = element_of (verdict);
  g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
  g_autofree char *command = vp_boot_document_dup_evidence (document, "command");
  g_auto (GStrv) stack = vp_boot_document_get_stack (document);

  if (element == NULL)
    return;
  g_string_append_printf (out, "      <%s", element);
  append_attribute (out, "message", reason != NULL ? reason : "");
  if (verdict == VP_VERDICT_SKIP)
    {
      g_string_append (out, "/>\n");
      return;
    }
  append_attribute (out, "type", vp_verdict_to_string (verdict));
  g_string_append_c (out, '>');
  append_lines (out, stack);
  if (command != NULL)
    {
      g_string_append (out, "again: ");
      append_escaped (out, command);
      g_string_append_c (out, '\n');
    }
  g_string_append_printf (out, "</%s>\n", element);
}

static void
append_output (GString *out, JsonObject *document)
{
  g_auto (GStrv) output = vp_boot_document_get_output (document);
  g_auto (GStrv) tail = vp_boot_document_get_tail (document);
  g_autofree char *qemu = vp_boot_document_dup_evidence (document, "qemu");

  if (output[0] != NULL || tail[0] != NULL)
    {
      g_string_append (out, "      <system-out>");
      append_lines (out, output);
      append_lines (out, tail);
      g_string_append (out, "</system-out>\n");
    }
  if (qemu != NULL)
    {
      g_string_append (out, "      <system-err>");
      append_escaped (out, qemu);
      g_string_append (out, "</system-err>\n");
    }
}

static void
append_case (GString *out, const char *suite, JsonObject *document)
{
  g_autofree char *name = vp_boot_document_dup_line (document, "name");

  g_string_append (out, "    <testcase");
  append_attribute (out, "name", name != NULL ? name : "?");
  append_attribute (out, "classname", suite);
  append_time (out, vp_boot_document_get_seconds (document));
  g_string_append (out, ">\n");
  append_properties (out, document);
  append_fault (out, document);
  append_output (out, document);
  g_string_append (out, "    </testcase>\n");
}

static void
append_suite (GString *out, const VpJunitSuite *suite)
{
  Counts counts = { 0 };
  g_autofree char *name = vp_visible_line (suite->name);

  count (&counts, suite->documents);
  g_string_append (out, "  <testsuite");
  append_attribute (out, "name", name);
  append_counts (out, &counts);
  g_string_append (out, ">\n");
  for (guint i = 0; i < suite->documents->len; i++)
    append_case (out, name, suite->documents->pdata[i]);
  g_string_append (out, "  </testsuite>\n");
}

char *
vp_report_junit (const VpJunitSuite *suites, gsize n_suites)
{
  GString *out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  Counts counts = { 0 };

  for (gsize i = 0; i < n_suites; i++)
    count (&counts, suites[i].documents);
  g_string_append (out, "<testsuites name=\"vmplug\"");
  append_counts (out, &counts);
  g_string_append (out, ">\n");
  for (gsize i = 0; i < n_suites; i++)
    append_suite (out, &suites[i]);
  g_string_append (out, "</testsuites>\n");
  return g_string_free (out, FALSE);
}
