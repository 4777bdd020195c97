#pragma once

#include "launcher/vm/attach-source.h"
#include "launcher/vm/hotplug.h"
#include "launcher/vm/iommufd.h"

G_BEGIN_DECLS

/**
 * vp_attach_request_prepare_async:
 * @spec: (transfer full): what is to be attached
 * @sysfs: the host
 * @hotplug: the VM's devices
 * @iommufd: the VM's /dev/iommu
 * @client: (nullable): its QEMU, once that runs
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Finds what @spec stands for on the host, decides whether it is by iommufd, for which QEMU is
 * asked and made ready, and checks that each function can be assigned, or that a vfio-user server
 * is there. Nothing is bound yet.
 */
void vp_attach_request_prepare_async (VpDeviceSpec *spec,
                                      VpSysfs *sysfs,
                                      VpHotplug *hotplug,
                                      VpIommufd *iommufd,
                                      VpQmpClient *client,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/**
 * vp_attach_request_prepare_finish:
 * @result: what @callback was given
 * @functions: (out) (transfer container) (element-type VpPciFunction): what is to be attached, as
 * of vp_host_devices_resolve()
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): what they borrow from; or %NULL with a %VP_DEVICE_ERROR,
 *   %VP_ERROR_HOST or %VP_ERROR_USAGE of what is behind an emulated device, or an error of
 *   vp_iommufd_prepare_finish()
 */
VpAttachSource *
vp_attach_request_prepare_finish (GAsyncResult *result, GPtrArray **functions, GError **error);

G_END_DECLS
