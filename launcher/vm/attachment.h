#pragma once

#include "devices/lifecycle.h"
#include "devices/slot-map.h"
#include "launcher/vm/attach-source.h"
#include "launcher/vm/host-claims.h"
#include "qmp/client.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_ATTACHMENT (vp_attachment_get_type ())
G_DECLARE_FINAL_TYPE (VpAttachment, vp_attachment, VP, ATTACHMENT, GObject)

/**
 * VpAttachmentInit:
 * @id: QEMU id
 * @source: (nullable): owner of the two below; a reference is taken. %NULL for a device of the plan
 * @spec: how it was asked for; borrowed
 * @function: (nullable): the host function; borrowed
 * @plug: cold or hot; a cold one is in QEMU from the start
 * @place: where it goes
 * @guest_path: path from the root complex
 * @machine: the machine type
 * @repeat_delete: whether device_del may be sent again while the guest does not let go: with ACPI
 *   hotplug one that the firmware saw is lost without an event, and a second one does no harm;
 *   to SHPC it would be a change of mind
 * @claims: the VM's host functions, of which it is to be one; a reference is taken
 *
 * What an attachment is made of.
 */
typedef struct
{
  const char *id;
  VpAttachSource *source;
  const VpDeviceSpec *spec;
  const VpPciFunction *function;
  VpPlug plug;
  VpPlace place;
  const char *guest_path;
  VpMachineType machine;
  gboolean repeat_delete;
  VpHostClaims *claims;
} VpAttachmentInit;

/**
 * vp_attachment_new:
 * @init: what it is made of
 *
 * One device of one VM: carries out what the lifecycle says, over QMP and on the host.
 *
 * Signals: "changed" whenever its state does; "released" once it is over, after its host function
 * has been given back and whoever waited has been told.
 *
 * Returns: (transfer full): a device in state queued, or accepted when it is cold
 */
VpAttachment *vp_attachment_new (const VpAttachmentInit *init);

/**
 * vp_attachment_set_taken:
 * @self: an attachment
 *
 * Its host function was taken from a driver for it, and is to be given back in the end.
 */
void vp_attachment_set_taken (VpAttachment *self);

/**
 * vp_attachment_take:
 * @self: a queued attachment
 *
 * Begins to take its host function from its driver, if its spec says so. If that fails the device
 * has failed, and whoever waits is told.
 */
void vp_attachment_take (VpAttachment *self);

/**
 * vp_attachment_set_running:
 * @self: an attachment
 * @client: QEMU, whose guest runs
 *
 * A cold device is watched from now on.
 */
void vp_attachment_set_running (VpAttachment *self, VpQmpClient *client);

/**
 * vp_attachment_add:
 * @self: an attachment of a running VM; anything but a queued one is left as it is
 *
 * The guest is ready: sends device_add, as soon as the host function is ours.
 */
void vp_attachment_add (VpAttachment *self);

/**
 * vp_attachment_wait_usable:
 * @self: a new attachment
 * @task: (transfer full): gets the "attach" document or an error
 * @timeout_ms: longest wait
 */
void vp_attachment_wait_usable (VpAttachment *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_remove:
 * @self: an attachment of a running VM
 * @task: (transfer full): gets {"id", "state", "seconds"} or an error
 * @timeout_ms: longest wait
 *
 * Asks the guest to let go. After the deadline the removal stays pending.
 */
void vp_attachment_remove (VpAttachment *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_handle_deleted:
 * @self: an attachment
 *
 * DEVICE_DELETED has come for it, asked for or not.
 */
void vp_attachment_handle_deleted (VpAttachment *self);

/**
 * vp_attachment_handle_reset:
 * @self: an attachment
 *
 * The guest starts anew and may place its BARs elsewhere.
 */
void vp_attachment_handle_reset (VpAttachment *self);

/**
 * vp_attachment_handle_gone:
 * @self: an attachment
 *
 * QEMU has ended.
 */
void vp_attachment_handle_gone (VpAttachment *self);

/**
 * vp_attachment_get_id:
 *
 * Returns: (transfer none): its QEMU id
 */
const char *vp_attachment_get_id (VpAttachment *self);

/**
 * vp_attachment_get_state:
 *
 * Returns: where it is in its life
 */
VpDeviceState vp_attachment_get_state (VpAttachment *self);

/**
 * vp_attachment_get_function:
 *
 * Returns: (transfer none) (nullable): its host function
 */
const VpPciFunction *vp_attachment_get_function (VpAttachment *self);

/**
 * vp_attachment_get_host_error:
 *
 * Returns: (transfer none) (nullable): why its host function could not be given back
 */
const GError *vp_attachment_get_host_error (VpAttachment *self);

/**
 * vp_attachment_is_host_changing:
 *
 * Returns: whether its host function is being taken or given back at this moment
 */
gboolean vp_attachment_is_host_changing (VpAttachment *self);

/**
 * vp_attachment_to_json:
 *
 * Returns: (transfer full): an element of "devices" in the "status" document
 */
JsonObject *vp_attachment_to_json (VpAttachment *self);

G_END_DECLS
