#include "launcher/boottest/milestones.h"

#include "launcher/boottest/console-pattern.h"
#include "launcher/boottest/console-text.h"
#include "launcher/boottest/held-lines.h"
#include "launcher/boottest/line-ring.h"

#include <math.h>
#include <string.h>

#define TAIL_LINES  200
#define SLICE_BYTES 16384
#define HELD_BYTES  (256 * 1024)

/* A longer line loses this half of it, wherever the pieces end in which it comes. */
#define LINE_BYTES 8192
#define HALF_BYTES (LINE_BYTES / 2)

/* What a text is of a line. */
typedef enum
{
  PART_GROWING, /* what there is of it so far */
  PART_CUT,     /* LINE_BYTES of it, and the first half is looked at for the last time */
  PART_WHOLE,   /* all of it, or it counts as if it were */
} Part;

struct _VpMilestones
{
  const GPtrArray *steps;
  const VpFailPatterns *fail_patterns;
  double scale;
  gboolean watches_on;

  VpMilestonesState state;
  guint step;
  gint64 step_since;

  VpConsoleText *console;
  GString *text; /* the line that has no end yet, and behind it what has just come */
  gboolean quiet;
  VpHeldLines *held; /* what came before the text and while the caller acted */

  /* Where the next match may begin. */
  gsize expect_from; /* in the first of the held lines; when there is none, in the text */
  gsize fail_from;   /* in the text */

  GPtrArray *reached; /* element-type VpReached */
  guint open_from;    /* of them, the first whose line has no end yet */
  VpFailMatch *failure;
  VpLineRing *ring;
  gint64 last_output;
};

static void
reached_free (VpReached *reached)
{
  g_free (reached->line);
  g_free (reached);
}

static void
fail_match_free (VpFailMatch *match)
{
  g_free (match->line);
  g_free (match);
}

static VpMilestonesState
state_of_step (const VpMilestones *self)
{
  if (self->step == self->steps->len)
    return VP_MILESTONES_PASSED;
  return ((const VpStep *) g_ptr_array_index (self->steps, self->step))->kind == VP_STEP_EXPECT
             ? VP_MILESTONES_WAITING
             : VP_MILESTONES_ACTING;
}

VpMilestones *
vp_milestones_new (const GPtrArray *steps, const VpFailPatterns *fail_patterns, double scale)
{
  VpMilestones *self = g_new0 (VpMilestones, 1);

  self->steps = steps;
  self->fail_patterns = fail_patterns;
  self->scale = scale;
  self->state = state_of_step (self);
  self->console = vp_console_text_new ();
  self->text = g_string_new (NULL);
  self->held = vp_held_lines_new ();
  self->reached = g_ptr_array_new_with_free_func ((GDestroyNotify) reached_free);
  self->ring = vp_line_ring_new (TAIL_LINES);
  return self;
}

void
vp_milestones_free (VpMilestones *self)
{
  if (self == NULL)
    return;

  vp_console_text_free (self->console);
  g_string_free (self->text, TRUE);
  vp_held_lines_free (self->held);
  g_ptr_array_unref (self->reached);
  g_clear_pointer (&self->failure, fail_match_free);
  vp_line_ring_free (self->ring);
  g_free (self);
}

void
vp_milestones_watch_on (VpMilestones *self)
{
  self->watches_on = TRUE;
}

/* Notes that the current step is done, and goes on to the next. */
static void
advance (VpMilestones *self, char *line, gint64 ms)
{
  VpReached *reached = g_new0 (VpReached, 1);

  reached->step = self->step++;
  reached->ms = ms;
  reached->line = line;
  g_ptr_array_add (self->reached, reached);
  self->step_since = ms;
  self->state = state_of_step (self);
}

/* Gives those who were reached in a line all that there is of it now. */
static void
complete_reached (VpMilestones *self, const char *line, gsize size)
{
  for (guint i = self->open_from; i < self->reached->len; i++)
    {
      VpReached *reached = g_ptr_array_index (self->reached, i);

      if (reached->line != NULL)
        {
          g_free (reached->line);
          reached->line = g_utf8_make_valid (line, (gssize) size);
        }
    }
}

static void
close_reached (VpMilestones *self, const char *line, gsize size)
{
  complete_reached (self, line, size);
  self->open_from = self->reached->len;
}

