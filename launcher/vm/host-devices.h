#pragma once

#include "devices/inventory.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * VpHostNode:
 * @VP_HOST_NODE_NONE: none: this VM's own QEMU holds it already
 * @VP_HOST_NODE_GROUP: that of its group
 * @VP_HOST_NODE_CDEV: its own, with /dev/iommu
 *
 * By which node a device is given to QEMU.
 */
typedef enum
{
  VP_HOST_NODE_NONE,
  VP_HOST_NODE_GROUP,
  VP_HOST_NODE_CDEV,
} VpHostNode;

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
 * vp_host_devices_node:
 * @spec: a host device, of which is decided whether it is by iommufd
 *
 * Returns: by which node it is given to QEMU
 */
VpHostNode vp_host_devices_node (const VpDeviceSpec *spec);

/**
 * vp_host_devices_resolve:
 * @inventory: what the host has
 * @spec: what was asked for
 * @error: return location for a #GError
 *
 * Returns: (transfer container) (element-type VpPciFunction) (nullable): the host functions that
 *   @spec stands for, a group's endpoints in the order of their addresses; one element that is
 * %NULL for a device that QEMU emulates; or %NULL with a %VP_DEVICE_ERROR, or with %VP_ERROR_USAGE
 * when one id is asked for several functions
 */
GPtrArray *
vp_host_devices_resolve (const VpInventory *inventory, const VpDeviceSpec *spec, GError **error);

/**
 * vp_host_devices_check:
 * @sysfs: the host
 * @inventory: what it has
 * @function: one of its functions
 * @taken: (nullable) (element-type VpPciFunction): functions that will be bound to vfio-pci first
 * @node: the node to look at, whether this user may open it and nobody else holds it
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
                                VpHostNode node,
                                GError **error);

G_END_DECLS
