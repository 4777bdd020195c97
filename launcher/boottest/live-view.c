#include "launcher/boottest/live-view.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/report-text.h"
#include "launcher/visible-line.h"
#include "qmp/message.h"

#define DIM   "\033[2m"
#define PLAIN "\033[0m"

/* A line wider than the widest terminal is kept no longer than this. */
#define MAX_COLUMNS 512

typedef struct
{
  gboolean is_running;
  guint n_starts;
  gint64 started_ms;
  char *name;
  char *milestone; /* nullable */
  GQueue lines;    /* of char: the last of its console, each no wider than MAX_COLUMNS */
} Case;

struct _VpLiveView
{
  gboolean is_live;
  gboolean has_colour;
  GArray *cases;
  guint n_done;
  guint n_not_passed;
  guint speaker;  /* the case that spoke last */
  GString *stays; /* what nobody has taken yet */
};

static void
case_clear (gpointer data)
{
  Case *test = data;

  g_free (test->name);
  g_free (test->milestone);
  g_queue_clear_full (&test->lines, g_free);
}

VpLiveView *
vp_live_view_new (guint n_cases, gboolean is_live, gboolean has_colour)
{
  VpLiveView *self = g_new0 (VpLiveView, 1);

  self->is_live = is_live;
  self->has_colour = has_colour;
  self->cases = g_array_new (FALSE, TRUE, sizeof (Case));
  g_array_set_clear_func (self->cases, case_clear);
  g_array_set_size (self->cases, n_cases);
  self->stays = g_string_new (NULL);
  return self;
}

void
vp_live_view_free (VpLiveView *self)
{
  g_array_unref (self->cases);
  g_string_free (self->stays, TRUE);
  g_free (self);
}

static guint
columns_of (gunichar c)
{
  return g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
}

/* Appends of a printable line what fits in columns. */
static void
append_cut (GString *out, const char *line, guint columns)
{
  for (const char *p = line; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (columns_of (c) > columns)
        return;
      columns -= columns_of (c);
      g_string_append_unichar (out, c);
    }
}

static void
start (VpLiveView *self, Case *test, JsonObject *event, gint64 now_ms)
{
  g_autofree char *accel = vp_boot_document_dup_line (event, "accel");
  g_autofree char *name = vp_boot_document_dup_line (event, "name");

  g_clear_pointer (&test->milestone, g_free);
  g_queue_clear_full (&test->lines, g_free);
  g_free (test->name);
  test->name = name != NULL ? g_steal_pointer (&name) : g_strdup ("?");
  test->is_running = TRUE;
  test->started_ms = now_ms;
  test->n_starts++;
  if (!self->is_live)
    g_string_append_printf (self->stays, "%s: started%s%s\n", test->name,
                            accel != NULL ? " on " : "", accel != NULL ? accel : "");
}

static void
note_milestone (VpLiveView *self, Case *test, JsonObject *event)
{
  g_autofree char *action = vp_boot_document_dup_line (event, "do");
  g_autofree char *text = vp_boot_document_dup_line (event, "text");
  g_autofree char *seconds =
      vp_boot_document_format_seconds (vp_boot_document_get_seconds (event), 1);

  g_free (test->milestone);
  test->milestone = g_strdup_printf ("%s%s%s after %s s", action != NULL ? action : "?",
                                     text != NULL ? " " : "", text != NULL ? text : "", seconds);
  if (!self->is_live)
    g_string_append_printf (self->stays, "%s: %s\n", test->name, test->milestone);
}

/* The evidence of that attempt is in no report. */
static void
note_retry (VpLiveView *self, JsonObject *event)
{
  g_autofree char *name = vp_boot_document_dup_line (event, "name");
  g_autofree char *reason = vp_boot_document_dup_line (event, "reason");

  g_string_append_printf (self->stays, "%s: tried again: %s\n", name != NULL ? name : "?",
                          reason != NULL ? reason : "");
}

static void
keep_line (Case *test, const char *text)
{
  g_autofree char *blank = g_strdelimit (g_strdup (text), "\t", ' ');
  g_autofree char *line = vp_visible_line (blank);
  g_autoptr (GString) cut = g_string_new (NULL);

  append_cut (cut, line, MAX_COLUMNS);
  g_queue_push_tail (&test->lines, g_string_free (g_steal_pointer (&cut), FALSE));
  if (test->lines.length > VP_LIVE_VIEW_LINES)
    g_free (g_queue_pop_head (&test->lines));
}

static void
note_console (VpLiveView *self, guint index, Case *test, JsonObject *event)
{
  JsonArray *lines = vp_qmp_message_get_array (event, "lines");

  for (guint i = 0; lines != NULL && i < json_array_get_length (lines); i++)
    {
      JsonNode *node = json_array_get_element (lines, i);

      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
        continue;
      keep_line (test, json_node_get_string (node));
      self->speaker = index;
    }
}

