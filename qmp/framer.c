#include "qmp/framer.h"

#include "qmp/error.h"

#include <string.h>

/* An empty buffer larger than this is given back: one giant reply must not stay for ever. */
#define KEEP_BYTES (256u * 1024u)

struct _VpFramer
{
  GString *bytes;
  gsize consumed; /* bytes before this offset were popped */
  gsize lines;    /* complete lines after it */
  gsize partial;  /* length of the line still being received */
  gsize max_line;
  gboolean broken;
};

VpFramer *
vp_framer_new (gsize max_line)
{
  VpFramer *self = g_new0 (VpFramer, 1);

  self->bytes = g_string_new (NULL);
  self->max_line = max_line;
  return self;
}

void
vp_framer_free (VpFramer *self)
{
  if (self == NULL)
    return;

  g_string_free (self->bytes, TRUE);
  g_free (self);
}

/* Moving the rest down only when it is the smaller half keeps every byte's cost constant. */
static void
compact (VpFramer *self)
{
  gsize left = self->bytes->len - self->consumed;

  if (left == 0 && self->bytes->allocated_len > KEEP_BYTES)
    {
      g_string_free (self->bytes, TRUE);
      self->bytes = g_string_new (NULL);
    }
  else if (left <= self->consumed)
    g_string_erase (self->bytes, 0, (gssize) self->consumed);
  else
    return;

  self->consumed = 0;
}

gboolean
vp_framer_push (VpFramer *self, const guint8 *data, gsize len, GError **error)
{
  const guint8 *end = data + len;
  const guint8 *line = data; /* the line that begins, or goes on, in data */

  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  while (!self->broken && line < end)
    {
      const guint8 *newline = memchr (line, '\n', (gsize) (end - line));
      gsize run = (gsize) ((newline != NULL ? newline : end) - line);

      self->partial += run;
      if (self->partial > self->max_line)
        {
          g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL,
                       "line longer than %" G_GSIZE_FORMAT " bytes", self->max_line);
          self->broken = TRUE;
        }
      else if (run > 0 && memchr (line, '\0', run) != NULL)
        {
          g_set_error_literal (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "NUL byte in a line");
          self->broken = TRUE;
        }
      else if (newline == NULL)
        line = end;
      else
        {
          self->lines++;
          self->partial = 0;
          line = newline + 1;
        }
    }

  if (line > data)
    {
      compact (self);
      g_string_append_len (self->bytes, (const char *) data, line - data);
    }
  if (self->broken && error != NULL && *error == NULL)
    g_set_error_literal (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "not a stream of lines");
  return !self->broken;
}

char *
vp_framer_pop (VpFramer *self)
{
  const char *start = self->bytes->str + self->consumed;
  const char *newline;
  gsize len;

  if (self->lines == 0)
    return NULL;

  newline = memchr (start, '\n', self->bytes->len - self->consumed);
  len = (gsize) (newline - start);
  self->consumed += len + 1;
  self->lines--;
  return g_strndup (start, len > 0 && start[len - 1] == '\r' ? len - 1 : len);
}
