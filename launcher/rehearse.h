#pragma once

#include "launcher/vm/rehearsal.h"

G_BEGIN_DECLS

/**
 * vp_rehearse:
 * @blueprint: a VM
 * @timeout_ms: longest wait for firmware
 * @signal_number: (out): SIGINT, SIGTERM or SIGHUP when one of them ended it, else 0
 * @error: return location for a #GError
 *
 * Runs a rehearsal on a main loop of its own. The signals stay blocked afterwards, as
 * vp_signals_open() has it.
 *
 * Returns: (transfer full) (nullable): see vp_rehearsal_run_finish()
 */
VpRehearsalReport *
vp_rehearse (const VpBlueprint *blueprint, guint timeout_ms, int *signal_number, GError **error);

/**
 * vp_rehearse_first:
 * @blueprint: a VM that is about to be started
 * @signal_number: (out): SIGINT, SIGTERM or SIGHUP when one of them ended it, else 0
 * @error: return location for a #GError
 *
 * Returns: whether it may be started: %FALSE with an error when its rehearsal has failed
 */
gboolean vp_rehearse_first (const VpBlueprint *blueprint, int *signal_number, GError **error);

G_END_DECLS
