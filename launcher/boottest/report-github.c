#include "launcher/boottest/report-github.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/error.h"
#include "launcher/visible-line.h"
#include "qmp/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* GitHub refuses a summary of more than 1 MiB. A row may hold 64 milestones of 160 characters, each
 * of which may become 6: so the bound is one of bytes. */
#define MAX_ROWS_SIZE     (512 * 1024)
#define MAX_CONSOLES_SIZE (256 * 1024)
#define MAX_CHARACTERS    160

/* In a command's data, and in its properties, where ':' and ',' mean something too. */
static void
append_command_text (GString *out, const char *text, const char *special)
{
  for (const char *p = text; *p != '\0'; p++)
    if (strchr (special, *p) != NULL)
      g_string_append_printf (out, "%%%02X", (guint) *p);
    else
      g_string_append_c (out, *p);
}

static void
append_command (GString *out, const char *command, const char *title, const char *message)
{
  g_string_append_printf (out, "::%s title=", command);
  append_command_text (out, title, "%\r\n:,");
  g_string_append (out, "::");
  append_command_text (out, message, "%\r\n");
  g_string_append_c (out, '\n');
}

char *
vp_report_github_commands (const GPtrArray *documents)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < documents->len; i++)
    {
      JsonObject *document = documents->pdata[i];
      VpVerdict verdict = vp_boot_document_get_verdict (document);
      gint64 attempts = vp_qmp_message_get_int (document, "attempts", 1);
      g_autofree char *name = vp_boot_document_dup_line (document, "name");
      g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
      g_autofree char *command = vp_boot_document_dup_evidence (document, "command");
      g_autofree char *title =
          g_strdup_printf ("%s: %s", name != NULL ? name : "?", vp_verdict_to_string (verdict));
      g_autofree char *message =
          g_strdup_printf ("%s%s%s", reason != NULL ? reason : "", command != NULL ? "\n" : "",
                           command != NULL ? command : "");
      g_autofree char *flaky =
          g_strdup_printf ("passed only at attempt %" G_GINT64_FORMAT, attempts);

      if (verdict == VP_VERDICT_PASS && attempts > 1)
        append_command (out, "warning", title, flaky);
      else if (verdict != VP_VERDICT_PASS && verdict != VP_VERDICT_SKIP)
        append_command (out, "error", title, message);
    }
  return g_string_free (out, FALSE);
}

/* As a reference to its number a character is never Markdown, nor HTML, nor a link or a mention. */
static void
append_literal (GString *out, const char *line)
{
  for (const char *p = line; *p != '\0'; p++)
    if (g_ascii_ispunct (*p))
      g_string_append_printf (out, "&#%d;", *p);
    else
      g_string_append_c (out, *p);
}

static void
append_head (GString *out, const char *line)
{
  g_autofree char *head = NULL;

  if (g_utf8_strlen (line, -1) <= MAX_CHARACTERS)
    {
      append_literal (out, line);
      return;
    }
  head = g_utf8_substring (line, 0, MAX_CHARACTERS);
  append_literal (out, head);
  g_string_append (out, "...");
}

static void
append_time (GString *out, JsonObject *object)
{
  g_autofree char *seconds =
      vp_boot_document_format_seconds (vp_boot_document_get_seconds (object), 1);

  g_string_append_printf (out, "%s s", seconds);
}

static void
append_milestones (GString *out, JsonObject *document)
{
  g_autoptr (GPtrArray) milestones = vp_boot_document_get_objects (document, "milestones");

  for (guint i = 0; i < milestones->len; i++)
    {
      g_autofree char *pattern = vp_boot_document_dup_line (milestones->pdata[i], "pattern");

      g_string_append (out, i > 0 ? "<br>" : "");
      append_time (out, milestones->pdata[i]);
      g_string_append (out, " <code>");
      append_head (out, pattern != NULL ? pattern : "");
      g_string_append (out, "</code>");
    }
}

