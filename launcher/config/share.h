#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpShare:
 * @dir: a folder of the host
 * @tag: under which the guest mounts it
 * @readonly: whether the guest can change nothing in it
 */
typedef struct
{
  char *dir;
  char *tag;
  gboolean readonly;
} VpShare;

/**
 * vp_share_parse:
 * @text: DIR,tag=NAME[,readonly]
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_share_free(); %NULL with %VP_ERROR_USAGE
 */
VpShare *vp_share_parse (const char *text, GError **error);
void vp_share_free (VpShare *share);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpShare, vp_share_free)

G_END_DECLS