/* Returns: the place @from of a line when it has lost its first half; 0 is never its beginning
 * again */
static gsize
after_cut (gsize from)
{
  return from > HALF_BYTES ? from - HALF_BYTES : 1;
}

static gboolean
find_expected (VpMilestones *self, const char *text, gsize size, Part part, gsize *end)
{
  const VpStep *step = g_ptr_array_index (self->steps, self->step);
  gsize start;

  if (part != PART_WHOLE)
    switch (vp_console_pattern_find (step->regex, text, size, self->expect_from, VP_SPAN_GROWING,
                                     &start, end))
      {
      case VP_MATCH_FOUND:
        return TRUE;
      case VP_MATCH_NONE:
        self->expect_from = size; /* so that a line that comes byte by byte is looked at once */
        return FALSE;
      case VP_MATCH_OPEN:
        break;
      }

  /* What begins in the half that stays is found in what then follows it. */
  return part != PART_GROWING &&
         vp_console_pattern_find (step->regex, text, size, self->expect_from, VP_SPAN_WHOLE, &start,
                                  end) == VP_MATCH_FOUND &&
         (part == PART_WHOLE || start <= HALF_BYTES);
}

/* Goes through as many steps as a text has milestones. @is_held: it is not the last line */
static void
look (VpMilestones *self, const char *text, gsize size, Part part, gboolean is_held, gint64 ms)
{
  gsize end;

  while (self->state == VP_MILESTONES_WAITING && find_expected (self, text, size, part, &end))
    {
      self->expect_from = end;
      if (!is_held)
        self->fail_from = end;
      advance (self, g_utf8_make_valid (text, (gssize) size), ms);
    }
}

static void
look_for_failure (
    VpMilestones *self, const char *text, gsize size, Part part, gboolean suspect, gint64 ms)
{
  const VpFailPattern *pattern;

  if (self->state == VP_MILESTONES_PASSED && !self->watches_on)
    return;

  pattern = vp_fail_patterns_find (self->fail_patterns, text, size, self->fail_from,
                                   part == PART_CUT ? HALF_BYTES + 1 : G_MAXSIZE, suspect);
  if (pattern == NULL)
    return;

  /* An oops may end in a panic, and then the panic says more. */
  if (self->failure != NULL &&
      (pattern->verdict != VP_VERDICT_PANIC || self->failure->pattern->verdict == VP_VERDICT_PANIC))
    return;

  g_clear_pointer (&self->failure, fail_match_free);
  self->failure = g_new0 (VpFailMatch, 1);
  self->failure->pattern = pattern;
  self->failure->line = g_utf8_make_valid (text, (gssize) size);
  self->failure->ms = ms;
  self->state = VP_MILESTONES_FAILED;
}

/* Goes on to what follows the first held line, or the line at the beginning of the text. */
static void
leave (VpMilestones *self, Part part)
{
  self->expect_from = part == PART_CUT ? after_cut (self->expect_from) : 0;
}

static void
drop_held (VpMilestones *self)
{
  leave (self, vp_held_lines_peek (self->held)->is_whole ? PART_WHOLE : PART_CUT);
  vp_held_lines_drop (self->held);
}

/* A line, or the first half of it, is about to be forgotten. */
static void
take_line (VpMilestones *self, const char *line, gsize size, Part part, gboolean suspect, gint64 ms)
{
  look (self, line, size, part, FALSE, ms);
  look_for_failure (self, line, size, part, suspect, ms);
  close_reached (self, line, size);

  if (self->state == VP_MILESTONES_ACTING)
    {
      vp_held_lines_push (self->held, line, size, part == PART_WHOLE);
      while (vp_held_lines_get_cost (self->held) > HELD_BYTES)
        drop_held (self);
    }
  else
    leave (self, part);
  self->fail_from = part == PART_CUT ? after_cut (self->fail_from) : 0;

  if (part == PART_WHOLE)
    vp_line_ring_push (self->ring, line, size);
}

