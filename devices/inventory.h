#pragma once

#include "devices/device-ref.h"
#include "devices/pci-resource.h"
#include "devices/sysfs.h"

G_BEGIN_DECLS

/**
 * VpPciFunction:
 * @address: where it is on the host
 * @class_code: 24 bits: base class, sub-class, programming interface
 * @vendor: PCI vendor id
 * @device: PCI device id
 * @driver: (nullable): name of the driver it is bound to
 * @group: IOMMU group, or -1
 * @cdev: N of /dev/vfio/devices/vfioN, or -1
 * @pcie: has a PCI Express capability; seen in a config space of more than 256 bytes
 * @numa_node: or -1
 * @bars: the BARs it has
 * @n_bars: how many
 * @is_virtual: an SR-IOV virtual function, of @physical_function
 * @physical_function: valid when @is_virtual
 * @n_virtual_functions: how many virtual functions of it are enabled
 * @problem: (nullable): why its files could not be understood; it is not assignable then
 */
typedef struct
{
  VpPciAddress address;
  guint32 class_code;
  guint16 vendor;
  guint16 device;
  char *driver;
  int group;
  int cdev;
  gboolean pcie;
  int numa_node;
  VpBar bars[VP_PCI_N_BARS];
  guint n_bars;
  gboolean is_virtual;
  VpPciAddress physical_function;
  guint n_virtual_functions;
  char *problem;
} VpPciFunction;

/**
 * vp_pci_function_is_bridge:
 *
 * Exactly host bridges (0x0600) and PCI bridges (0x0604), never a bit mask: NVSwitch (0x0680) is
 * an endpoint.
 *
 * Returns: whether the function is plumbing that is never given to a VM
 */
gboolean vp_pci_function_is_bridge (const VpPciFunction *function);

/**
 * vp_pci_function_largest_bar:
 *
 * Returns: (transfer none) (nullable): the largest 64-bit memory BAR, the first of equals
 */
const VpBar *vp_pci_function_largest_bar (const VpPciFunction *function);

/**
 * vp_pci_function_is_large:
 * @function: a function
 * @threshold: bytes
 *
 * Returns: whether one of its BARs vp_bar_is_large()
 */
gboolean vp_pci_function_is_large (const VpPciFunction *function, guint64 threshold);

typedef struct _VpInventory VpInventory;

/**
 * vp_inventory_read:
 * @sysfs: the host
 * @error: return location for a #GError
 *
 * Reads every PCI function once. A function that disappears while it is read is left out; one
 * whose files make no sense is kept, with its problem. Constant from then on.
 *
 * Returns: (transfer full) (nullable): free with vp_inventory_free(); %NULL only when there is no
 *   PCI bus at all
 */
VpInventory *vp_inventory_read (VpSysfs *sysfs, GError **error);
void vp_inventory_free (VpInventory *self);

/**
 * vp_inventory_get_functions:
 *
 * Returns: (transfer none) (element-type VpPciFunction): all functions in the order of their addresses
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
 * @will_bind: whether @function itself will be bound to vfio-pci first, so that its present
 *   driver does not matter; the other members of its group still do
 * @error: return location for a #GError
 *
 * The rule of drivers/vfio: every member of the group is bound to a VFIO driver, to pci-stub or
 * pcieport, or to no driver. The message names each culprit and its driver.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_IOMMU, _NOT_ASSIGNABLE, _NOT_BOUND or _NOT_VIABLE
 */
gboolean vp_inventory_check_assignable (const VpInventory *self,
                                        const VpPciFunction *function,
                                        gboolean will_bind,
                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpInventory, vp_inventory_free)

G_END_DECLS
