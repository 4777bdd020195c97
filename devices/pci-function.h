#pragma once

#include "devices/pci-address.h"
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
 * @rom_size: bytes of its expansion ROM, or 0
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
  guint64 rom_size;
  gboolean is_virtual;
  VpPciAddress physical_function;
  guint n_virtual_functions;
  char *problem;
} VpPciFunction;

/**
 * vp_pci_function_read:
 * @sysfs: the host
 * @address: a function on its PCI bus
 *
 * Files that make no sense go into the function's problem.
 *
 * Returns: (transfer full) (nullable): free with vp_pci_function_free(); %NULL when there is no
 *   such function, also when it disappeared half way
 */
VpPciFunction *vp_pci_function_read (VpSysfs *sysfs, const VpPciAddress *address);
void vp_pci_function_free (VpPciFunction *self);

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPciFunction, vp_pci_function_free)

G_END_DECLS
