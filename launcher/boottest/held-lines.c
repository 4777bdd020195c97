#include "launcher/boottest/held-lines.h"

/* What an empty line takes: itself, its text and its place in the queue, as malloc() rounds them.
 */
#define LINE_COST 96

struct _VpHeldLines
{
  GQueue lines; /* element-type VpHeldLine */
  gsize cost;
};

static void
line_free (VpHeldLine *line)
{
  g_free (line->text);
  g_free (line);
}

VpHeldLines *
vp_held_lines_new (void)
{
  return g_new0 (VpHeldLines, 1);
}

void
vp_held_lines_free (VpHeldLines *self)
{
  if (self == NULL)
    return;

  g_queue_clear_full (&self->lines, (GDestroyNotify) line_free);
  g_free (self);
}

void
vp_held_lines_push (VpHeldLines *self, const char *text, gsize size, gboolean is_whole)
{
  VpHeldLine *line = g_new0 (VpHeldLine, 1);

  line->text = g_strndup (text, size);
  line->size = size;
  line->is_whole = is_whole;
  g_queue_push_tail (&self->lines, line);
  self->cost += LINE_COST + size;
}

const VpHeldLine *
vp_held_lines_peek (VpHeldLines *self)
{
  return g_queue_peek_head (&self->lines);
}

void
vp_held_lines_drop (VpHeldLines *self)
{
  VpHeldLine *line = g_queue_pop_head (&self->lines);

  if (line == NULL)
    return;

  self->cost -= LINE_COST + line->size;
  line_free (line);
}

gsize
vp_held_lines_get_cost (const VpHeldLines *self)
{
  return self->cost;
}
