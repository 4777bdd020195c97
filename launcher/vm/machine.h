#pragma once

#include "launcher/vm/bindings.h"
#include "launcher/vm/blueprint.h"
#include "launcher/vm/qemu-end.h"
#include "launcher/vm/qemu-launch.h"
#include "launcher/vm/resize.h"
#include "launcher/vm/run-dir.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define VP_TYPE_MACHINE (vp_machine_get_type ())
G_DECLARE_FINAL_TYPE (VpMachine, vp_machine, VP, MACHINE, GObject)

/**
 * vp_machine_new:
 * @blueprint: (transfer full): what to start
 * @run_dir: the VM's folder; must outlive the machine
 * @bindings: whom to give host devices back to; must outlive the machine
 *
 * One VM: QEMU, its QMP channel, its console and its devices.
 *
 * Signals: "event" (const char *name, JsonObject *data): QEMU's events, and VMPLUG_DEVICE_STATE
 * with "id" and "state" whenever a device changes; "console" (GBytes *output); "ended" once QEMU is
 *   gone and its host devices are given back: ask vp_machine_get_end() then.
 *
 * Returns: (transfer full): a machine
 */
VpMachine *vp_machine_new (VpBlueprint *blueprint, VpRunDir *run_dir, VpBindings *bindings);

/**
 * vp_machine_adopt:
 * @self: a new machine, whose blueprint is foreign
 * @adoption: the process that is to become its QEMU; must outlive the machine
 *
 * It is somebody else's then: not let run, not killed, and never given a console of ours. The start
 * is over once QEMU speaks QMP; hot devices come when the guest runs and is ready.
 */
void vp_machine_adopt (VpMachine *self, const VpQemuAdoption *adoption);

/**
 * vp_machine_inherit:
 * @self: a new machine
 * @fd: (transfer full): what an own device of its QEMU needs, in the order of
 *   vp_own_devices_count_ports()
 */
void vp_machine_inherit (VpMachine *self, int fd);

/**
 * vp_machine_is_adopted:
 *
 * Returns: whether its QEMU is somebody else's
 */
gboolean vp_machine_is_adopted (VpMachine *self);

/**
 * vp_machine_start_async:
 * @self: a new machine
 * @callback: called once the guest runs, or cannot
 * @user_data: for @callback
 *
 * Takes the host devices, starts QEMU paused, shakes hands, lets the guest run, and from then on
 * hotplugs the normal devices when the guest is ready. Every step is undone when a later one fails.
 */
void vp_machine_start_async (VpMachine *self, GAsyncReadyCallback callback, gpointer user_data);

/**
 * vp_machine_start_finish:
 *
 * Returns: %FALSE with %VP_ERROR_START, whose message ends with QEMU's own last words, or a
 *   %VP_DEVICE_ERROR
 */
gboolean vp_machine_start_finish (VpMachine *self, GAsyncResult *result, GError **error);

/**
 * vp_machine_lookup:
 * @self: a machine
 * @text: the id of a device, or a reference
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the ids of the devices that @text stands for; %NULL with an
 *   error as vp_hotplug_lookup_ids()
 */
GStrv vp_machine_lookup (VpMachine *self, const char *text, GError **error);

/**
 * vp_machine_attach_async:
 * @self: a running machine
 * @spec: (transfer full): what to add
 * @timeout_ms: longest wait for it to become usable
 * @callback: called once it is usable, or why not is known
 * @user_data: for @callback
 */
