#pragma once

#include "devices/lifecycle.h"
#include "launcher/vm/guest-bars.h"

G_BEGIN_DECLS

/**
 * vp_attachment_text_delay:
 * @state: a device's state
 * @host_changing: whether its host function is on its way from or to a driver
 * @bars: (nullable): what was last seen of its BARs
 *
 * Returns: (transfer full): what a device that is not usable yet is waiting for
 */
char *
vp_attachment_text_delay (VpDeviceState state, gboolean host_changing, const VpGuestBars *bars);

/**
 * vp_attachment_text_not_now:
 * @id: a device
 * @state: its state
 * @host_changing: whether its host function is on its way from or to a driver
 * @awaited: whether somebody waits for its removal
 *
 * Returns: (transfer full): a %VP_ERROR_STATE that says why it cannot be removed at this moment
 */
GError *vp_attachment_text_not_now (const char *id,
                                    VpDeviceState state,
                                    gboolean host_changing,
                                    gboolean awaited);

G_END_DECLS
