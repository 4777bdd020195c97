#pragma once

#include "launcher/vm/attachment-view.h"
#include "qmp/client.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_ATTACHMENT (vp_attachment_get_type ())
G_DECLARE_FINAL_TYPE (VpAttachment, vp_attachment, VP, ATTACHMENT, GObject)

/**
 * vp_attachment_new:
 * @facts: what it is made of
 *
 * One device of one VM: carries out what the lifecycle says, over QMP and on the host. When it may
 * be added, and who leaves with it, is decided for all functions of its slot: see slot-mates.h.
 *
 * Signals: "changed" whenever its state does; "stepped" once what a new state asks for has been
 * done, and when its host function is ours; "refused" (GError *why) when QEMU does not remove it;
 * "released" once it is over, after its host function has been given back and whoever waited has
 * been told.
 *
 * Returns: (transfer full): a device in state queued, or accepted when it is cold
 */
VpAttachment *vp_attachment_new (const VpAttachmentFacts *facts);

/**
 * vp_attachment_set_taken:
 * @self: an attachment
 *
 * Its host function was taken from a driver for it, and is to be given back in the end.
 */
void vp_attachment_set_taken (VpAttachment *self);

/**
 * vp_attachment_set_count:
 * @self: an attachment
 * @count: how often it is attached, to be told
 */
void vp_attachment_set_count (VpAttachment *self, guint count);

/**
 * vp_attachment_set_paused:
 * @self: an attachment
 * @paused: whether the VM is, which is why nothing happens
 */
void vp_attachment_set_paused (VpAttachment *self, gboolean paused);

/**
 * vp_attachment_set_running:
 * @self: an attachment
 * @client: QEMU, whose guest runs
 *
 * A cold device is watched from now on.
 */
void vp_attachment_set_running (VpAttachment *self, VpQmpClient *client);

/**
 * vp_attachment_step:
 * @self: an attachment of a running VM
 * @event: %VP_DEVICE_EVENT_START of one that is queued, %VP_DEVICE_EVENT_TURN of one that is bound,
 *   %VP_DEVICE_EVENT_DETACH of one that can be removed, or what has become of another that belongs
 *   to it
 * @why: (nullable): of what that other one has failed, or will
 *
 * Does what the lifecycle says.
 */
void vp_attachment_step (VpAttachment *self, VpDeviceEvent event, const GError *why);

/**
 * vp_attachment_handle_deleted:
 * @self: an attachment
 *
 * DEVICE_DELETED came for it. When nobody had asked for that, and QEMU had taken it less than 10 s
 * before, it has bounced: a guest that sets up its hotplug at that moment throws out what came
 * meanwhile. It is tried again after 1, 2 and 4 s.
 */
void vp_attachment_handle_deleted (VpAttachment *self);

/**
 * vp_attachment_expose:
 * @self: an attachment
 *
 * Its slot has its function 0, so that the guest can see it: from now on, and not before, its BARs
 * are looked at.
 */
void vp_attachment_expose (VpAttachment *self);

/**
 * vp_attachment_wait_usable:
 * @self: an attachment that is not over
 * @task: (transfer full): gets the "attach" document or an error
 * @timeout_ms: longest wait
 */
void vp_attachment_wait_usable (VpAttachment *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_check_removable:
 * @self: an attachment
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_STATE when it cannot be removed at this moment
 */
gboolean vp_attachment_check_removable (VpAttachment *self, GError **error);

/**
 * vp_attachment_wait_removed:
 * @self: an attachment that can be removed
 * @task: (transfer full): gets {"id", "state", "attach_count", "seconds"} or an error
 * @timeout_ms: longest wait
 */
void vp_attachment_wait_removed (VpAttachment *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_is_asking:
 *
 * Returns: whether the guest was asked to let go of this very function, and has not yet
 */
gboolean vp_attachment_is_asking (VpAttachment *self);

/**
 * vp_attachment_handle_refused:
 * @self: an attachment that is to be removed
 * @why: what QEMU said
 *
 * It stays in the VM.
 */
void vp_attachment_handle_refused (VpAttachment *self, const GError *why);

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
 * vp_attachment_get_facts:
 *
 * Returns: (transfer none): what never changes about it
 */
const VpAttachmentFacts *vp_attachment_get_facts (VpAttachment *self);

/**
 * vp_attachment_get_state:
 *
 * Returns: where it is in its life
 */
VpDeviceState vp_attachment_get_state (VpAttachment *self);

/**
 * vp_attachment_is_host_changing:
 *
 * Returns: whether its host function is being taken or given back at this moment
 */
gboolean vp_attachment_is_host_changing (VpAttachment *self);

/**
 * vp_attachment_get_view:
 *
 * Returns: what it looks like now; borrowed, until the attachment changes
 */
VpAttachmentView vp_attachment_get_view (VpAttachment *self);

G_END_DECLS
