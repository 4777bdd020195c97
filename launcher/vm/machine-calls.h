#pragma once

#include "launcher/vm/host-change.h"
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
 * Of a VM, what is needed to attach something, to detach it and to ask its QEMU. Borrows what lives
 * as long as the VM.
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
 * vp_machine_calls_list_takes:
 *
 * Returns: (transfer full) (element-type VpHostTake): the host functions that the plan gives it
 */
GArray *vp_machine_calls_list_takes (const VpBlueprint *blueprint);

/**
 * vp_machine_calls_raise_memlock:
 * @parts: a VM
 * @n_more: VFIO devices that it is to have beside those that it has
 * @error: return location for a #GError
 *
 * Lets QEMU lock as much memory as its devices need, also when the VM is resized to its maximum.
 *
 * Returns: %FALSE with an error as vp_memlock_limit_raise()
 */
gboolean vp_machine_calls_raise_memlock (const VpMachineParts *parts, guint n_more, GError **error);

/**
 * vp_machine_calls_attach:
 * @parts: a VM
 * @spec: (transfer full): what is to be attached
 * @timeout_ms: longest wait for it to become usable
 * @task: (transfer full): gets the "attach" document; or an error of
 * vp_attach_request_prepare_finish(), vp_memlock_limit_raise() or vp_hotplug_attach_finish()
 */
void vp_machine_calls_attach (const VpMachineParts *parts,
                              VpDeviceSpec *spec,
                              guint timeout_ms,
                              GTask *task);

/**
 * vp_machine_calls_detach:
 * @parts: a VM
 * @text: the id of a device, or a reference: that of an IOMMU group is all of it that the VM has
 * @force: however often it is attached
 * @timeout_ms: longest wait for the guest to let go
 * @task: (transfer full): gets the document of vp_hotplug_detach_finish(), or its error
 */
void vp_machine_calls_detach (
    const VpMachineParts *parts, const char *text, gboolean force, guint timeout_ms, GTask *task);

/**
 * vp_machine_calls_query:
 * @parts: a VM that runs
 * @command: one of QEMU's QMP commands
 * @arguments: (transfer full) (nullable): its arguments
 * @timeout_ms: longest wait for the reply; 0 for ever
 * @task: (transfer full): gets the "return" member
 */
void vp_machine_calls_query (const VpMachineParts *parts,
                             const char *command,
                             JsonObject *arguments,
                             guint timeout_ms,
                             GTask *task);

G_END_DECLS
