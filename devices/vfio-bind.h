#pragma once

#include "devices/pci-address.h"
#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * vp_vfio_bind:
 * @sysfs: the host
 * @address: the function to take
 * @error: return location for a #GError
 *
 * Gives a function to vfio-pci: driver_override, unbind, drivers_probe, and then reads back which
 * driver has it, because a write that succeeded proves nothing. Already bound to a VFIO driver is
 * success. When it does not work out the override is cleared and the earlier driver is asked to
 * take it back. The caller has noted the earlier driver before.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NOT_FOUND, _PERMISSION, _DRIVER or _IO
 */
gboolean vp_vfio_bind (VpSysfs *sysfs, const VpPciAddress *address, GError **error);

/**
 * vp_vfio_unbind:
 * @sysfs: the host
 * @address: the function to take
 * @error: return location for a #GError
 *
 * The first half of vp_vfio_bind(): driver_override, unbind. All functions of an IOMMU group that
 * are to move go through it before the first of them goes through vp_vfio_probe(): to a driver that
 * watches its neighbours, or shares a device with them, half a group is worse than none. The write
 * may take for ever: a driver lets go when its users do. When it fails, all is as it was.
 *
 * Returns: %FALSE with an error as vp_vfio_bind()
 */
gboolean vp_vfio_unbind (VpSysfs *sysfs, const VpPciAddress *address, GError **error);

/**
 * vp_vfio_probe:
 * @sysfs: the host
 * @address: a function that has no driver any more
 * @error: return location for a #GError
 *
 * The second half of vp_vfio_bind(): drivers_probe, and reading back. When it fails, undoing the
 * first half is left to the caller: see vp_vfio_release().
 *
 * Returns: %FALSE with an error as vp_vfio_bind()
 */
gboolean vp_vfio_probe (VpSysfs *sysfs, const VpPciAddress *address, GError **error);

/**
 * vp_vfio_release:
 * @sysfs: the host
 * @address: the function to give back
 * @driver: (nullable): the driver that had it before; %NULL if it had none
 * @error: return location for a #GError
 *
 * Clears driver_override, unbinds from vfio-pci and binds to @driver, and reads back. Already back
 * is success. The function must not be in use: the unbind would block until it is not.
 *
 * Returns: %FALSE with an error as vp_vfio_bind()
 */
gboolean
vp_vfio_release (VpSysfs *sysfs, const VpPciAddress *address, const char *driver, GError **error);

/**
 * vp_vfio_driver_of:
 * @sysfs: the host
 * @address: a function
 *
 * Returns: (transfer full) (nullable): the driver that has it now
 */
char *vp_vfio_driver_of (VpSysfs *sysfs, const VpPciAddress *address);

/**
 * vp_vfio_is_vfio_driver:
 * @driver: (nullable): a driver's name
 *
 * Returns: whether it is vfio-pci or a variant of it ("mlx5_vfio_pci", "nvgrace_gpu_vfio_pci")
 */
gboolean vp_vfio_is_vfio_driver (const char *driver);

G_END_DECLS