static void
append_row (GString *out, JsonObject *document)
{
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  g_autofree char *name = vp_boot_document_dup_line (document, "name");
  g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
  gint64 attempts = vp_qmp_message_get_int (document, "attempts", 1);

  g_string_append (out, "| <code>");
  append_head (out, name != NULL ? name : "?");
  g_string_append_printf (out, "</code> | %s", vp_verdict_to_string (verdict));
  if (attempts > 1)
    g_string_append_printf (out, " (attempt %" G_GINT64_FORMAT ")", attempts);
  g_string_append (out, " | ");
  append_time (out, document);
  g_string_append (out, " | ");
  append_milestones (out, document);
  g_string_append (out, " | ");
  if (verdict != VP_VERDICT_PASS && reason != NULL)
    append_head (out, reason);
  g_string_append (out, " |\n");
}

static void
append_lines (GString *out, char **lines)
{
  for (char **line = lines; *line != NULL; line++)
    {
      append_head (out, *line);
      g_string_append_c (out, '\n');
    }
}

static void
append_console (GString *out, JsonObject *document)
{
  g_autofree char *name = vp_boot_document_dup_line (document, "name");
  g_autofree char *command = vp_boot_document_dup_evidence (document, "command");
  g_auto (GStrv) output = vp_boot_document_get_output (document);
  g_auto (GStrv) tail = vp_boot_document_get_tail (document);

  if (output[0] == NULL && tail[0] == NULL && command == NULL)
    return;
  g_string_append (out, "\n<details><summary>Console of <code>");
  append_head (out, name != NULL ? name : "?");
  g_string_append (out, "</code></summary>\n\n<pre>\n");
  append_lines (out, output);
  append_lines (out, tail);
  if (command != NULL)
    {
      g_string_append (out, "\n$ ");
      append_literal (out, command);
      g_string_append_c (out, '\n');
    }
  g_string_append (out, "</pre>\n\n</details>\n");
}

char *
vp_report_github_summary (const char *title, const GPtrArray *documents)
{
  GString *out = g_string_new ("### Boot tests: ");
  g_autoptr (GString) consoles = g_string_new (NULL);
  g_autofree char *line = vp_visible_line (title);
  guint n_rows = 0;

  append_literal (out, line);
  g_string_append (out,
                   "\n\n| case | verdict | time | milestones | why |\n|---|---|---|---|---|\n");
  for (; n_rows < documents->len && out->len < MAX_ROWS_SIZE; n_rows++)
    append_row (out, documents->pdata[n_rows]);
  if (n_rows < documents->len)
    g_string_append_printf (out, "\n%u more cases are left out.\n", documents->len - n_rows);
  for (guint i = 0; i < documents->len && consoles->len < MAX_CONSOLES_SIZE; i++)
    {
      VpVerdict verdict = vp_boot_document_get_verdict (documents->pdata[i]);

      if (verdict != VP_VERDICT_PASS && verdict != VP_VERDICT_SKIP)
        append_console (consoles, documents->pdata[i]);
    }
  g_string_append (out, consoles->str);
  return g_string_free (out, FALSE);
}

static gboolean
append_to_file (const char *path, const char *text, GError **error)
{
  FILE *file = fopen (path, "ae");
  gboolean ok = file != NULL && fputs (text, file) >= 0;

  /* It is written only when it is closed. */
  if (file != NULL && fclose (file) != 0)
    ok = FALSE;
  if (!ok)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot append to GITHUB_STEP_SUMMARY, %s: %s",
                 path, g_strerror (errno));
  return ok;
}

gboolean
vp_report_github_publish (const char *title, const GPtrArray *documents, GError **error)
{
  const char *path = g_getenv ("GITHUB_STEP_SUMMARY");
  g_autofree char *commands = NULL;
  g_autofree char *summary = NULL;

  if (g_getenv ("GITHUB_ACTIONS") == NULL)
    return TRUE;
  commands = vp_report_github_commands (documents);
  fputs (commands, stderr);
  if (path == NULL || path[0] == '\0')
    return TRUE;
  summary = vp_report_github_summary (title, documents);
  return append_to_file (path, summary, error);
}
