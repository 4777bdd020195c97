#include "launcher/boottest/report-tap.h"

#include "launcher/boottest/boot-document.h"
#include "qmp/json-writer.h"
#include "qmp/message.h"

char *
vp_report_tap_head (guint n_cases)
{
  return g_strdup_printf ("TAP version 13\n1..%u\n", n_cases);
}

/* "# SKIP" and "# TODO" change what a line means, and "\#" does not help against each reader. */
static void
append_without_hash (GString *out, const char *line)
{
  for (const char *p = line; *p != '\0'; p++)
    if (*p == '#')
      g_string_append (out, "\\x23");
    else
      g_string_append_c (out, *p);
}

/* JSON strings are YAML. */
static void
append_text (GString *out, const char *key, const char *text)
{
  if (text == NULL)
    return;
  g_string_append_printf (out, "  %s: ", key);
  vp_json_write_string (out, text);
  g_string_append_c (out, '\n');
}

/* The mark keeps blanks at the start of a line, and a line that would end the block. */
static void
append_lines (GString *out, const char *key, char **lines)
{
  if (lines[0] == NULL)
    return;
  g_string_append_printf (out, "  %s: |\n", key);
  for (char **line = lines; *line != NULL; line++)
    g_string_append_printf (out, "    >%s%s\n", **line != '\0' ? " " : "", *line);
}

static void
append_evidence (GString *out, JsonObject *document)
{
  static const char *const members[] = { "qemu", "screenshot", "memory_dump", "console_log",
                                         "command" };
  g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
  g_auto (GStrv) stack = vp_boot_document_get_stack (document);
  g_auto (GStrv) output = vp_boot_document_get_output (document);
  g_auto (GStrv) tail = vp_boot_document_get_tail (document);

  append_text (out, "reason", reason);
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *text = vp_boot_document_dup_evidence (document, members[i]);

      append_text (out, members[i], text);
    }
  append_lines (out, "stack", stack);
  append_lines (out, "output", output);
  append_lines (out, "console", tail);
}

char *
vp_report_tap_case (guint number, JsonObject *document)
{
  GString *out = g_string_new (NULL);
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  g_autofree char *name = vp_boot_document_dup_line (document, "name");
  g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
  g_autofree char *seconds =
      vp_boot_document_format_seconds (vp_boot_document_get_seconds (document), 3);
  gint64 attempts = vp_qmp_message_get_int (document, "attempts", 1);
  gboolean is_good = verdict == VP_VERDICT_PASS || verdict == VP_VERDICT_SKIP;

  g_string_append_printf (out, "%s %u - ", is_good ? "ok" : "not ok", number);
  append_without_hash (out, name != NULL ? name : "?");
  if (verdict == VP_VERDICT_SKIP)
    {
      g_string_append (out, " # SKIP ");
      append_without_hash (out, reason != NULL ? reason : "");
    }
  g_string_append (out, "\n  ---\n");
  append_text (out, "verdict", vp_verdict_to_string (verdict));
  g_string_append_printf (out, "  seconds: %s\n", seconds);
  if (attempts > 1)
    g_string_append_printf (out, "  attempts: %" G_GINT64_FORMAT "\n", attempts);
  if (!is_good)
    append_evidence (out, document);
  g_string_append (out, "  ...\n");
  return g_string_free (out, FALSE);
}
