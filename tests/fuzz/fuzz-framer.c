#include "qmp/framer.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The lines joined by newlines, which none of them holds; then whether the stream was sound. */
static char *
cut (const guint8 *data, gsize size, gsize chunk)
{
  g_autoptr (VpFramer) framer = vp_framer_new (64);
  GString *lines = g_string_new (NULL);
  gboolean ok = TRUE;

  for (gsize at = 0; at < size && ok; at += chunk)
    {
      ok = vp_framer_push (framer, data + at, MIN (chunk, size - at), NULL);
      for (;;)
        {
          g_autofree char *line = vp_framer_pop (framer);

          if (line == NULL)
            break;
          g_string_append_printf (lines, "%s\n", line);
        }
    }
  g_string_append (lines, ok ? "sound" : "broken");
  return g_string_free (lines, FALSE);
}

/* Whatever the chunks, the same bytes are the same lines. The first byte is the chunk size. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *whole = NULL;
  g_autofree char *split = NULL;

  if (size < 2)
    return 0;

  whole = cut (data + 1, size - 1, size - 1);
  split = cut (data + 1, size - 1, MAX (data[0], 1));
  g_assert_cmpstr (whole, ==, split);
  return 0;
}
