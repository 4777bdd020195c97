#pragma once

#include "devices/plan-unit.h"

G_BEGIN_DECLS

/**
 * vp_plan_device_name:
 * @ref: as in the request
 * @function: (nullable): as in the request
 *
 * Returns: (transfer full): what messages call a device: its PCI address, or @ref in quotes
 */
char *vp_plan_device_name (const char *ref, const VpPciFunction *function);

/**
 * vp_plan_reason:
 * @policy: what was wanted
 * @request: the device, a member of @unit
 * @unit: all functions of it
 * @device: where the plan has put it
 *
 * Returns: (transfer full): why it is there, one line for a person
 */
char *vp_plan_reason (const VpPlanPolicy *policy,
                      const VpPlanRequest *request,
                      const VpPlanUnit *unit,
                      const VpPlanDevice *device);

/**
 * vp_plan_warn:
 * @plan: a plan in the making; its warnings grow
 * @policy: what was wanted
 * @unit: what was placed last
 * @device: its first function
 *
 * Notes what the user has to know about it although it has a place.
 */
void vp_plan_warn (VpPlan *plan,
                   const VpPlanPolicy *policy,
                   const VpPlanUnit *unit,
                   const VpPlanDevice *device);

G_END_DECLS
