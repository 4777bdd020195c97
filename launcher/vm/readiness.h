#pragma once

#include "launcher/config/config.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** QEMU's id of the port that the guest opens when it is ready. */
#define VP_READINESS_PORT_ID "ready-port"

/**
 * VpReadiness:
 *
 * Decides from what the console shows, or from QEMU's events, when the guest is ready for hotplugs.
 * Does no waiting itself.
 */
typedef struct _VpReadiness VpReadiness;

/**
 * vp_readiness_new:
 * @ready: what the user asked for; must outlive it
 *
 * Returns: (transfer full): free with vp_readiness_free()
 */
VpReadiness *vp_readiness_new (const VpReady *ready);
void vp_readiness_free (VpReadiness *self);

/**
 * vp_readiness_feed:
 * @self: a readiness
 * @data: (array length=size): console output, cut anywhere
 * @size: bytes
 *
 * A pattern is looked for in the last 4 KiB, so a match may span pieces.
 *
 * Returns: whether the pattern has been seen, now or earlier
 */
gboolean vp_readiness_feed (VpReadiness *self, const char *data, gsize size);

/**
 * vp_readiness_handle_event:
 * @self: a readiness
 * @name: one of QEMU's events
 * @data: its data
 *
 * VSERPORT_CHANGE tells when the guest opens or closes a port that has an id
 * (hw/char/virtio-console.c). QEMU sends the first at once and holds back all but the last of what
 * follows within a second, so the first open is never lost (measured).
 *
 * Returns: whether the port has been open, now or earlier
 */
gboolean vp_readiness_handle_event (VpReadiness *self, const char *name, JsonObject *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpReadiness, vp_readiness_free)

G_END_DECLS
