#pragma once

#include "launcher/vm/blueprint.h"
#include "launcher/vm/qemu.h"

G_BEGIN_DECLS

/**
 * vp_cold_fds_open:
 * @blueprint: what was decided
 * @qemu: one that is not started
 * @keepers: (element-type GObject): a list that owns what it holds; whatever is at the other end of
 *   a descriptor is added, to live as long as QEMU
 * @error: return location for a #GError
 *
 * Opens what the cold devices need and QEMU does not open itself, for QEMU to inherit.
 *
 * Returns: %FALSE with an error as of vp_plug_fd_open()
 */
gboolean
vp_cold_fds_open (const VpBlueprint *blueprint, VpQemu *qemu, GPtrArray *keepers, GError **error);

G_END_DECLS
