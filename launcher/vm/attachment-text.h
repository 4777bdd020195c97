#pragma once

#include "devices/lifecycle.h"
#include "launcher/vm/guest-bars.h"

G_BEGIN_DECLS

/**
 * vp_attachment_text_delay:
 * @state: a device's state
 * @host_changing: whether its host function is on its way from or to a driver
 * @is_hidden: whether the guest cannot see it before all functions of its slot are there
 * @bars: (nullable): what was last seen of its BARs
 *
 * Returns: (transfer full): what a device that is not usable yet is waiting for
 */
char *vp_attachment_text_delay (VpDeviceState state,
                                gboolean host_changing,
                                gboolean is_hidden,
                                const VpGuestBars *bars);

/**
 * vp_attachment_text_over:
 * @id: a device
 * @gone: whether QEMU is
 *
 * Returns: (transfer full): a %VP_ERROR_NO_VM or %VP_ERROR_STATE that says why it never was usable
 */
GError *vp_attachment_text_over (const char *id, gboolean gone);

/**
 * vp_attachment_text_bounced:
 * @id: a device that the guest let go at once
 *
 * Returns: (transfer full): a %VP_ERROR_REFUSED that says so
 */
GError *vp_attachment_text_bounced (const char *id);

/**
 * vp_attachment_text_mate:
 * @id: a device
 * @why: of what another function of its slot has failed
 *
 * Returns: (transfer full): an error of the same code that says that the device goes the same way
 */
GError *vp_attachment_text_mate (const char *id, const GError *why);

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
