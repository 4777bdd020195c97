#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpCpuSteps:
 * @now: how many CPUs there are
 * @max: how many there can be
 * @hot: (element-type utf8): the ids of those that were added, the lowest first
 * @adds: (element-type JsonObject): arguments of device_add, in the order to send them
 * @removals: (element-type utf8): ids for device_del, in the order to send them
 *
 * What makes as many CPUs of those that there are as are wanted. One of the lists is empty.
 */
typedef struct
{
  guint now;
  guint max;
  GPtrArray *hot;
  GPtrArray *adds;
  GPtrArray *removals;
} VpCpuSteps;

/**
 * vp_cpu_steps_new:
 * @slots: (nullable): what query-hotpluggable-cpus returned
 * @wanted: how many CPUs there shall be; 0 for those that there are
 * @error: return location for a #GError
 *
 * QEMU lists every CPU that there can be, the highest first, with "qom-path" if it is there
 * (hw/core/machine-hmp-cmds.c, machine_query_hotpluggable_cpus(); measured). CPUs are added from
 * the lowest on, as "cpuN" with N from 0 in that order, and removed from the highest on. One that
 * QEMU started with is not below /machine/peripheral, has no id, and stays.
 *
 * Returns: (transfer full) (nullable): free with vp_cpu_steps_free(); %NULL with %VP_ERROR_USAGE
 *   (more than can be, or fewer than those that stay) or %VP_QMP_ERROR_PROTOCOL
 */
VpCpuSteps *vp_cpu_steps_new (JsonNode *slots, guint wanted, GError **error);
void vp_cpu_steps_free (VpCpuSteps *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpCpuSteps, vp_cpu_steps_free)

G_END_DECLS
