#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpGroupLock:
 *
 * An IOMMU group belongs to one VM at a time: QEMU opens it as a whole. The lock is on the file
 * BASE/groups/GROUP, which says whose it is. It ends with its owner, also when that is killed.
 */
typedef struct _VpGroupLock VpGroupLock;

/**
 * vp_group_lock_take:
 * @base: see vp_run_dir_base()
 * @group: an IOMMU group
 * @vm: (nullable): whose it is to be; %NULL for somebody who is no VM
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): a lock, or %NULL with %VP_DEVICE_ERROR_BUSY naming the VM
 *   that has it, or %VP_DEVICE_ERROR_IO
 */
VpGroupLock *vp_group_lock_take (const char *base, int group, const char *vm, GError **error);

/**
 * vp_group_lock_release:
 * @self: (transfer full) (nullable): a lock of a group of which nothing is needed any more
 *
 * Removes the file, too.
 */
void vp_group_lock_release (VpGroupLock *self);

/**
 * vp_group_lock_check:
 * @base: see vp_run_dir_base()
 * @group: an IOMMU group
 * @vm: (nullable): the VM that asks, whose own lock is none to it
 * @error: return location for a #GError
 *
 * Asks without taking it, and makes nothing.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_BUSY naming the VM that has it
 */
gboolean vp_group_lock_check (const char *base, int group, const char *vm, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpGroupLock, vp_group_lock_release)

G_END_DECLS
