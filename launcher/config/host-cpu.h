#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * VpHostCpu:
 * @has_virtualization: the CPU shows "vmx" or "svm"
 * @is_amd: its vendor is AuthenticAMD
 * @address_bits: width of its physical addresses; 0 when it is not known
 *
 * What the host says about its processors, which are all alike.
 */
typedef struct
{
  gboolean has_virtualization;
  gboolean is_amd;
  guint address_bits;
} VpHostCpu;

/**
 * vp_host_cpu_read:
 * @sysfs: the host
 * @cpu: (out caller-allocates): what the first processor of /proc/cpuinfo is; nothing is known when
 *   that cannot be read
 */
void vp_host_cpu_read (VpSysfs *sysfs, VpHostCpu *cpu);

G_END_DECLS
