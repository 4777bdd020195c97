#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_memlock_limit_raise:
 * @pid: a QEMU that runs; 0 for this process, which hands its limit down to the QEMU that it starts
 * @need: how many bytes it must be allowed to lock, see vp_memlock_need(); 0 for none
 * @error: return location for a #GError
 *
 * Raises RLIMIT_MEMLOCK: the soft limit up to the hard one, which any process may do, and the hard
 * one where we may. Never lowers it. Who has CAP_IPC_LOCK has no limit (mm/util.c,
 * __account_locked_vm).
 *
 * Returns: %FALSE with %VP_ERROR_MEMLOCK, which says what is needed and what may be had; nothing
 * has changed
 */
gboolean vp_memlock_limit_raise (pid_t pid, guint64 need, GError **error);

G_END_DECLS
