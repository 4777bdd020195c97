#include "launcher/boottest/report-text.h"

#include "launcher/boottest/boot-document.h"
#include "qmp/message.h"

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define DIM    "\033[2m"
#define PLAIN  "\033[0m"

static const char *
colour_of (VpVerdict verdict)
{
  if (verdict == VP_VERDICT_PASS)
    return GREEN;
  return verdict == VP_VERDICT_SKIP || verdict == VP_VERDICT_INFRA ? YELLOW : RED;
}

static void
append_coloured (GString *out, const char *colour, const char *text, gboolean has_colour)
{
  g_string_append_printf (out, "%s%s%s", has_colour ? colour : "", text, has_colour ? PLAIN : "");
}

/* What the guest ran on, and what that did to its times. */
static void
append_accel (GString *out, JsonObject *document)
{
  g_autofree char *accel = vp_boot_document_dup_line (document, "accel");
  double scale = vp_boot_document_get_number (document, "tcg_scale");
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (accel == NULL)
    return;
  g_string_append_printf (out, "  %s", accel);
  if (scale != 0 && scale != 1)
    g_string_append_printf (out, ", timeouts × %s",
                            g_ascii_formatd (text, sizeof text, "%g", scale));
}

static void
append_head (GString *out, JsonObject *document, gboolean has_colour)
{
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  g_autofree char *word = g_strdup_printf ("%-10s", vp_verdict_to_string (verdict));
  g_autofree char *name = vp_boot_document_dup_line (document, "name");
  g_autofree char *reason = vp_boot_document_dup_line (document, "reason");
  g_autofree char *seconds =
      vp_boot_document_format_seconds (vp_boot_document_get_seconds (document), 1);
  gint64 attempts = vp_qmp_message_get_int (document, "attempts", 1);

  append_coloured (out, colour_of (verdict), word, has_colour);
  g_string_append_printf (out, "  %s", name != NULL ? name : "?");
  if (verdict == VP_VERDICT_SKIP)
    {
      g_string_append_printf (out, "  %s\n", reason != NULL ? reason : "");
      return;
    }
  g_string_append_printf (out, "  %s s", seconds);
  append_accel (out, document);
  if (attempts > 1)
    g_string_append_printf (out, "  attempt %" G_GINT64_FORMAT, attempts);
  g_string_append_c (out, '\n');
}

static void
append_member (GString *out, const char *heading, char *line)
{
  g_autofree char *text = line;

  if (text != NULL && text[0] != '\0')
    g_string_append_printf (out, "  %-8s  %s\n", heading, text);
}

static void
append_steps (GString *out, JsonObject *document)
{
  g_autoptr (GPtrArray) steps = vp_boot_document_get_objects (document, "steps");

  for (guint i = 0; i < steps->len; i++)
    {
      JsonObject *step = steps->pdata[i];
      const char *state = vp_boot_document_get_text (step, "state");
      g_autofree char *action = vp_boot_document_dup_line (step, "do");
      g_autofree char *text = vp_boot_document_dup_line (step, "text");
      g_autofree char *seconds =
          vp_boot_document_format_seconds (vp_boot_document_get_seconds (step), 1);
      g_autofree char *when =
          g_str_equal (state, "done") ? g_strconcat (seconds, " s", NULL) : g_strdup (state);

      g_string_append_printf (out, "  %-8s  %9s  %s%s%s\n", i == 0 ? "steps" : "", when,
                              action != NULL ? action : "?", text != NULL ? " " : "",
                              text != NULL ? text : "");
    }
}

static void
append_lines (GString *out, const char *heading, char **lines, gboolean has_colour)
{
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *start = g_strdup_printf ("  %-8s  ", line == lines ? heading : "");

      /* An empty line has no blanks at its end. */
      if (**line == '\0')
        g_strchomp (start);
      g_string_append (out, start);
      if (**line != '\0')
        append_coloured (out, DIM, *line, has_colour);
      g_string_append_c (out, '\n');
    }
}

char *
vp_report_text_case (JsonObject *document, gboolean has_colour)
{
  static const struct
  {
    const char *heading;
    const char *member;
  } rows[] = { { "qemu", "qemu" },
               { "screen", "screenshot" },
               { "memory", "memory_dump" },
               { "log", "console_log" },
               { "again", "command" } };
  GString *out = g_string_new (NULL);
  VpVerdict verdict = vp_boot_document_get_verdict (document);
  g_auto (GStrv) stack = vp_boot_document_get_stack (document);
  g_auto (GStrv) output = vp_boot_document_get_output (document);
  g_auto (GStrv) tail = vp_boot_document_get_tail (document);

  append_head (out, document, has_colour);
  if (verdict == VP_VERDICT_PASS || verdict == VP_VERDICT_SKIP)
    return g_string_free (out, FALSE);
  append_member (out, "why", vp_boot_document_dup_line (document, "reason"));
  append_member (out, "accel", vp_boot_document_dup_line (document, "accel_reason"));
  append_steps (out, document);
  append_lines (out, "stack", stack, FALSE);
  append_lines (out, "output", output, has_colour);
  append_lines (out, "console", tail, has_colour);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    append_member (out, rows[i].heading, vp_boot_document_dup_evidence (document, rows[i].member));
  return g_string_free (out, FALSE);
}

char *
vp_report_text_summary (const GPtrArray *documents, gboolean has_colour)
{
  GString *out = g_string_new (NULL);
  guint counts[VP_N_VERDICTS] = { 0 };
  guint n_flaky = 0;

  for (guint i = 0; i < documents->len; i++)
    {
      counts[vp_boot_document_get_verdict (documents->pdata[i])]++;
      n_flaky += vp_qmp_message_get_boolean (documents->pdata[i], "flaky", FALSE);
    }
  g_string_append_printf (out, "%u case%s", documents->len, documents->len == 1 ? "" : "s");
  for (guint i = 0; i < VP_N_VERDICTS; i++)
    {
      g_autofree char *text =
          g_strdup_printf ("%u %s", counts[i], vp_verdict_to_string ((VpVerdict) i));

      if (counts[i] == 0)
        continue;
      g_string_append (out, ", ");
      append_coloured (out, colour_of ((VpVerdict) i), text, has_colour);
    }
  if (n_flaky > 0)
    g_string_append_printf (out, ", %u flaky", n_flaky);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}
