#pragma once

#include "devices/plan-unit.h"

G_BEGIN_DECLS

/**
 * VpPlanner:
 *
 * Decides where each device goes while a plan is built, and counts windows, I/O space and bus
 * numbers.
 */
typedef struct _VpPlanner VpPlanner;

/**
 * VpPlannerPlace:
 * @port: the port, in the plan
 * @bus: QEMU's name of the bus
 * @slot: slot on that bus
 *
 * Where a unit goes. Its strings belong to the plan.
 */
typedef struct
{
  const VpPlanPort *port;
  const char *bus;
  guint8 slot;
} VpPlannerPlace;

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
 * vp_planner_prepare_bridges:
 * @self: a planner that has placed nothing yet
 * @error: return location for a #GError
 *
 * Adds the bridges that are wanted from the start.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when there is no room for them
 */
gboolean vp_planner_prepare_bridges (VpPlanner *self, GError **error);

/**
 * vp_planner_place:
 * @self: a planner
 * @unit: a device
 * @place: (out caller-allocates): where it goes
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when there is no port, or none that can have the
 *   window it needs
 */
gboolean
vp_planner_place (VpPlanner *self, const VpPlanUnit *unit, VpPlannerPlace *place, GError **error);

/**
 * vp_planner_finish:
 * @self: a planner
 * @error: return location for a #GError
 *
 * Adds the spare ports behind the others, sums up what was handed out and puts the ports in order.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when there are more spare ports, windows or bus
 *   numbers wanted than there is room for
 */
gboolean vp_planner_finish (VpPlanner *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPlanner, vp_planner_free)

G_END_DECLS
