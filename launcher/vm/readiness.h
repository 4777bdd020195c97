#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * VpReadiness:
 *
 * Decides from what the console shows when the guest is ready for hotplugs. Does no waiting itself.
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpReadiness, vp_readiness_free)

G_END_DECLS
