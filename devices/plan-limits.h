#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * vp_plan_check_limits:
 * @plan: a plan whose ports and devices are complete; its sums, @phys_bits and @aperture_mib are
 *   set, and its warnings may grow
 * @policy: what was wanted
 * @error: return location for a #GError
 *
 * Sums up what was handed out, and checks it against the bus numbers, the space below 4 GiB and the
 * address space that there are.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT, with the arithmetic
 */
gboolean vp_plan_check_limits (VpPlan *plan, const VpPlanPolicy *policy, GError **error);

G_END_DECLS
