#pragma once

#include <glib.h>

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_sidecar_process_fork:
 * @socket: (out): this process's end of a socketpair with the other
 * @error: return location for a #GError
 *
 * Makes a process that is nobody's child, so that nobody has to reap it: QEMU will not, and a
 * runtime that reaps what it does not know could take it for QEMU. It is in a session of its own.
 *
 * Returns: 0 in the new process, 1 in the caller, -1 with %VP_ERROR_HOST
 */
int vp_sidecar_process_fork (int *socket, GError **error);

/**
 * vp_sidecar_process_detach:
 * @kept: (inout) (array length=n_kept): file descriptors to keep; they get other numbers, and are
 *   close-on-exec
 * @n_kept: how many
 *
 * Closes all others, 0 to 2 included: a runtime takes the end of its pipe for the end of QEMU.
 */
void vp_sidecar_process_detach (int *kept, guint n_kept);

/**
 * vp_sidecar_process_set_title:
 * @argc: of main()
 * @argv: of main(), whose memory is overwritten
 * @vm: (nullable): name of the VM
 *
 * What ps shows: who looks for QEMU by its command line is not to find us.
 */
void vp_sidecar_process_set_title (int argc, char **argv, const char *vm);

/**
 * vp_sidecar_process_highest_fd:
 *
 * Returns: the highest number of a file descriptor that this process has open
 */
int vp_sidecar_process_highest_fd (void);

G_END_DECLS
