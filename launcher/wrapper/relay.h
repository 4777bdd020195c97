#pragma once

#include "launcher/wrapper/take-over-devices.h"

G_BEGIN_DECLS

/**
 * VpRelay:
 *
 * One client of the take-over and the connection to QEMU that is its own.
 */
typedef struct _VpRelay VpRelay;

/** Told once, when both sides are through with each other; may free @relay. */
typedef void (*VpRelayEnded) (VpRelay *relay, gpointer user_data);

/**
 * vp_relay_new:
 * @client: (transfer full): the client's connection
 * @qemu: (transfer full): the one to QEMU
 * @devices: referenced
 * @unplug_timeout_ms: as for vp_take_over_new()
 * @ended: called from the thread-default main context
 * @user_data: for @ended
 *
 * Returns: (transfer full): free with vp_relay_free(), which hangs up on both
 */
VpRelay *vp_relay_new (int client,
                       int qemu,
                       VpTakeOverDevices *devices,
                       guint unplug_timeout_ms,
                       VpRelayEnded ended,
                       gpointer user_data);
void vp_relay_free (VpRelay *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRelay, vp_relay_free)

G_END_DECLS
