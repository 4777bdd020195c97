#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpStartGuard:
 * @VP_START_GUARD_STARTING: a supervisor makes its run-dir; many may at once
 * @VP_START_GUARD_CLEARING: somebody clears up after dead supervisors, alone
 */
typedef enum
{
  VP_START_GUARD_STARTING,
  VP_START_GUARD_CLEARING,
} VpStartGuard;

/**
 * vp_start_guard_take:
 * @base: see vp_run_dir_base()
 * @guard: what for
 *
 * Between a supervisor's making of its folder and its lock on it the folder looks left over, so
 * whoever clears up keeps all from starting meanwhile; and a second one that clears up waits until
 * the first one is done, so that it finds the host's devices where they belong. Waits 10 s at most.
 *
 * Returns: a descriptor to close in the end, or -1 when time was up or the base is not there or not
 *   this user's
 */
int vp_start_guard_take (const char *base, VpStartGuard guard);

G_END_DECLS
