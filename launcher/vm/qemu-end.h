#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpQemuEnd:
 * @wait_status: of its process, as waitpid() gives it
 * @words: (nullable): the last that it reported
 * @panicked: the guest did
 * @stopping: it was told to stop
 * @shutdown_reason: (nullable): of its SHUTDOWN event; %NULL when none was seen
 * @failure: (nullable): why we ended it
 *
 * How a QEMU ended. Borrows.
 */
typedef struct
{
  int wait_status;
  const char *words;
  gboolean panicked;
  gboolean stopping;
  const char *shutdown_reason;
  const GError *failure;
} VpQemuEnd;

/**
 * vp_qemu_end_describe:
 *
 * Returns: (transfer full): what it looks like from outside: how it ended, and its last words if it
 *   had any
 */
char *vp_qemu_end_describe (const VpQemuEnd *end);

/**
 * vp_qemu_end_is_guests:
 *
 * Returns: whether it ended because of something that the guest did: powered off, reset where that
 *   ends it, panicked
 */
gboolean vp_qemu_end_is_guests (const VpQemuEnd *end);

/**
 * vp_qemu_end_check:
 * @end: how it ended
 * @error: return location for a #GError
 *
 * Returns: %TRUE when the guest powered off, or QEMU was told to stop; %FALSE with %VP_ERROR_GUEST
 *   when the guest panicked, or %VP_ERROR_NO_VM when QEMU failed or was killed
 */
gboolean vp_qemu_end_check (const VpQemuEnd *end, GError **error);

G_END_DECLS
