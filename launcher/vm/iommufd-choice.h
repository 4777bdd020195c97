#pragma once

#include "devices/pci-function.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/* Whether a host device is given to QEMU by its own node and iommufd: what the spec wants, what the
 * host can, and what QEMU can. */

/**
 * vp_iommufd_choice_is_wanted:
 *
 * Returns: whether iommufd is to be used for @spec where the host and QEMU can: when it says so, or
 *   names the device by its own node and says nothing
 */
gboolean vp_iommufd_choice_is_wanted (const VpDeviceSpec *spec);

/**
 * vp_iommufd_choice_check_host:
 * @sysfs: the host
 * @spec: a host device
 * @function: (nullable): the function that @spec, or its group, stands for; %NULL of a mediated
 *   device
 * @error: return location for a #GError
 *
 * A device that is not bound yet can have no node: then only the kernel is looked at.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMUFD
 */
gboolean vp_iommufd_choice_check_host (VpSysfs *sysfs,
                                       const VpDeviceSpec *spec,
                                       const VpPciFunction *function,
                                       GError **error);

/**
 * vp_iommufd_choice_check_program:
 * @qemu: the program, looked up in PATH when it has no slash; it is run, for a bounded time
 * @error: return location for a #GError
 *
 * Asks a QEMU that does not run yet. Its vfio-pci has the properties "iommufd" and "fd" since 9.0,
 * where it was built with them (hw/vfio/pci.c).
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMUFD, or with %VP_ERROR_HOST when it cannot be asked
 */
gboolean vp_iommufd_choice_check_program (const char *qemu, GError **error);

/**
 * vp_iommufd_choice_decide:
 * @spec: a host device that wants it
 * @why_not: (nullable): what the host or QEMU lacks for it, if anything
 * @error: return location for a #GError
 *
 * Makes it %VP_IOMMUFD_ON or %VP_IOMMUFD_OFF.
 *
 * Returns: %FALSE with @why_not when it was to be by iommufd or not at all
 */
gboolean vp_iommufd_choice_decide (VpDeviceSpec *spec, const GError *why_not, GError **error);

G_END_DECLS
