#pragma once

#include "launcher/vm/attach-source.h"
#include "launcher/vm/bindings.h"
#include "launcher/vm/blueprint.h"
#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_HOTPLUG (vp_hotplug_get_type ())
G_DECLARE_FINAL_TYPE (VpHotplug, vp_hotplug, VP, HOTPLUG, GObject)

/**
 * vp_hotplug_new:
 * @blueprint: what the VM was started from; must outlive it
 * @bindings: whom to give host devices back to; must outlive it
 *
 * The devices of one VM: carries out what the lifecycle says, over QMP and on the host, and tells
 * each caller what really became of a device. The devices of the plan are known from the start.
 *
 * Signal "changed" (const char *id, int state): a device's state, before whoever waits for it is
 * told.
 *
 * Returns: (transfer full): a hotplug
 */
VpHotplug *vp_hotplug_new (const VpBlueprint *blueprint, VpBindings *bindings);

/**
 * vp_hotplug_set_bounce_ms:
 * @self: a hotplug
 * @bounce_ms: how soon after a device was added a removal that nobody asked for is a bounce, for
 *   devices that come from now on; 0 for never. The default is %VP_BOUNCE_DEFAULT_MS
 */
void vp_hotplug_set_bounce_ms (VpHotplug *self, guint bounce_ms);

/**
 * vp_hotplug_mark_taken:
 * @self: a hotplug
 * @function: a host function of the plan that was taken from its driver for this VM
 */
void vp_hotplug_mark_taken (VpHotplug *self, const VpPciFunction *function);

/**
 * vp_hotplug_set_running:
 * @self: a hotplug
 * @client: QEMU, whose guest has begun to run
 *
 * The cold devices are looked at from now on. Before this nothing can be removed: a device_del
 * before the guest's first instruction wedges the device until a reset.
 */
void vp_hotplug_set_running (VpHotplug *self, VpQmpClient *client);

/**
 * vp_hotplug_set_ready:
 * @self: a hotplug
 *
 * The guest is ready: everything that is queued is added, as soon as it is known to run.
 */
void vp_hotplug_set_ready (VpHotplug *self);

/**
 * vp_hotplug_holds_mediated:
 * @self: a hotplug
 * @uuid: of a mediated device
 *
 * Returns: whether this VM has that mediated device
 */
gboolean vp_hotplug_holds_mediated (VpHotplug *self, const char *uuid);

/**
 * vp_hotplug_holds_socket:
 * @self: a hotplug
 * @path: of the socket of a vfio-user server
 *
 * Returns: whether this VM has the device of that server
 */
gboolean vp_hotplug_holds_socket (VpHotplug *self, const char *path);

/**
 * vp_hotplug_attach_async:
 * @self: a hotplug
 * @source: what was asked for
 * @functions: (element-type VpPciFunction): what it stands for, of the source's inventory; %NULL is
 *   a device that QEMU or another process emulates
 * @timeout_ms: longest wait for each to become usable
 * @callback: called once the last of them has its outcome
 * @user_data: for @callback
 *
 * The attach of an IOMMU group is the attach of each of its endpoints, all at once, and all or
 * none: when one fails, the others are taken out again before that is told. Functions of one host
 * device share a slot; one whose siblings are in the VM already gets a slot of its own.
 *
 * A host function that the VM has already is counted once more, and stays until it has been
 * detached as often; the options of the first attach hold.
 */
void vp_hotplug_attach_async (VpHotplug *self,
                              VpAttachSource *source,
                              GPtrArray *functions,
                              guint timeout_ms,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * vp_hotplug_attach_finish:
 *
 * Returns: (transfer full) (nullable): the "attach" document of the first, with those of the others
 *   as "others"; %NULL with the first error
 */
JsonObject *vp_hotplug_attach_finish (VpHotplug *self, GAsyncResult *result, GError **error);

/**
 * vp_hotplug_has:
 *
 * Returns: whether the VM has a device of that @id
 */
gboolean vp_hotplug_has (VpHotplug *self, const char *id);

/**
 * vp_hotplug_find_ids:
 * @self: a hotplug
 * @source: what was asked for
 * @functions: (element-type VpPciFunction): what it stands for
 *
 * Returns: (transfer full): the ids of those that the VM has
 */
GStrv
vp_hotplug_find_ids (VpHotplug *self, const VpAttachSource *source, const GPtrArray *functions);

/**
 * vp_hotplug_detach_async:
 * @self: a hotplug
 * @ids: (array zero-terminated=1): devices, one or more
 * @force: however often they are attached
 * @timeout_ms: longest wait for all of them to be gone
 * @callback: called once
 * @user_data: for @callback
 *
 * One that is attached more than once is only counted down. The guest is asked for all the others
 * before the first answer is awaited.
 */
void vp_hotplug_detach_async (VpHotplug *self,
                              const char *const *ids,
                              gboolean force,
                              guint timeout_ms,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * vp_hotplug_detach_finish:
 *
 * Returns: (transfer full) (nullable): id, state, attach_count and seconds of the first, with those
 *   of the others, also of the other functions of its slot, which leave with it, as "others"; or
 *   %NULL with the first error
 */
JsonObject *vp_hotplug_detach_finish (VpHotplug *self, GAsyncResult *result, GError **error);

/**
 * vp_hotplug_handle_event:
 * @self: a hotplug
 * @name: an event of QEMU
 * @data: its data
 */
void vp_hotplug_handle_event (VpHotplug *self, const char *name, JsonObject *data);

/**
 * vp_hotplug_set_gone:
 * @self: a hotplug
 *
 * QEMU has ended: every device is released.
 */
void vp_hotplug_set_gone (VpHotplug *self);

/**
 * vp_hotplug_is_idle:
 *
 * Returns: whether no host device is being taken or given back
 */
gboolean vp_hotplug_is_idle (VpHotplug *self);

/**
 * vp_hotplug_check_given_back:
 * @self: a hotplug
 * @error: return location for a #GError
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR when a host device that has left the VM is not back with
 *   its driver, be it that this failed or that it still goes on
 */
gboolean vp_hotplug_check_given_back (VpHotplug *self, GError **error);

/**
 * vp_hotplug_add_status:
 * @self: a hotplug
 * @status: a "status" document; "devices" and "ports" are added
 */
void vp_hotplug_add_status (VpHotplug *self, JsonObject *status);

G_END_DECLS
