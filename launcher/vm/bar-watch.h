#pragma once

#include "devices/topology.h"
#include "launcher/vm/guest-bars.h"
#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_BAR_WATCH (vp_bar_watch_get_type ())
G_DECLARE_FINAL_TYPE (VpBarWatch, vp_bar_watch, VP, BAR_WATCH, GObject)

/** A guest assigns the BARs of a device in one go; half assigned for this long means no room. */
#define VP_BAR_WATCH_SETTLE_MS 3000

/**
 * vp_bar_watch_new:
 * @id: a device
 *
 * Looks at a device's BARs again and again, first often, then every 2 s, until the guest has mapped
 * them all.
 *
 * Signals: "mapped" once all are; "stuck" when some, but not all, have been mapped for
 * %VP_BAR_WATCH_SETTLE_MS. Both end the watch.
 *
 * Returns: (transfer full): a watch that has not begun
 */
VpBarWatch *vp_bar_watch_new (const char *id);

/**
 * vp_bar_watch_start:
 * @self: a watch
 * @client: QEMU
 * @machine: the machine type
 *
 * Begins, or begins anew.
 */
void vp_bar_watch_start (VpBarWatch *self, VpQmpClient *client, VpMachineType machine);

/**
 * vp_bar_watch_stop:
 * @self: a watch
 *
 * No signal comes after this until it is started again.
 */
void vp_bar_watch_stop (VpBarWatch *self);

/**
 * vp_bar_watch_get_bars:
 *
 * Returns: (transfer none) (nullable): what was seen last, or %NULL before the first look
 */
const VpGuestBars *vp_bar_watch_get_bars (VpBarWatch *self);

G_END_DECLS
