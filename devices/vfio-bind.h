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
