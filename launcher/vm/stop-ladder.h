#pragma once

#include "launcher/vm/qemu-process.h"
#include "qmp/client.h"

G_BEGIN_DECLS

/**
 * VpStopLadder:
 *
 * Ends QEMU, politely at first: system_powerdown, which a guest without ACPI ignores in silence;
 * after 30 s quit; after 5 s SIGTERM, for a main loop that does not answer; after 5 s SIGKILL.
 */
typedef struct _VpStopLadder VpStopLadder;

/**
 * vp_stop_ladder_new:
 * @client: QEMU's QMP
 * @process: QEMU
 *
 * Returns: (transfer full): a ladder that has not been climbed, free with vp_stop_ladder_free()
 */
VpStopLadder *vp_stop_ladder_new (VpQmpClient *client, VpQemuProcess *process);
void vp_stop_ladder_free (VpStopLadder *self);

/**
 * vp_stop_ladder_climb:
 * @self: a ladder
 * @force: whether to leave out the guest
 *
 * Takes the next rung at once, and the ones after it in time.
 */
void vp_stop_ladder_climb (VpStopLadder *self, gboolean force);

/**
 * vp_stop_ladder_is_climbing:
 *
 * Returns: whether it has been climbed at all
 */
gboolean vp_stop_ladder_is_climbing (VpStopLadder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpStopLadder, vp_stop_ladder_free)

G_END_DECLS
