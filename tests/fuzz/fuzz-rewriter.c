#include "launcher/wrapper/id-map.h"

#include "qmp/json-rewriter.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static GString *
rewrite (VpIdMap *ids, const guint8 *data, gsize size, gsize chunk)
{
  g_autoptr (VpJsonRewriter) rewriter = vp_json_rewriter_new (vp_id_map_replace_in_reply, ids);
  GString *out = g_string_new (NULL);

  for (gsize at = 0; at < size; at += chunk)
    vp_json_rewriter_feed (rewriter, (const char *) data + at, MIN (chunk, size - at), out);
  vp_json_rewriter_end (rewriter, out);
  return out;
}

/* Whatever the chunks, the same bytes become the same, and without an id in them they stay as they
 * are. The first byte is the chunk size. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (VpIdMap) ids = vp_id_map_new ();
  g_autoptr (GString) whole = NULL;
  g_autoptr (GString) split = NULL;

  if (size < 2)
    return 0;

  vp_id_map_add (ids, "vfio-1", "gpu0");
  whole = rewrite (ids, data + 1, size - 1, size - 1);
  split = rewrite (ids, data + 1, size - 1, MAX (data[0], 1));
  g_assert_true (g_string_equal (whole, split));
  if (memmem (data, size, "gpu0", 4) == NULL)
    g_assert_true (whole->len == size - 1 && memcmp (whole->str, data + 1, size - 1) == 0);
  return 0;
}
