#include "launcher/boottest/line-ring.h"

struct _VpLineRing
{
  GString **lines; /* written again and again, so that a line costs no allocation */
  guint capacity;
  guint64 n_pushed;
};

VpLineRing *
vp_line_ring_new (guint capacity)
{
  VpLineRing *self = g_new0 (VpLineRing, 1);

  self->lines = g_new0 (GString *, capacity);
  self->capacity = capacity;
  for (guint i = 0; i < capacity; i++)
    self->lines[i] = g_string_new (NULL);
  return self;
}

void
vp_line_ring_free (VpLineRing *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->capacity; i++)
    g_string_free (self->lines[i], TRUE);
  g_free (self->lines);
  g_free (self);
}

void
vp_line_ring_push (VpLineRing *self, const char *line, gsize size)
{
  GString *slot = self->lines[self->n_pushed++ % self->capacity];

  g_string_truncate (slot, 0);
  g_string_append_len (slot, line, (gssize) size);
}

guint64
vp_line_ring_get_n_pushed (const VpLineRing *self)
{
  return self->n_pushed;
}

void
vp_line_ring_append_last (const VpLineRing *self, guint n, GPtrArray *lines)
{
  guint64 left = MIN (MIN (n, self->capacity), self->n_pushed);

  for (; left > 0; left--)
    {
      const GString *line = self->lines[(self->n_pushed - left) % self->capacity];

      g_ptr_array_add (lines, g_utf8_make_valid (line->str, (gssize) line->len));
    }
}
