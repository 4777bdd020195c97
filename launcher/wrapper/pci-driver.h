#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VpPciDriver: what matters of one of QEMU's device drivers to a PCI bus */
typedef enum
{
  VP_PCI_DRIVER_NONE,   /* no PCI device: scsi-hd, pc-dimm, a CPU */
  VP_PCI_DRIVER_DEVICE, /* one that brings no PCI bus */
  VP_PCI_DRIVER_PORT,   /* brings a bus with one slot */
  VP_PCI_DRIVER_BRIDGE, /* brings a bus with 32 slots */
} VpPciDriver;

/**
 * vp_pci_driver_classify:
 * @name: a driver as device_add names it, also by one of QEMU's aliases
 *
 * Returns: what it is; a name that QEMU does not know is %VP_PCI_DRIVER_NONE or _DEVICE
 */
VpPciDriver vp_pci_driver_classify (const char *name);

G_END_DECLS
