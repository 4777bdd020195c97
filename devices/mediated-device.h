#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * vp_mediated_device_check:
 * @sysfs: the host
 * @uuid: a mediated device of it, lower case
 * @error: return location for a #GError
 *
 * Checks that a mediated device can be given to a VM now. The driver of its parent makes it, with
 * an IOMMU group of its own (vfio_register_emulated_iommu_dev() in drivers/vfio), so that it needs
 * no binding and has no neighbours; but like any group this one has a node, which one process at a
 * time may open.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NOT_FOUND when the host has no such device (any more),
 *   %VP_DEVICE_ERROR_NO_IOMMU when it is in no group, or what vp_vfio_node_check() says of its node
 */
gboolean vp_mediated_device_check (VpSysfs *sysfs, const char *uuid, GError **error);

G_END_DECLS
