#pragma once

#include "devices/sysfs.h"
#include "launcher/config/config.h"
#include "launcher/config/host-cpu.h"

G_BEGIN_DECLS

/**
 * VpKvmFacts:
 * @open_errno: why /dev/kvm could not be opened for reading and writing; 0 when it was
 * @api_version: answer to KVM_GET_API_VERSION; 12 since Linux 2.6.22
 * @has_vendor_module: kvm_intel or kvm_amd is active (/sys/module)
 * @has_pvm: kvm_pvm is active: /dev/kvm answers, but only paravirtual guests boot
 * @cpu_virtualization: the CPU shows "vmx" or "svm"
 *
 * What the host says about KVM.
 */
typedef struct
{
  int open_errno;
  int api_version;
  gboolean has_vendor_module;
  gboolean has_pvm;
  gboolean cpu_virtualization;
} VpKvmFacts;

/**
 * vp_kvm_facts_read:
 * @sysfs: the host
 * @cpu: what vp_host_cpu_read() found there
 * @facts: (out caller-allocates): what was found
 */
void vp_kvm_facts_read (VpSysfs *sysfs, const VpHostCpu *cpu, VpKvmFacts *facts);

/**
 * vp_accelerator_choose:
 * @wanted: what the user asked for
 * @facts: what the host has
 * @reason: (out) (transfer full): why, one clause
 * @accel: (out): %VP_ACCEL_KVM or %VP_ACCEL_TCG
 * @error: return location for a #GError
 *
 * KVM is taken only where a stock guest can really run. Asked for by name it is never replaced.
 *
 * Returns: %FALSE with %VP_ERROR_HOST when KVM was asked for by name and cannot be had
 */
gboolean vp_accelerator_choose (
    VpAccel wanted, const VpKvmFacts *facts, VpAccel *accel, char **reason, GError **error);

/**
 * vp_accelerator_has_kvm:
 * @sysfs: the host
 * @reason: (out) (transfer full): why, or why not, one clause
 *
 * Returns: whether a guest that asks for no accelerator gets KVM
 */
gboolean vp_accelerator_has_kvm (VpSysfs *sysfs, char **reason);

/**
 * vp_accel_to_string:
 *
 * Returns: (transfer none): "auto", "kvm" or "tcg"
 */
const char *vp_accel_to_string (VpAccel accel);

G_END_DECLS
