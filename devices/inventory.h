#pragma once

#include "devices/device-ref.h"
#include "devices/pci-function.h"
#include "devices/sysfs.h"

G_BEGIN_DECLS

typedef struct _VpInventory VpInventory;

/**
 * vp_inventory_read:
 * @sysfs: the host
 * @error: return location for a #GError
 *
 * Reads every PCI function once. A function that disappears while it is read is left out, as is
 * a name that the kernel would not write; a function whose files make no sense is kept, with its
 * problem. Constant from then on.
 *
 * Returns: (transfer full) (nullable): free with vp_inventory_free(); %NULL only when there is no
 *   PCI bus at all
 */
VpInventory *vp_inventory_read (VpSysfs *sysfs, GError **error);
void vp_inventory_free (VpInventory *self);

/**
 * vp_inventory_get_functions:
 *
 * Returns: (transfer none) (element-type VpPciFunction): all functions in the order of their
 * addresses
 */
const GPtrArray *vp_inventory_get_functions (const VpInventory *self);

/**
 * vp_inventory_find:
 *
 * Returns: (transfer none) (nullable): the function at @address
 */
const VpPciFunction *vp_inventory_find (const VpInventory *self, const VpPciAddress *address);

/**
 * vp_inventory_get_group:
 *
 * Returns: (transfer container) (element-type VpPciFunction): the members of IOMMU group @group,
 *   bridges included, in the order of their addresses; empty if there is no such group
 */
GPtrArray *vp_inventory_get_group (const VpInventory *self, int group);

/**
 * vp_inventory_find_mdev:
 * @self: an inventory
 * @uuid: of a mediated device, in lower case
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NOT_FOUND when the host has no such device
 */
gboolean vp_inventory_find_mdev (const VpInventory *self, const char *uuid, GError **error);

/**
 * vp_inventory_resolve:
 * @self: an inventory
 * @ref: what the user named
 * @error: return location for a #GError
 *
 * A group stands for every endpoint in it; the other forms stand for one function. Whether they
 * can be assigned is not asked here.
 *
 * Returns: (transfer container) (element-type VpPciFunction) (nullable): at least one function, or
 *   %NULL with %VP_DEVICE_ERROR_NOT_FOUND, or %VP_DEVICE_ERROR_NOT_ASSIGNABLE for a group of
 *   bridges only and for a mediated device
 */
GPtrArray *vp_inventory_resolve (const VpInventory *self, const VpDeviceRef *ref, GError **error);

/**
 * vp_inventory_check_assignable:
 * @self: an inventory
 * @function: one of its functions
 * @taken: (nullable) (element-type VpPciFunction): functions that will be bound to vfio-pci first,
 *   so that their present drivers do not matter
 * @error: return location for a #GError
 *
 * The rule of drivers/vfio: every member of the group is bound to a VFIO driver, to pci-stub or
 * pcieport, or to no driver. The message names each culprit and its driver.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMU, _NOT_ASSIGNABLE, _NOT_BOUND or _NOT_VIABLE
 */
gboolean vp_inventory_check_assignable (const VpInventory *self,
                                        const VpPciFunction *function,
                                        const GPtrArray *taken,
                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpInventory, vp_inventory_free)

G_END_DECLS
