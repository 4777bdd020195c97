#pragma once

#include "devices/inventory.h"

G_BEGIN_DECLS

/**
 * VpHostFunctions:
 * @sysfs: the host
 * @inventory: what the host has
 * @functions: (element-type VpPciFunction): what was named, each function once; borrowed from the
 *   inventory
 *
 * The host devices that a command line names.
 */
typedef struct
{
  VpSysfs *sysfs;
  VpInventory *inventory;
  GPtrArray *functions;
} VpHostFunctions;

/**
 * vp_host_functions_new:
 * @root: where host paths start
 * @refs: (array zero-terminated=1): device references; a group stands for all its endpoints
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_host_functions_free(); %NULL with a
 *   %VP_DEVICE_ERROR
 */
VpHostFunctions *vp_host_functions_new (const char *root, char **refs, GError **error);
void vp_host_functions_free (VpHostFunctions *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpHostFunctions, vp_host_functions_free)

G_END_DECLS
