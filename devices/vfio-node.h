#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * vp_vfio_node_check:
 * @sysfs: the host
 * @group: an IOMMU group whose devices are bound to vfio-pci
 * @error: return location for a #GError
 *
 * Tries to open dev/vfio/GROUP and dev/vfio/vfio, as QEMU will, and closes them again.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_BUSY naming the process that holds it (pid and command,
 *   where /proc shows it), %VP_DEVICE_ERROR_PERMISSION naming uid and mode,
 *   %VP_DEVICE_ERROR_NOT_BOUND when there is no such node, or %VP_DEVICE_ERROR_IO
 */
gboolean vp_vfio_node_check (VpSysfs *sysfs, int group, GError **error);

/**
 * vp_vfio_node_open:
 * @sysfs: the host
 * @path: a node, such as "dev/iommu"
 * @error: return location for a #GError
 *
 * Returns: a file descriptor for reading and writing that the caller owns; or -1 with
 *   %VP_DEVICE_ERROR_BUSY, %VP_DEVICE_ERROR_PERMISSION naming uid and mode,
 *   %VP_DEVICE_ERROR_NOT_FOUND or %VP_DEVICE_ERROR_IO
 */
int vp_vfio_node_open (VpSysfs *sysfs, const char *path, GError **error);

/**
 * vp_vfio_node_set_busy:
 * @sysfs: the host
 * @path: the node that somebody holds
 * @group: the IOMMU group that it belongs to
 * @error: return location for a #GError, set to %VP_DEVICE_ERROR_BUSY
 *
 * Names the process that holds it, where /proc shows it.
 */
void vp_vfio_node_set_busy (VpSysfs *sysfs, const char *path, int group, GError **error);

/**
 * vp_vfio_node_find_holder:
 * @sysfs: the host
 * @group: an IOMMU group
 *
 * Looks through proc/PID/fd for the first process that has the group open, or the node of a device
 * in it. Best effort: another user's processes show their files to root only.
 *
 * Returns: (transfer full) (nullable): "pid 4711 (qemu-system-x86)", or %NULL if none is seen
 */
char *vp_vfio_node_find_holder (VpSysfs *sysfs, int group);

G_END_DECLS
