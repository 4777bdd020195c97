#pragma once

#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_REMOVAL (vp_removal_get_type ())
G_DECLARE_FINAL_TYPE (VpRemoval, vp_removal, VP, REMOVAL, GObject)

/**
 * vp_removal_new:
 * @id: a device
 * @repeat: whether device_del may be sent again while the guest does not let go
 *
 * Asks QEMU to remove a device. That it agreed means only that the guest was asked: the end of the
 * removal is DEVICE_DELETED. With ACPI hotplug a request that the firmware saw is lost without an
 * event, so it is repeated every 5 s, at most 12 times in all. Where it may not be repeated, one
 * that was refused is tried again each second, 8 times: with native hotplug the slot of a device
 * that has just come is busy for 5 s.
 *
 * Signals: "gone" when QEMU does not know the device (any more); "refused" (GError *why) when no
 * request was taken. That one is refused after another was taken says only that it is under way.
 *
 * Returns: (transfer full): a removal that has not begun
 */
VpRemoval *vp_removal_new (const char *id, gboolean repeat);

/**
 * vp_removal_ask:
 * @self: a removal
 * @client: QEMU
 *
 * Begins, or asks once more: 1 s after the last time, or when it must not be repeated, 6 s.
 */
void vp_removal_ask (VpRemoval *self, VpQmpClient *client);

/**
 * vp_removal_is_asking:
 *
 * Returns: whether it has begun and is not over
 */
gboolean vp_removal_is_asking (VpRemoval *self);

/**
 * vp_removal_stop:
 * @self: a removal
 *
 * It is over, whatever its end was: no signal comes until it begins anew.
 */
void vp_removal_stop (VpRemoval *self);

G_END_DECLS
