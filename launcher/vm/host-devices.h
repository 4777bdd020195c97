#pragma once

#include "launcher/vm/host-node.h"

G_BEGIN_DECLS

/**
 * vp_host_devices_folder:
 * @spec: a host device
 * @function: (nullable): the function that @spec, or its group, stands for; %NULL of a mediated
 *   device
 *
 * Returns: (transfer full): its folder in sysfs, without a leading slash
 */
char *vp_host_devices_folder (const VpDeviceSpec *spec, const VpPciFunction *function);

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
 * @spec: how it is asked for
 * @taken: (nullable) (element-type VpPciFunction): functions that will be bound to vfio-pci first
 * @error: return location for a #GError
 *
 * Checks that a function can be given to a VM: the right driver, a viable group, and, when it is
 * about to be taken from its driver, that the host does not live on it, unless that is forced.
 * Reads only.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR
 */
gboolean vp_host_devices_check (VpSysfs *sysfs,
                                const VpInventory *inventory,
                                const VpPciFunction *function,
                                const VpDeviceSpec *spec,
                                const GPtrArray *taken,
                                GError **error);

/**
 * vp_host_devices_check_free:
 * @sysfs: the host
 * @function: one of its functions
 * @node: by which node it is to be given to QEMU
 * @vm: (nullable): the VM that has locked what it wants already
 * @patience_ms: the longest wait for a process that has its group open
 * @error: return location for a #GError
 *
 * Checks that nobody else has the group of a function now. Reads only. A VM that runs asks through
 * vp_host_claims_take_async() instead, which does not make it wait, and knows what it has itself.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_BUSY naming the VM or the process that has it, or another
 *   %VP_DEVICE_ERROR when the node of the group cannot be opened
 */
gboolean vp_host_devices_check_free (VpSysfs *sysfs,
                                     const VpPciFunction *function,
                                     VpHostNode node,
                                     const char *vm,
                                     guint patience_ms,
                                     GError **error);

G_END_DECLS
