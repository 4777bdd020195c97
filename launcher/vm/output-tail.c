#include "launcher/vm/output-tail.h"

#include <string.h>

#define MAX_HINTS 3

struct _VpOutputTail
{
  GString *text;
  gsize capacity;
};

VpOutputTail *
vp_output_tail_new (gsize capacity)
{
  VpOutputTail *self = g_new0 (VpOutputTail, 1);

  self->text = g_string_new (NULL);
  self->capacity = capacity;
  return self;
}

void
vp_output_tail_free (VpOutputTail *self)
{
  if (self == NULL)
    return;

  g_string_free (self->text, TRUE);
  g_free (self);
}

void
vp_output_tail_push (VpOutputTail *self, const char *data, gsize size)
{
  if (size > self->capacity)
    {
      data += size - self->capacity;
      size = self->capacity;
    }
  g_string_append_len (self->text, data, (gssize) size);

  /* Cut only when twice as long as needed: a byte is then moved at most once on the average. */
  if (self->text->len > 2 * self->capacity)
    g_string_erase (self->text, 0, (gssize) (self->text->len - self->capacity));
}

static char *
printable (const char *line)
{
  char *text = g_utf8_make_valid (line, -1);

  for (char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
  return g_strstrip (text);
}

/* Returns: (element-type utf8): the last @n lines at most that say something, the last one first */
static GPtrArray *
last_lines (VpOutputTail *self, guint n)
{
  gsize skip = self->text->len > self->capacity ? self->text->len - self->capacity : 0;
  g_autoptr (GString) kept =
      g_string_new_len (self->text->str + skip, (gssize) (self->text->len - skip));
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) lines = NULL;

  /* A program may print NUL bytes; they end no line. */
  for (gsize i = 0; i < kept->len; i++)
    if (kept->str[i] == '\0')
      kept->str[i] = ' ';

  lines = g_strsplit (kept->str, "\n", -1);
  for (guint i = g_strv_length (lines); i > 0 && found->len < n; i--)
    {
      g_autofree char *line = printable (lines[i - 1]);

      if (*line != '\0')
        g_ptr_array_add (found, g_steal_pointer (&line));
    }
  return found;
}

char *
vp_output_tail_last_line (VpOutputTail *self)
{
  g_autoptr (GPtrArray) lines = last_lines (self, 1);

  return lines->len > 0 ? g_strdup (lines->pdata[0]) : NULL;
}

char *
vp_output_tail_last_report (VpOutputTail *self, const char *prefix)
{
  g_autoptr (GPtrArray) lines = last_lines (self, 1 + MAX_HINTS);
  g_autoptr (GString) report = NULL;
  guint first = 0;

  while (first < lines->len && !g_str_has_prefix (lines->pdata[first], prefix))
    first++;
  if (first == lines->len)
    return lines->len > 0 ? g_strdup (lines->pdata[0]) : NULL;

  report = g_string_new (lines->pdata[first]);
  while (first-- > 0)
    g_string_append_printf (report, "; %s", (char *) lines->pdata[first]);
  return g_string_free (g_steal_pointer (&report), FALSE);
}
