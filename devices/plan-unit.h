#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * VpPlanUnit:
 * @members: (element-type guint): indices of its requests, in their order
 * @plug: %VP_PLUG_COLD or %VP_PLUG_HOT
 * @bars: (element-type VpBar): of all members
 * @is_large: whether one of them has a large BAR
 * @boot_reason: (nullable): why it has to be there at boot although it is not large
 * @has_unknown_bars: whether its BARs are known only once it is open
 * @is_conventional: whether it is a conventional PCI device
 * @node: NUMA node on the host, or -1
 * @function_numbers: (element-type guint8): for each member its function in the guest
 *
 * What takes one slot in the guest: one device with all its functions that were asked for.
 */
typedef struct
{
  GArray *members;
  VpPlug plug;
  GArray *bars;
  gboolean is_large;
  const char *boot_reason;
  gboolean has_unknown_bars;
  gboolean is_conventional;
  int node;
  GArray *function_numbers;
} VpPlanUnit;

/**
 * vp_plan_units_new:
 * @policy: what is wanted
 * @requests: (array length=n_requests): the devices
 * @n_requests: how many
 * @at_largest: take the BARs of hot devices as large as they can be resized to
 * @error: return location for a #GError
 *
 * Puts the functions of one host device together.
 *
 * Returns: (transfer full) (element-type VpPlanUnit) (nullable): in the order of their first
 *   members; %NULL with %VP_DEVICE_ERROR_INVALID
 */
GPtrArray *vp_plan_units_new (const VpPlanPolicy *policy,
                              const VpPlanRequest *requests,
                              guint n_requests,
                              gboolean at_largest,
                              GError **error);

G_END_DECLS
