#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_memlock_need:
 * @ram: the guest's memory in bytes
 * @n_devices: how many VFIO devices the VM has, mediated ones included
 * @has_viommu: whether the guest has an IOMMU of its own
 *
 * VFIO pins the guest's memory once for each address space that its devices are in: one, unless the
 * guest has an IOMMU, when each device may have its own. 1 GiB is for what is not RAM (BARs of
 * other devices, firmware, video memory): libvirt's rule (qemu_domain.c,
 * qemuDomainGetMemLockLimitBytes).
 *
 * Returns: how many bytes QEMU must be allowed to lock; 0 without devices
 */
guint64 vp_memlock_need (guint64 ram, guint n_devices, gboolean has_viommu);

/**
 * vp_memlock_count_devices:
 * @status: a "status" document
 *
 * Returns: how many of the VM's devices are VFIO devices
 */
guint vp_memlock_count_devices (JsonObject *status);

/**
 * vp_memlock_has_viommu:
 * @argv: (array zero-terminated=1): QEMU's command line
 *
 * Returns: whether it gives the guest an IOMMU: -device intel-iommu, amd-iommu or virtio-iommu
 */
gboolean vp_memlock_has_viommu (char **argv);

G_END_DECLS
