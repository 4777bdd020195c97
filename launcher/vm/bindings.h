#pragma once

#include "devices/inventory.h"

G_BEGIN_DECLS

/**
 * VpBindings:
 *
 * Host devices taken from their drivers, with a journal (see journal.h; written and synced before
 * the first change) that says to whom each one goes back and for which VM it was taken, so that
 * `vmplug release` and `vmplug gc` still know after a crash. And the IOMMU groups that a VM has
 * locked against the others.
 */
typedef struct _VpBindings VpBindings;

/**
 * vp_bindings_new:
 * @sysfs: the host; must outlive it
 * @root: where host paths start
 *
 * Returns: (transfer full): bindings of nobody: what they take is meant to stay
 */
VpBindings *vp_bindings_new (VpSysfs *sysfs, const char *root);

/**
 * vp_bindings_new_for_vm:
 * @sysfs: the host; must outlive it
 * @root: where host paths start
 * @vm: a VM's name, which this process holds the run-dir of
 *
 * Returns: (transfer full): bindings of a VM: what they take goes back when the VM is gone, by
 *   whosever hand
 */
VpBindings *vp_bindings_new_for_vm (VpSysfs *sysfs, const char *root, const char *vm);

/**
 * vp_bindings_free:
 *
 * Unlocks the groups. Gives nothing back.
 */
void vp_bindings_free (VpBindings *self);

/**
 * vp_bindings_get_sysfs:
 *
 * Returns: (transfer none): the host
 */
VpSysfs *vp_bindings_get_sysfs (VpBindings *self);

/**
 * vp_bindings_take:
 * @self: bindings
 * @function: a function that shall belong to vfio-pci
 * @error: return location for a #GError
 *
 * vp_bindings_take_all() of a single function, however long that takes.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR; the device is back with its driver and the journal clean
 */
gboolean vp_bindings_take (VpBindings *self, const VpPciFunction *function, GError **error);

/**
 * vp_bindings_take_all:
 * @self: bindings
 * @functions: (element-type VpPciFunction): functions that shall belong to vfio-pci
 * @deadline_ms: the longest wait for all of it; 0 for ever
 * @taken: (nullable) (element-type VpPciFunction): those that had another driver, or none, are
 * added
 * @error: return location for a #GError
 *
 * First all of them are noted, then all are unbound, then all are bound. When one fails the others
 * go back, in reverse. A driver that does not let go in time (it waits for its users, and the write
 * with it) is %VP_DEVICE_ERROR_BUSY; should it let go later, the device goes back to it at once, by
 * a thread that needs nothing of @self, or by whoever replays the journal if this process is gone.
 *
 * Returns: %FALSE with the first %VP_DEVICE_ERROR, and what could not be undone
 */
gboolean vp_bindings_take_all (VpBindings *self,
                               const GPtrArray *functions,
                               guint deadline_ms,
                               GPtrArray *taken,
                               GError **error);

/**
 * vp_bindings_give_back:
 * @self: bindings
 * @address: a function
 * @error: return location for a #GError
 *
 * To the driver that the journal names; without an entry, to whichever driver the kernel finds.
 * The entry is removed when that has worked, or when the host has no such device any more.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR
 */
gboolean vp_bindings_give_back (VpBindings *self, const VpPciAddress *address, GError **error);

/**
 * vp_bindings_reclaim:
 * @self: bindings
 * @address: a function
 * @vm: a VM that is dead, and of which this process holds the run-dir
 * @patience_ms: the longest wait for whoever has its IOMMU group open
 * @driver: (out) (nullable): the driver that it was given back to, "" for none; %NULL when nothing
 *   was to be done: the entry is not that VM's any more
 * @error: return location for a #GError
 *
 * Gives back what a VM has left behind. Never takes it away from who uses it now.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR, among them %VP_DEVICE_ERROR_BUSY
 */
gboolean vp_bindings_reclaim (VpBindings *self,
                              const VpPciAddress *address,
                              const char *vm,
                              guint patience_ms,
                              char **driver,
                              GError **error);

/**
 * vp_bindings_has:
 *
 * Returns: whether the journal has an entry for @address
 */
gboolean vp_bindings_has (VpBindings *self, const VpPciAddress *address);

/**
 * vp_bindings_is_with_vfio:
 *
 * Returns: whether the driver of the function at @address is a VFIO driver now
 */
gboolean vp_bindings_is_with_vfio (VpBindings *self, const VpPciAddress *address);

/**
 * vp_bindings_owes:
 *
 * Returns: whether the journal has an entry for @address that is, or could be, this VM's: one that
 *   the user has bound meanwhile to stay is not
 */
gboolean vp_bindings_owes (VpBindings *self, const VpPciAddress *address);

/**
 * vp_bindings_lock_group:
 * @self: bindings of a VM
 * @group: an IOMMU group
 * @error: return location for a #GError
 *
 * From now on no other VM may have anything of it. May be called from any thread, and again.
 *
 * Returns: %FALSE with an error as vp_group_lock_take()
 */
gboolean vp_bindings_lock_group (VpBindings *self, int group, GError **error);

/**
 * vp_bindings_unlock_group:
 * @self: bindings
 * @group: an IOMMU group, locked or not
 */
void vp_bindings_unlock_group (VpBindings *self, int group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBindings, vp_bindings_free)

G_END_DECLS
