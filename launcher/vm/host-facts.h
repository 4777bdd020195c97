#pragma once

#include "devices/sysfs.h"
#include "launcher/config/accelerator.h"
#include "launcher/config/firmware-file.h"
#include "launcher/config/host-cpu.h"

G_BEGIN_DECLS

/**
 * VpHostFacts:
 * @kvm: of /dev/kvm
 * @cpu: the processors
 * @iommu: (nullable): the first in /sys/class/iommu, "dmar0" of Intel, "ivhd0" of AMD
 * @n_groups: IOMMU groups
 * @remaps_interrupts: interrupts go through the IOMMU
 * @allows_unsafe_interrupts: VFIO takes devices even if they do not
 * @has_vfio_pci: the driver vfio-pci is there
 * @vfio_errno: why /dev/vfio/vfio could not be opened; 0 when it was
 * @has_cdevs: VFIO makes a node for each device
 * @iommufd_errno: why /dev/iommu could not be opened; 0 when it was
 * @memlock: bytes that QEMU may lock, %G_MAXUINT64 for any
 * @may_lock_all: that limit does not count (CAP_IPC_LOCK)
 * @qemu: the program, as it was asked for
 * @qemu_version: (nullable): "7.2.22"
 * @qemu_devices: (nullable): what "-device help" prints
 * @qemu_error: (nullable): why one of the two is missing
 * @iommufd_error: (nullable): why that QEMU cannot use iommufd; only where the kernel has it
 * @seabios: what QEMU takes when it is told no firmware
 * @ovmf: (nullable): the file of OVMF
 *
 * What passing devices through depends on.
 */
typedef struct
{
  VpKvmFacts kvm;
  VpHostCpu cpu;
  char *iommu;
  guint n_groups;
  gboolean remaps_interrupts;
  gboolean allows_unsafe_interrupts;
  gboolean has_vfio_pci;
  int vfio_errno;
  gboolean has_cdevs;
  int iommufd_errno;
  guint64 memlock;
  gboolean may_lock_all;
  char *qemu;
  char *qemu_version;
  char *qemu_devices;
  char *qemu_error;
  char *iommufd_error;
  VpFirmwareFile seabios;
  char *ovmf;
} VpHostFacts;

/**
 * vp_host_facts_read:
 * @facts: (out caller-allocates): what was found; vp_host_facts_clear() frees it
 * @sysfs: the host
 * @qemu: the program, looked up in PATH when it has no slash; it is run twice, for a
 *   bounded time, and a third time where the kernel has iommufd
 *
 * Whether interrupts are remapped no file says as such. The kernel names the interrupt controllers
 * in /proc/interrupts "IR-IO-APIC" and "IR-PCI-MSI" where they are, and "IO-APIC" and "PCI-MSI"
 * where not (drivers/iommu, intel/irq_remapping.c and amd/iommu.c; measured with emulated
 * intel-iommu and amd-iommu). Its log, where it says so as well, may be overwritten or forbidden.
 */
void vp_host_facts_read (VpHostFacts *facts, VpSysfs *sysfs, const char *qemu);
void vp_host_facts_clear (VpHostFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VpHostFacts, vp_host_facts_clear)

G_END_DECLS
