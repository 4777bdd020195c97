#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpNic:
 * @ifname: (nullable): a tap interface that exists; %NULL for user-mode networking
 */
typedef struct
{
  char *ifname;
} VpNic;

/**
 * vp_nic_parse:
 * @text: "user" or "tap,ifname=NAME"
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_nic_free(); %NULL with %VP_ERROR_USAGE
 */
VpNic *vp_nic_parse (const char *text, GError **error);
void vp_nic_free (VpNic *nic);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpNic, vp_nic_free)

G_END_DECLS
