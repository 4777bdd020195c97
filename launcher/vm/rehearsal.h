#pragma once

#include "launcher/vm/blueprint.h"
#include "launcher/vm/rehearsal-report.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * vp_rehearsal_default_timeout:
 * @plan: what is to be rehearsed
 *
 * Returns: milliseconds after which firmware, emulated on a busy machine, has surely set up PCI. On
 *   an idle one SeaBIOS needs 0.1 s for one device and OVMF 3 s (measured).
 */
guint vp_rehearsal_default_timeout (const VpPlan *plan);

/**
 * vp_rehearsal_run_async:
 * @blueprint: a VM; must live until @callback
 * @timeout_ms: longest wait for firmware, from the moment that it runs
 * @cancellable: (nullable): ends it early
 * @callback: called once QEMU is gone again
 * @user_data: for @callback
 *
 * Starts QEMU with stand-ins for the host's devices (see vp_rehearsal_argv()) and looks until
 * every BAR has its place; or until nothing has changed for a while, because firmware is done or
 * hangs; or until time is up. Touches nothing on the host and leaves nothing behind.
 *
 * Looks at query-pci, and at the end, on q35, at the BAR registers of what query-pci shows as
 * unmapped, which it does too while a device's decoding is off.
 */
void vp_rehearsal_run_async (const VpBlueprint *blueprint,
                             guint timeout_ms,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

/**
 * vp_rehearsal_run_finish:
 *
 * Returns: (transfer full) (nullable): what was seen, whether it is good or bad; %NULL with
 *   %VP_ERROR_START when QEMU refused, in its own words, with %VP_ERROR_NO_VM when it died, or with
 *   %G_IO_ERROR_CANCELLED
 */
VpRehearsalReport *vp_rehearsal_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
