#pragma once

#include "devices/sysfs.h"
#include "qmp/client.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_IOMMUFD (vp_iommufd_get_type ())
G_DECLARE_FINAL_TYPE (VpIommufd, vp_iommufd, VP, IOMMUFD, GObject)

/**
 * vp_iommufd_new:
 * @sysfs: the host; must outlive it
 * @is_there: whether QEMU has started with it
 *
 * The /dev/iommu of one VM, which all its devices by iommufd share. It comes with the first of them
 * and stays as long as QEMU: one open file without devices pins nothing and costs nothing, and no
 * device that comes again has to wait for QEMU to be done with the one before.
 *
 * Returns: (transfer full): one that has asked nothing yet
 */
VpIommufd *vp_iommufd_new (VpSysfs *sysfs, gboolean is_there);

/**
 * vp_iommufd_prepare_async:
 * @self: the VM's
 * @client: its running QEMU
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Makes QEMU ready for a device by iommufd: asks it whether its vfio-pci has that
 * (device-list-properties, no versions), opens /dev/iommu and gives it to QEMU. Whoever comes while
 * that is being done waits for the same; what has failed is tried again by the next.
 */
void vp_iommufd_prepare_async (VpIommufd *self,
                               VpQmpClient *client,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

/**
 * vp_iommufd_prepare_finish:
 * @self: the VM's
 * @result: what @callback was given
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMUFD when the kernel or QEMU has none, a
 *   %VP_DEVICE_ERROR when /dev/iommu cannot be opened, %VP_ERROR_REFUSED when QEMU refuses it, or
 *   %VP_QMP_ERROR when it does not answer
 */
gboolean vp_iommufd_prepare_finish (VpIommufd *self, GAsyncResult *result, GError **error);

G_END_DECLS
