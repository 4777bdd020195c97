#pragma once

#include "launcher/vm/hotplug.h"
#include "launcher/vm/iommufd.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * VpMachineParts:
 * @blueprint: what the VM was started from
 * @hotplug: its devices
 * @iommufd: its /dev/iommu
 * @client: (nullable): its QEMU, once that runs
 * @pid: of that QEMU; 0 when it is to be started
 *
 * Of a VM, what an attach has to do with. Borrows what lives as long as the VM.
 */
typedef struct
{
  const VpBlueprint *blueprint;
  VpHotplug *hotplug;
  VpIommufd *iommufd;
  VpQmpClient *client;
  pid_t pid;
} VpMachineParts;

/**
 * vp_machine_attach_raise_memlock:
 * @parts: a VM
 * @n_more: VFIO devices that it is to have beside those that it has
 * @error: return location for a #GError
 *
 * Lets QEMU lock as much memory as its devices need, also when the VM is resized to its maximum.
 *
 * Returns: %FALSE with an error as vp_memlock_limit_raise()
 */
gboolean
vp_machine_attach_raise_memlock (const VpMachineParts *parts, guint n_more, GError **error);

/**
 * vp_machine_attach_begin:
 * @parts: a VM
 * @spec: (transfer full): what is to be attached
 * @timeout_ms: longest wait for it to become usable
 * @task: (transfer full): gets the "attach" document; or an error of
 * vp_attach_request_prepare_finish(), vp_memlock_limit_raise() or vp_hotplug_attach_finish()
 */
void vp_machine_attach_begin (const VpMachineParts *parts,
                              VpDeviceSpec *spec,
                              guint timeout_ms,
                              GTask *task);

G_END_DECLS
