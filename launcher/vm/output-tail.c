#include "launcher/vm/output-tail.h"

#include <string.h>

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

char *
vp_output_tail_last_line (VpOutputTail *self)
{
  gsize skip = self->text->len > self->capacity ? self->text->len - self->capacity : 0;
  g_autoptr (GString) kept =
      g_string_new_len (self->text->str + skip, (gssize) (self->text->len - skip));
  g_auto (GStrv) lines = NULL;

  /* A program may print NUL bytes; they end no line. */
  for (gsize i = 0; i < kept->len; i++)
    if (kept->str[i] == '\0')
      kept->str[i] = ' ';

  lines = g_strsplit (kept->str, "\n", -1);
  for (guint i = g_strv_length (lines); i > 0; i--)
    {
      g_autofree char *line = printable (lines[i - 1]);

      if (*line != '\0')
        return g_steal_pointer (&line);
    }
  return NULL;
}
