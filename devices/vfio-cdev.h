#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

/* A device's own node, /dev/vfio/devices/vfioN, which is used with /dev/iommu (iommufd) in place of
 * its group. @device is its folder: "sys/bus/pci/devices/0000:41:00.0". */

/**
 * vp_vfio_cdev_find:
 * @sysfs: the host
 * @device: a device's folder
 *
 * Linux makes DEVICE/vfio-dev/vfioN when the device is bound to a VFIO driver. Before 6.6, and
 * without CONFIG_VFIO_DEVICE_CDEV, it makes no node of that name (drivers/vfio/vfio_main.c).
 *
 * Returns: N, or -1
 */
int vp_vfio_cdev_find (VpSysfs *sysfs, const char *device);

/**
 * vp_vfio_cdev_has_iommufd:
 *
 * Returns: whether the kernel has /dev/iommu
 */
gboolean vp_vfio_cdev_has_iommufd (VpSysfs *sysfs);

/**
 * vp_vfio_cdev_check_host:
 * @sysfs: the host
 * @device: (nullable): the folder of a device that is bound to a VFIO driver; %NULL of one that is
 *   not yet, and has no node
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMUFD when the kernel has no /dev/iommu, or no node
 *   for the device
 */
gboolean vp_vfio_cdev_check_host (VpSysfs *sysfs, const char *device, GError **error);

/**
 * vp_vfio_cdev_check:
 * @sysfs: the host
 * @device: the folder of a device that is bound to a VFIO driver
 * @error: return location for a #GError
 *
 * Looks whether QEMU can be given the device now. The kernel lets a node be opened many times, and
 * only then refuses to connect it to a second iommufd (EINVAL, drivers/vfio/vfio_main.c,
 * vfio_df_open(); measured with Linux 6.12): so whoever has it open, or its group, is looked for
 * in /proc.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMUFD, %VP_DEVICE_ERROR_BUSY naming the process that
 *   holds it, %VP_DEVICE_ERROR_PERMISSION naming uid and mode, or %VP_DEVICE_ERROR_IO
 */
gboolean vp_vfio_cdev_check (VpSysfs *sysfs, const char *device, GError **error);

/**
 * vp_vfio_cdev_open:
 * @sysfs: the host
 * @device: the folder of a device that is bound to a VFIO driver
 * @error: return location for a #GError
 *
 * Returns: a file descriptor that the caller owns; or -1 with an error as in vp_vfio_cdev_check()
 */
int vp_vfio_cdev_open (VpSysfs *sysfs, const char *device, GError **error);

/**
 * vp_vfio_cdev_open_iommu:
 * @sysfs: the host
 * @error: return location for a #GError
 *
 * Returns: a file descriptor of /dev/iommu that the caller owns, an I/O address space of its own;
 *   or -1 with an error as in vp_vfio_cdev_check()
 */
int vp_vfio_cdev_open_iommu (VpSysfs *sysfs, GError **error);

G_END_DECLS
