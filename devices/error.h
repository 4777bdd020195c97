#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpDeviceError:
 * @VP_DEVICE_ERROR_INVALID: text that is not a device reference, address, size or BAR line
 * @VP_DEVICE_ERROR_NOT_FOUND: the host has no such device, group or file
 * @VP_DEVICE_ERROR_NO_IOMMU: the device is in no IOMMU group
 * @VP_DEVICE_ERROR_NO_IOMMUFD: the kernel has no iommufd, or no node for the device
 * @VP_DEVICE_ERROR_NOT_ASSIGNABLE: a kind of device that VFIO cannot hand over (a bridge, a
 *   physical function with live virtual functions)
 * @VP_DEVICE_ERROR_NOT_BOUND: the device's driver is not vfio-pci
 * @VP_DEVICE_ERROR_NOT_VIABLE: another device of the IOMMU group is still used by the host
 * @VP_DEVICE_ERROR_BUSY: another process holds the device or its group
 * @VP_DEVICE_ERROR_PERMISSION: this user may not open or change it
 * @VP_DEVICE_ERROR_DRIVER: sysfs took the change of driver, but the driver did not change
 * @VP_DEVICE_ERROR_NO_SLOT: no free port or slot, or no window large enough
 * @VP_DEVICE_ERROR_DUPLICATE: the same device or the same id twice
 * @VP_DEVICE_ERROR_IO: a host file could not be read or written
 * @VP_DEVICE_ERROR_IN_USE: the host itself lives on the device
 *
 * What can be wrong with a device or its place. A message has two of the three parts that a user
 * needs, "what: why" in one line; what to do about it belongs to the code, not to the text.
 */
typedef enum
{
  VP_DEVICE_ERROR_INVALID,
  VP_DEVICE_ERROR_NOT_FOUND,
  VP_DEVICE_ERROR_NO_IOMMU,
  VP_DEVICE_ERROR_NO_IOMMUFD,
  VP_DEVICE_ERROR_NOT_ASSIGNABLE,
  VP_DEVICE_ERROR_NOT_BOUND,
  VP_DEVICE_ERROR_NOT_VIABLE,
  VP_DEVICE_ERROR_BUSY,
  VP_DEVICE_ERROR_PERMISSION,
  VP_DEVICE_ERROR_DRIVER,
  VP_DEVICE_ERROR_NO_SLOT,
  VP_DEVICE_ERROR_DUPLICATE,
  VP_DEVICE_ERROR_IO,
  VP_DEVICE_ERROR_IN_USE,
} VpDeviceError;

#define VP_DEVICE_ERROR (vp_device_error_quark ())
GQuark vp_device_error_quark (void);

G_END_DECLS
