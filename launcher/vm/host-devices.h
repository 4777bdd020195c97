#pragma once

#include "devices/inventory.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * vp_host_devices_resolve:
 * @inventory: what the host has
 * @spec: what was asked for
 * @error: return location for a #GError
 *
 * Returns: (transfer container) (element-type VpPciFunction) (nullable): the host functions that
 *   @spec stands for, a group's endpoints in the order of their addresses; one element that is
 * %NULL for a device that QEMU or another process emulates; or %NULL with a %VP_DEVICE_ERROR, or
 * with %VP_ERROR_USAGE when one id is asked for several functions
 */
GPtrArray *
vp_host_devices_resolve (const VpInventory *inventory, const VpDeviceSpec *spec, GError **error);

/**
 * vp_host_devices_check:
 * @sysfs: the host
 * @inventory: what it has
 * @function: one of its functions
 * @taken: (nullable) (element-type VpPciFunction): functions that will be bound to vfio-pci first
 * @look_at_node: whether to see if somebody else holds the group; not so when this VM's own QEMU
 *   holds it already
 * @error: return location for a #GError
 *
 * Checks that a function can be given to a VM now: the right driver, a viable group, and nobody
 * else who holds it. Reads only.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR
 */
gboolean vp_host_devices_check (VpSysfs *sysfs,
                                const VpInventory *inventory,
                                const VpPciFunction *function,
                                const GPtrArray *taken,
                                gboolean look_at_node,
                                GError **error);

G_END_DECLS
