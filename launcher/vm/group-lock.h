#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_group_lock_take:
 * @base: see vp_run_dir_base()
 * @group: an IOMMU group
 * @vm: (nullable): whose it is to be; %NULL for somebody who is no VM
 * @error: return location for a #GError
 *
 * An IOMMU group belongs to one VM at a time: QEMU opens it as a whole. The lock is on the file
 * BASE/groups/GROUP, which says whose it is and stays; it ends with the descriptor, so also when
 * its owner is killed.
 *
 * Returns: a descriptor to close when nothing of the group is needed any more, or -1 with
 *   %VP_DEVICE_ERROR_BUSY naming the VM that has it, or %VP_DEVICE_ERROR_IO
 */
int vp_group_lock_take (const char *base, int group, const char *vm, GError **error);

/**
 * vp_group_lock_check:
 * @base: see vp_run_dir_base()
 * @group: an IOMMU group
 * @error: return location for a #GError
 *
 * Asks without taking it, and makes nothing.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_BUSY naming the VM that has it
 */
gboolean vp_group_lock_check (const char *base, int group, GError **error);

G_END_DECLS
