#pragma once

#include "launcher/vm/qemu-end.h"
#include "launcher/vm/qemu-launch.h"
#include "launcher/vm/run-dir.h"
#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_QEMU (vp_qemu_get_type ())
G_DECLARE_FINAL_TYPE (VpQemu, vp_qemu, VP, QEMU, GObject)

/**
 * vp_qemu_new:
 *
 * A QEMU process with its QMP channel and its guest's console.
 *
 * Signals: "event" (const char *name, JsonObject *data), QEMU's own; "output" (GBytes *bytes) of
 * the console; "exited" once a QEMU that had started is gone.
 *
 * Returns: (transfer full): one that has not been started
 */
VpQemu *vp_qemu_new (void);

/**
 * vp_qemu_adopt:
 * @self: one that is not started
 * @adoption: whose it is
 *
 * vp_qemu_start_async() then launches it instead of spawning one. It is not paused and not let run:
 * both are its owner's to do. Its start is over as soon as it speaks QMP, and its console is not
 * ours.
 */
void vp_qemu_adopt (VpQemu *self, const VpQemuAdoption *adoption);

/**
 * vp_qemu_inherit:
 * @self: one that is not started
 * @fd: (transfer full): what a device of its command line needs
 *
 * The first one becomes VP_ARGV_DEVICE_FD in QEMU, or what stands behind its QMP in an adopted one,
 * and those after it the next.
 */
void vp_qemu_inherit (VpQemu *self, int fd);

/**
 * vp_qemu_start_async:
 * @self: a new one
 * @argv: (array zero-terminated=1): its command line, from vp_argv_build()
 * @run_dir: (nullable): where its console socket and its logs go; %NULL when it has neither
 * @callback: called once the guest runs, or once QEMU is gone again
 * @user_data: for @callback
 *
 * Spawns QEMU paused, shakes hands, lets the guest run. There is no deadline: with much memory to
 * pin QEMU takes minutes, and it answers or ends.
 */
void vp_qemu_start_async (
    VpQemu *self, char **argv, VpRunDir *run_dir, GAsyncReadyCallback callback, gpointer user_data);

/**
 * vp_qemu_start_finish:
 *
 * Returns: %FALSE with %VP_ERROR_START, in QEMU's own last words where it had any, or
 * %VP_ERROR_HOST
 */
gboolean vp_qemu_start_finish (VpQemu *self, GAsyncResult *result, GError **error);

/**
 * vp_qemu_stop:
 * @self: one that was started
 * @force: whether to leave out asking the guest
 *
 * Takes the next rung of the stop ladder: see vp_stop_ladder_climb().
 */
void vp_qemu_stop (VpQemu *self, gboolean force);

/**
 * vp_qemu_kill:
 * @self: one that was started, or is being started
 *
 * Ends it at once, without asking anybody: a QEMU that has nothing to lose.
 */
void vp_qemu_kill (VpQemu *self);

/**
 * vp_qemu_write_console:
 * @self: one that was started
 * @data: (array length=size): what is typed
 * @size: bytes
 */
void vp_qemu_write_console (VpQemu *self, const guint8 *data, gsize size);

/**
 * vp_qemu_get_client:
 *
 * Returns: (transfer none): its QMP channel, once it was started
 */
VpQmpClient *vp_qemu_get_client (VpQemu *self);

/**
 * vp_qemu_get_pid:
 *
 * Returns: its pid, or 0
 */
pid_t vp_qemu_get_pid (VpQemu *self);

/**
 * vp_qemu_get_state:
 *
 * Returns: (transfer none): "starting", "running", "paused", "guest-panicked", "shutdown" or
 * "ended"
 */
const char *vp_qemu_get_state (VpQemu *self);

/**
 * vp_qemu_get_end:
 * @self: one that has exited, or could not be started
 *
 * Returns: how it ended; borrows from @self
 */
VpQemuEnd vp_qemu_get_end (VpQemu *self);

/**
 * vp_qemu_check_end:
 * @self: one that has exited
 * @error: return location for a #GError
 *
 * Returns: %TRUE when the guest powered off, or QEMU was stopped with vp_qemu_stop(); %FALSE with
 *   %VP_ERROR_GUEST when the guest panicked, or %VP_ERROR_NO_VM when QEMU failed or was killed
 */
gboolean vp_qemu_check_end (VpQemu *self, GError **error);

G_END_DECLS
