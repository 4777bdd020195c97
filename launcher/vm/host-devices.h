#pragma once

#include "devices/inventory.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * VpHostGroupHeldFunc:
 * @group: an IOMMU group
 * @user_data: what was given along
 *
 * Returns: whether this VM's own QEMU holds @group open, so that finding it busy says nothing
 */
typedef gboolean (*VpHostGroupHeldFunc) (int group, gpointer user_data);

/**
 * vp_host_devices_find:
 * @sysfs: the host
 * @inventory: what it has
 * @spec: what was asked for
 * @is_held: (nullable): which groups are ours already
 * @user_data: for @is_held
 * @error: return location for a #GError
 *
 * Finds the host functions that a spec stands for, a group's endpoints in the order of their
 * addresses, and checks that each can be given to a VM now: the right driver or bind=on, a viable
 * group, and nobody else who holds it. Reads only.
 *
 * Returns: (transfer container) (element-type VpPciFunction) (nullable): the functions; for a
 * device that QEMU emulates one element that is %NULL; or %NULL with a %VP_DEVICE_ERROR, or with
 *   %VP_ERROR_USAGE when one id is asked for several functions
 */
GPtrArray *vp_host_devices_find (VpSysfs *sysfs,
                                 const VpInventory *inventory,
                                 const VpDeviceSpec *spec,
                                 VpHostGroupHeldFunc is_held,
                                 gpointer user_data,
                                 GError **error);

G_END_DECLS
