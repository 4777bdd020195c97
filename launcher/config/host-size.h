#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * VpHostSize:
 * @n_cpus: how many are online; 0: not known
 * @n_nodes: NUMA nodes; 0: not known
 * @memory: bytes of RAM; 0: not known
 *
 * What a file means by "as much as the host has".
 */
typedef struct
{
  guint n_cpus;
  guint n_nodes;
  guint64 memory;
} VpHostSize;

void vp_host_size_read (VpSysfs *sysfs, VpHostSize *size);

G_END_DECLS
