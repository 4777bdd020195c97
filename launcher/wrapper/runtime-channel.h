#pragma once

#include "launcher/vm/run-dir.h"
#include "launcher/wrapper/foreign-vm.h"
#include "launcher/wrapper/hand-over.h"

G_BEGIN_DECLS

/** Socket in the VM's run-dir on which QEMU listens instead. */
#define VP_RUNTIME_CHANNEL_SOCKET "runtime"

/**
 * VpRuntimeChannel:
 *
 * The QMP channel over which a runtime speaks to QEMU, on its way into our hands: we keep the
 * runtime's listening socket, and QEMU gets another one in its place.
 */
typedef struct _VpRuntimeChannel VpRuntimeChannel;

/**
 * vp_runtime_channel_new:
 * @qmp: where the caller's command line has QMP
 * @listener: (transfer full): that listening socket, if it is one that QEMU inherits; else -1
 * @error: return location for a #GError
 *
 * A path is bound here, as QEMU would do it.
 *
 * Returns: (transfer full) (nullable): %NULL with %VP_ERROR_HOST, or %VP_ERROR_USAGE for a channel
 *   that cannot be taken over
 */
VpRuntimeChannel *vp_runtime_channel_new (const VpForeignQmp *qmp, int listener, GError **error);

/**
 * vp_runtime_channel_free:
 *
 * Removes a socket that it has made.
 */
void vp_runtime_channel_free (VpRuntimeChannel *self);

/**
 * vp_runtime_channel_take_listener:
 *
 * Returns: (transfer full): the runtime's listening socket; once
 */
int vp_runtime_channel_take_listener (VpRuntimeChannel *self);

/**
 * vp_runtime_channel_divert:
 * @self: a channel
 * @run_dir: where QEMU is to listen instead
 * @hand_over: gets QEMU's new listening socket, and the one argument that a path needs changed
 * @free_fd: a number that QEMU has nothing open under
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_runtime_channel_divert (
    VpRuntimeChannel *self, VpRunDir *run_dir, VpHandOver *hand_over, int free_fd, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRuntimeChannel, vp_runtime_channel_free)

G_END_DECLS
