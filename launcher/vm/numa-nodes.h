#pragma once

#include "devices/sysfs.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * vp_numa_nodes_count:
 * @sysfs: the host
 *
 * Returns: how many NUMA nodes the host has, numbered from 0 without a gap; at least 1
 */
guint vp_numa_nodes_count (VpSysfs *sysfs);

/**
 * vp_numa_nodes_add:
 * @argv: (element-type utf8): a command line in the making
 * @config: what the user asked for, checked
 * @n_host_nodes: how many nodes the host has
 *
 * Shares CPUs and memory out to the guest's nodes, the first taking what is left over. The memory
 * of node N is taken from the host's node N, where there is one, so that a device there is near to
 * it. Nothing is added for a single node.
 */
void vp_numa_nodes_add (GPtrArray *argv, const VpConfig *config, guint n_host_nodes);

G_END_DECLS