static void
take_slice (VpMilestones *self, const guint8 *data, gsize size, gint64 ms)
{
  gsize old = self->text->len;
  gsize at = 0;
  gboolean suspect;

  vp_console_text_push (self->console, data, size, self->text);
  if (self->text->len == old)
    return;

  suspect = (self->text->len >= LINE_BYTES ||
             memchr (self->text->str + old, '\n', self->text->len - old) != NULL) &&
            vp_fail_patterns_suspect (self->fail_patterns, self->text->str, self->text->len);

  for (;;)
    {
      const char *line = self->text->str + at;
      gsize rest = self->text->len - at;
      const char *newline = memchr (line, '\n', MIN (rest, LINE_BYTES));

      if (newline != NULL)
        {
          take_line (self, line, (gsize) (newline - line), PART_WHOLE, suspect, ms);
          at += (gsize) (newline - line) + 1;
        }
      else if (rest >= LINE_BYTES)
        {
          take_line (self, line, LINE_BYTES, PART_CUT, suspect, ms);
          at += HALF_BYTES;
        }
      else
        break;
    }
  g_string_erase (self->text, 0, (gssize) at);
  if (self->text->len > 0)
    look (self, self->text->str, self->text->len, PART_GROWING, FALSE, ms);
}

void
vp_milestones_feed (VpMilestones *self, const guint8 *data, gsize size, gint64 ms)
{
  if (size == 0)
    return;

  self->last_output = ms;
  self->quiet = FALSE;
  for (gsize at = 0; at < size; at += SLICE_BYTES)
    take_slice (self, data + at, MIN (size - at, SLICE_BYTES), ms);
}

void
vp_milestones_settle (VpMilestones *self, gint64 ms)
{
  if (self->quiet)
    return;

  self->quiet = TRUE;
  look (self, self->text->str, self->text->len, PART_WHOLE, FALSE, ms);
  look_for_failure (self, self->text->str, self->text->len, PART_WHOLE, TRUE, ms);
}

void
vp_milestones_step_done (VpMilestones *self, gint64 ms)
{
  const VpHeldLine *line;

  if (self->state != VP_MILESTONES_ACTING)
    return;

  advance (self, NULL, ms);
  while (self->state == VP_MILESTONES_WAITING && (line = vp_held_lines_peek (self->held)) != NULL)
    {
      look (self, line->text, line->size, line->is_whole ? PART_WHOLE : PART_CUT, TRUE, ms);
      self->open_from = self->reached->len;
      if (self->state == VP_MILESTONES_WAITING)
        drop_held (self);
    }
  look (self, self->text->str, self->text->len, self->quiet ? PART_WHOLE : PART_GROWING, FALSE, ms);
}

VpMilestonesState
vp_milestones_get_state (const VpMilestones *self)
{
  return self->state;
}

guint
vp_milestones_get_step (const VpMilestones *self)
{
  return self->step;
}

gint64
vp_milestones_get_deadline (const VpMilestones *self)
{
  const VpStep *step;

  if (self->state != VP_MILESTONES_WAITING && self->state != VP_MILESTONES_ACTING)
    return -1;

  step = g_ptr_array_index (self->steps, self->step);
  return step->within_ms == 0 ? -1
                              : self->step_since + (gint64) ceil (step->within_ms * self->scale);
}

const GPtrArray *
vp_milestones_get_reached (VpMilestones *self)
{
  complete_reached (self, self->text->str, self->text->len);
  return self->reached;
}

const VpFailMatch *
vp_milestones_get_failure (const VpMilestones *self)
{
  return self->failure;
}

guint64
vp_milestones_get_n_lines (const VpMilestones *self)
{
  return vp_line_ring_get_n_pushed (self->ring);
}

char **
vp_milestones_get_tail (const VpMilestones *self, guint n)
{
  GPtrArray *lines = g_ptr_array_new ();
  gboolean is_open = n > 0 && self->text->len > 0;

  vp_line_ring_append_last (self->ring, is_open ? n - 1 : n, lines);
  if (is_open)
    g_ptr_array_add (lines, g_utf8_make_valid (self->text->str, (gssize) self->text->len));
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (lines, FALSE);
}

char **
vp_milestones_get_whole_tail (const VpMilestones *self, guint n)
{
  GPtrArray *lines = g_ptr_array_new ();

  vp_line_ring_append_last (self->ring, n, lines);
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (lines, FALSE);
}

gint64
vp_milestones_get_last_output (const VpMilestones *self)
{
  return self->last_output;
}
