#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * VpPlanner:
 *
 * Hands out ports, bridge slots, windows and I/O space while a plan is built. Each device takes the
 * next free thing and nothing looks ahead, which is why one more request never moves an earlier
 * device.
 */
typedef struct _VpPlanner VpPlanner;

/**
 * vp_planner_new:
 * @policy: what is wanted; must outlive the planner
 * @plan: where the ports go, without any yet; must outlive the planner
 *
 * Returns: (transfer full): free with vp_planner_free()
 */
VpPlanner *vp_planner_new (const VpPlanPolicy *policy, VpPlan *plan);
void vp_planner_free (VpPlanner *self);

/**
 * vp_planner_is_large:
 *
 * Returns: whether @function has a large BAR, by the threshold of @policy; never for %NULL
 */
gboolean vp_planner_is_large (const VpPlanPolicy *policy, const VpPciFunction *function);

/**
 * vp_planner_place:
 * @self: a planner
 * @request: a device
 * @need: the window that it needs
 * @device: (inout): gets its @plug, @port, @bus and @slot
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when no port can have the window it needs
 */
gboolean vp_planner_place (VpPlanner *self,
                           const VpPlanRequest *request,
                           const VpWindow *need,
                           VpPlanDevice *device,
                           GError **error);

/**
 * vp_planner_finish:
 * @self: a planner
 * @error: return location for a #GError
 *
 * Adds the spare ports behind the others, sums up the windows and puts the ports in order.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when there are more ports than addresses, or more
 *   window than any x86 processor can address
 */
gboolean vp_planner_finish (VpPlanner *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPlanner, vp_planner_free)

G_END_DECLS
