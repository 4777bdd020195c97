#include "launcher/boottest/boot-news.h"

struct _VpBootNews
{
  const VpBootInput *input;
  VpMilestones *milestones;
  guint n_steps;   /* that were told */
  guint64 n_lines; /* that were told, or left out */
  gint64 told_ms;  /* when lines were told */
};

VpBootNews *
vp_boot_news_new (const VpBootInput *input, VpMilestones *milestones)
{
  VpBootNews *self = g_new0 (VpBootNews, 1);

  self->input = input;
  self->milestones = milestones;
  return self;
}

void
vp_boot_news_free (VpBootNews *self)
{
  g_free (self);
}

static void
tell_steps (VpBootNews *self)
{
  const GPtrArray *reached = vp_milestones_get_reached (self->milestones);

  for (; self->n_steps < reached->len; self->n_steps++)
    {
      const VpReached *done = reached->pdata[self->n_steps];
      const VpStep *step = self->input->options->steps->pdata[done->step];
      g_autoptr (JsonObject) event = json_object_new ();

      json_object_set_string_member (event, "event", "milestone");
      json_object_set_int_member (event, "step", done->step);
      json_object_set_string_member (event, "do", vp_step_kind_to_string (step->kind));
      json_object_set_string_member (event, "text", step->text != NULL ? step->text : "");
      json_object_set_double_member (event, "seconds", (double) done->ms / 1000.0);
      self->input->tell (event, FALSE, self->input->user_data);
    }
}

static void
tell_lines (VpBootNews *self, gint64 ms)
{
  guint64 n_lines = vp_milestones_get_n_lines (self->milestones);
  guint n_told = (guint) MIN (n_lines - self->n_lines, VP_BOOT_NEWS_LINES);
  g_autoptr (JsonObject) event = NULL;
  g_auto (GStrv) lines = NULL;
  JsonArray *array;

  if (n_told == 0)
    return;
  lines = vp_milestones_get_whole_tail (self->milestones, n_told);
  array = json_array_new ();
  for (char **line = lines; *line != NULL; line++)
    json_array_add_string_element (array, *line);

  event = json_object_new ();
  json_object_set_string_member (event, "event", "console");
  json_object_set_array_member (event, "lines", array);
  json_object_set_int_member (event, "skipped", (gint64) (n_lines - self->n_lines - n_told));
  self->n_lines = n_lines;
  self->told_ms = ms;
  self->input->tell (event, TRUE, self->input->user_data);
}

void
vp_boot_news_tell (VpBootNews *self, gint64 ms)
{
  tell_steps (self);
  if (ms >= self->told_ms + VP_BOOT_NEWS_INTERVAL_MS)
    tell_lines (self, ms);
}

void
vp_boot_news_tell_rest (VpBootNews *self, gint64 ms)
{
  tell_steps (self);
  tell_lines (self, ms);
}

gint64
vp_boot_news_get_next (const VpBootNews *self)
{
  return self->n_lines != vp_milestones_get_n_lines (self->milestones)
             ? self->told_ms + VP_BOOT_NEWS_INTERVAL_MS
             : G_MAXINT64;
}
