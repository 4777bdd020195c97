#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * vp_plan_set_width:
 * @plan: a plan whose windows are known; its @phys_bits and @aperture_mib are set, and
 *   its warnings may grow
 * @policy: what is wanted
 * @error: return location for a #GError
 *
 * Chooses how many bits of address the guest's CPU needs for RAM and all windows, and checks that
 * it can have them and that firmware makes use of them.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT, with the arithmetic
 */
gboolean vp_plan_set_width (VpPlan *plan, const VpPlanPolicy *policy, GError **error);

G_END_DECLS