void vp_machine_attach_async (VpMachine *self,
                              VpDeviceSpec *spec,
                              guint timeout_ms,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * vp_machine_attach_finish:
 *
 * Returns: (transfer full) (nullable): the "attach" document of the contract; %NULL with an error,
 *   among them %VP_ERROR_PENDING (QEMU has it, the guest has not mapped its BARs in time; it stays)
 *   and %VP_ERROR_NO_WINDOW (it is being taken out again)
 */
JsonObject *vp_machine_attach_finish (VpMachine *self, GAsyncResult *result, GError **error);

/**
 * vp_machine_detach_async:
 * @self: a running machine
 * @text: the id of a device, or a reference: that of an IOMMU group is all of it that the VM has
 * @force: however often it is attached
 * @timeout_ms: longest wait for the guest to let go
 * @callback: called once it is gone, or time is up
 * @user_data: for @callback
 */
void vp_machine_detach_async (VpMachine *self,
                              const char *text,
                              gboolean force,
                              guint timeout_ms,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * vp_machine_detach_finish:
 *
 * Returns: (transfer full) (nullable): {"id": …, "state": "removed", "seconds": …}, with what
 *   leaves with it as "others"; when it is attached more often its state and the "attach_count"
 * that is left; %NULL with %VP_ERROR_NO_DEVICE, _STATE, _REFUSED, or _PENDING: the guest still
 * holds it, and a late DEVICE_DELETED will finish the removal
 */
JsonObject *vp_machine_detach_finish (VpMachine *self, GAsyncResult *result, GError **error);

/**
 * vp_machine_stop:
 * @self: a machine
 * @force: whether to leave out asking the guest
 *
 * Begins the ladder: system_powerdown, after 30 s quit, after 5 s SIGTERM, after 5 s SIGKILL.
 * "ended" tells when it is over. Calling it again climbs one rung at once.
 */
void vp_machine_stop (VpMachine *self, gboolean force);

/**
 * vp_machine_get_status:
 *
 * Returns: (transfer full): the "status" document of the contract
 */
JsonObject *vp_machine_get_status (VpMachine *self);

/**
 * vp_machine_query_async:
 * @self: a running machine
 * @command: one of QEMU's QMP commands
 * @arguments: (transfer full) (nullable): its arguments
 * @timeout_ms: longest wait for the reply; 0 for ever
 * @callback: called with the reply
 * @user_data: for @callback
 *
 * Hands a command to QEMU as it is. Whether it may be handed over is the caller's business.
 */
void vp_machine_query_async (VpMachine *self,
                             const char *command,
                             JsonObject *arguments,
                             guint timeout_ms,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

/**
 * vp_machine_query_finish:
 *
 * Returns: (transfer full) (nullable): the "return" member
 */
JsonNode *vp_machine_query_finish (VpMachine *self, GAsyncResult *result, GError **error);

/**
 * vp_machine_console_write:
 * @self: a machine
 * @data: (array length=size): what is typed on the guest's console
 * @size: bytes
 */
void vp_machine_console_write (VpMachine *self, const guint8 *data, gsize size);

/**
 * vp_machine_get_end:
 * @self: a machine that has ended
 * @error: return location for a #GError
 *
 * Returns: %TRUE when the guest powered off or was stopped as asked; %FALSE with %VP_ERROR_GUEST
 *   (it panicked) or %VP_ERROR_NO_VM (QEMU was killed or failed), with QEMU's last words, or a
 *   %VP_DEVICE_ERROR: it ended well, but a host device is not back with its driver
 */
gboolean vp_machine_get_end (VpMachine *self, GError **error);

/**
 * vp_machine_get_qemu_end:
 * @self: a machine that has ended
 *
 * Returns: how its QEMU did; borrows from @self
 */
VpQemuEnd vp_machine_get_qemu_end (VpMachine *self);

/**
 * vp_machine_get_run_dir:
 *
 * Returns: (transfer none): its folder
 */
VpRunDir *vp_machine_get_run_dir (VpMachine *self);

/**
 * vp_machine_get_resize:
 *
 * Returns: (transfer none): what changes how many CPUs and how much memory it has
 */
VpResize *vp_machine_get_resize (VpMachine *self);

/**
 * vp_machine_get_name:
 *
 * Returns: (transfer none): the VM's name
 */
const char *vp_machine_get_name (VpMachine *self);

G_END_DECLS
