#pragma once

#include "devices/inventory.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/** How long a start waits for who has a node open: a QEMU that was killed a moment ago may still
 * have it, 0.24 s was seen. */
#define VP_HOST_NODE_PATIENCE_MS 1000

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
 * vp_host_node_of:
 * @spec: a host device, of which is decided whether it is by iommufd
 *
 * Returns: by which node it is given to QEMU
 */
VpHostNode vp_host_node_of (const VpDeviceSpec *spec);

/**
 * vp_host_node_wait:
 * @sysfs: the host
 * @function: a function that is bound to a VFIO driver
 * @node: by which node it is to be given to QEMU
 * @patience_ms: the longest wait for whoever holds it; 0 for a single look
 * @error: return location for a #GError
 *
 * Looks again and again while somebody holds it: what a QEMU had that was killed stays busy while
 * the kernel clears up behind it (0.24 s measured). Blocks: for a worker, or before there is a main
 * loop.
 *
 * Returns: %FALSE with an error as vp_vfio_node_check() or vp_vfio_cdev_check()
 */
gboolean vp_host_node_wait (VpSysfs *sysfs,
                            const VpPciFunction *function,
                            VpHostNode node,
                            guint patience_ms,
                            GError **error);

G_END_DECLS
