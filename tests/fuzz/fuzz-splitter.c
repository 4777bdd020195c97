#include "qmp/json-splitter.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The bytes with a mark, which no JSON has, behind each value and each gap. */
static GString *
cut (const guint8 *data, gsize size, gsize chunk)
{
  VpJsonSplitter splitter;
  GString *pieces = g_string_new (NULL);
  gboolean is_gap = FALSE;

  vp_json_splitter_init (&splitter);
  for (gsize at = 0; at < size; at += chunk)
    for (gsize done = 0, len = MIN (chunk, size - at); done < len;)
      {
        VpJsonPiece piece;
        gsize n = vp_json_splitter_scan (&splitter, data + at + done, len - done, &piece);

        g_assert_cmpuint (n, <=, len - done);
        g_assert_true (n > 0 || piece == VP_JSON_PIECE_END);
        if (is_gap && piece != VP_JSON_PIECE_GAP)
          g_string_append_c (pieces, '\xfe');
        is_gap = piece == VP_JSON_PIECE_GAP;
        g_string_append_len (pieces, (const char *) data + at + done, (gssize) n);
        if (piece == VP_JSON_PIECE_END)
          g_string_append_c (pieces, '\xff');
        done += n;
      }
  return pieces;
}

/* Whatever the chunks, the same bytes are cut in the same places. The first byte is the chunk size.
 */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GString) whole = NULL;
  g_autoptr (GString) split = NULL;

  if (size < 2)
    return 0;

  whole = cut (data + 1, size - 1, size - 1);
  split = cut (data + 1, size - 1, MAX (data[0], 1));
  g_assert_true (g_string_equal (whole, split));
  return 0;
}
