#pragma once

#include "launcher/config/config.h"
#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_RESIZE (vp_resize_get_type ())
G_DECLARE_FINAL_TYPE (VpResize, vp_resize, VP, RESIZE, GObject)

/**
 * vp_resize_new:
 * @config: what the VM was started with
 * @accel: kvm or tcg
 *
 * How many CPUs and how much memory a running VM has, see #VpCpuChange and #VpMemoryChange.
 *
 * Returns: (transfer full): a resize
 */
VpResize *vp_resize_new (const VpConfig *config, VpAccel accel);

/**
 * vp_resize_set_running:
 * @self: a resize
 * @client: QEMU
 */
void vp_resize_set_running (VpResize *self, VpQmpClient *client);

/** vp_resize_handle_event: hears of one of QEMU's events */
void vp_resize_handle_event (VpResize *self, const char *name, JsonObject *data);

/** vp_resize_set_gone: QEMU has ended; who waits is told */
void vp_resize_set_gone (VpResize *self);

/**
 * vp_resize_async:
 * @self: a resize
 * @cpus: how many CPUs the VM shall have; 0 for those that it has
 * @memory: how many bytes of memory; 0 for those that it has
 * @timeout_ms: longest wait for QEMU and the guest
 * @callback: called when all is done or refused, or time is up
 * @user_data: for @callback
 *
 * CPUs and memory change at the same time, each as far as it can. What is not finished in time goes
 * on. One at a time: a second is refused while somebody waits for the first, and later takes the
 * place of what is still under way.
 */
void vp_resize_async (VpResize *self,
                      guint cpus,
                      guint64 memory,
                      guint timeout_ms,
                      GAsyncReadyCallback callback,
                      gpointer user_data);

/**
 * vp_resize_finish:
 *
 * Returns: (transfer full) (nullable): {"state": "done|refused|pending", "cpus": {"asked": …,
 * "now": …, …}, "memory": {…}, "seconds": …}, with "error", as vp_failure_to_json() makes it,
 * unless it is done; %NULL when nothing was begun, or QEMU ended: with %VP_ERROR_USAGE, _STATE or
 * _NO_VM
 */
JsonObject *vp_resize_finish (VpResize *self, GAsyncResult *result, GError **error);

/**
 * vp_resize_add_status:
 * @self: a resize
 * @status: gets "cpus" and "memory": what there is, what was asked for and what can be
 */
void vp_resize_add_status (VpResize *self, JsonObject *status);

G_END_DECLS
