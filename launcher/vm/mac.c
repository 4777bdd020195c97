#include "launcher/vm/mac.h"

char *
vp_mac_make (const char *vm, const char *id)
{
  g_autofree char *seed = g_strconcat (vm, "/", id, NULL);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);

  return g_strdup_printf ("52:54:00:%.2s:%.2s:%.2s", hash, hash + 2, hash + 4);
}