void
vp_live_view_add_event (VpLiveView *self, guint index, JsonObject *event, gint64 now_ms)
{
  const char *kind = vp_boot_document_get_text (event, "event");
  Case *test;

  g_return_if_fail (index < self->cases->len);

  test = &g_array_index (self->cases, Case, index);
  if (g_str_equal (kind, "start"))
    start (self, test, event, now_ms);
  else if (g_str_equal (kind, "retry"))
    note_retry (self, event);
  else if (test->is_running && g_str_equal (kind, "milestone"))
    note_milestone (self, test, event);
  else if (test->is_running && g_str_equal (kind, "console"))
    note_console (self, index, test, event);
}

void
vp_live_view_finish (VpLiveView *self, guint index, JsonObject *document)
{
  g_autofree char *text = vp_report_text_case (document, self->has_colour);
  VpVerdict verdict = vp_boot_document_get_verdict (document);

  g_return_if_fail (index < self->cases->len);

  g_array_index (self->cases, Case, index).is_running = FALSE;
  self->n_done++;
  self->n_not_passed += verdict != VP_VERDICT_PASS && verdict != VP_VERDICT_SKIP;
  g_string_append (self->stays, text);
}

char *
vp_live_view_take_lines (VpLiveView *self)
{
  GString *taken = self->stays;

  self->stays = g_string_new (NULL);
  return g_string_free (taken, FALSE);
}

static void
append_line (GString *out, const char *line, guint columns)
{
  append_cut (out, line, columns);
  g_string_append_c (out, '\n');
}

static void
append_dim_line (GString *out, const VpLiveView *self, const char *line, guint columns)
{
  g_string_append (out, self->has_colour ? DIM : "");
  append_cut (out, line, columns);
  g_string_append (out, self->has_colour ? PLAIN "\n" : "\n");
}

static void
append_case (GString *out, const Case *test, guint columns, gint64 now_ms)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autofree char *seconds =
      vp_boot_document_format_seconds ((double) MAX (now_ms - test->started_ms, 0) / 1000, 1);

  g_string_printf (line, "%7s s  %s", seconds, test->name);
  if (test->n_starts > 1)
    g_string_append_printf (line, "  attempt %u", test->n_starts);
  if (test->milestone != NULL)
    g_string_append_printf (line, "  %s", test->milestone);
  append_line (out, line->str, columns);
}

static void
append_console (GString *out, const VpLiveView *self, guint columns, guint rows)
{
  const Case *test = &g_array_index (self->cases, Case, self->speaker);
  g_autofree char *heading = g_strconcat ("-- ", test->name, NULL);
  guint n_left_out;

  if (!test->is_running || test->lines.length == 0 || rows < 2)
    return;
  append_dim_line (out, self, heading, columns);
  n_left_out = test->lines.length - MIN (test->lines.length, rows - 1);
  for (const GList *l = g_queue_peek_nth_link ((GQueue *) &test->lines, n_left_out); l != NULL;
       l = l->next)
    append_dim_line (out, self, l->data, columns);
}

static guint
count_running (const VpLiveView *self)
{
  guint n = 0;

  for (guint i = 0; i < self->cases->len; i++)
    n += g_array_index (self->cases, Case, i).is_running != FALSE;
  return n;
}

char *
vp_live_view_draw (const VpLiveView *self, guint columns, guint rows, gint64 now_ms)
{
  GString *out = g_string_new (NULL);
  guint n_running = count_running (self);
  g_autofree char *head = NULL;
  g_autofree char *more = NULL;
  guint n_shown;
  guint n_left;

  if (!self->is_live || n_running == 0)
    return g_string_free (out, FALSE);

  /* Neither the last column is used nor the last row: a cursor that goes beyond moves the rest. */
  columns = MAX (columns, 2) - 1;
  rows = MAX (rows, 4) - 1;
  n_shown = n_running <= rows - 1 ? n_running : rows - 2;
  n_left = n_shown;
  head = g_strdup_printf ("%u of %u done, %u not passed", self->n_done, self->cases->len,
                          self->n_not_passed);
  append_line (out, head, columns);
  for (guint i = 0; n_left > 0; i++)
    {
      const Case *test = &g_array_index (self->cases, Case, i);

      if (!test->is_running)
        continue;
      append_case (out, test, columns, now_ms);
      n_left--;
    }
  more = g_strdup_printf ("%9s  and %u more", "", n_running - n_shown);
  if (n_shown < n_running)
    append_line (out, more, columns);
  else
    append_console (out, self, columns, rows - 1 - n_shown);
  return g_string_free (out, FALSE);
}
