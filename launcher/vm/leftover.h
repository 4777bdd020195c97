#pragma once

#include "launcher/vm/run-dir.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_leftover_note:
 * @run_dir: the VM's folder
 * @pid: its QEMU, which was just started
 *
 * Notes which process it is, by its pid and the moment of its start, for whoever clears up after
 * us. QEMU has a parent-death signal, so normally there is nobody to find.
 */
void vp_leftover_note (VpRunDir *run_dir, pid_t pid);

/**
 * vp_leftover_end:
 * @run_dir: the folder of a VM whose supervisor is dead
 * @pid: (out): the process that was ended, or 0
 * @error: return location for a #GError
 *
 * Kills the QEMU that was noted and waits until it is gone, 5 s at most; then nothing holds its
 * devices any more. It is the same process only if its start and its user are the same: a pid comes
 * again. Both are looked at while a pidfd holds on to the process.
 *
 * Returns: %FALSE with %VP_ERROR_HOST when it is still there
 */
gboolean vp_leftover_end (VpRunDir *run_dir, pid_t *pid, GError **error);

G_END_DECLS
