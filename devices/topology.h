#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VP_MACHINE_Q35,
  VP_MACHINE_PC,
} VpMachineType;

/** Root ports that fit on pcie.0 beside our own devices: slots 0x01 to 0x0f, 8 functions each. */
#define VP_TOPOLOGY_MAX_ROOT_PORTS 120

/** Slots of pci.0 for host devices on pc: 0x02 to 0x11. Slot 1 is the PIIX3. */
#define VP_TOPOLOGY_MAX_PCI_SLOTS 16

/**
 * 64-bit memory of pci.0 on pc that a guest may give to a hotplugged device: i440FX's default
 * pci-hole64-size. What firmware gave to cold devices comes on top.
 */
#define VP_TOPOLOGY_PC_HOLE64 (G_GUINT64_CONSTANT (2) << 30)

/** Slots of a pcie-pci-bridge: 1 to 31. QEMU takes slot 0 cold, but SHPC and libvirt do not. */
#define VP_TOPOLOGY_BRIDGE_FIRST_SLOT 1
#define VP_TOPOLOGY_BRIDGE_LAST_SLOT  31

/**
 * vp_machine_type_parse:
 * @text: "q35" or "pc"
 * @type: (out): untouched on failure
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID
 */
gboolean vp_machine_type_parse (const char *text, VpMachineType *type, GError **error);

/**
 * vp_machine_type_to_string:
 *
 * Returns: (transfer none): QEMU's name of the machine
 */
const char *vp_machine_type_to_string (VpMachineType type);

/**
 * vp_topology_root_port_address:
 * @index: 0 to %VP_TOPOLOGY_MAX_ROOT_PORTS - 1
 * @slot: (out): slot on pcie.0
 * @function: (out): its function
 *
 * The first 15 ports get a slot each, the next 15 function 1 of the same slots, and so on: few
 * ports stay simple, and one more never moves the earlier ones.
 */
void vp_topology_root_port_address (guint index, guint8 *slot, guint8 *function);

/**
 * vp_topology_pci_slot:
 * @index: 0 to %VP_TOPOLOGY_MAX_PCI_SLOTS - 1
 *
 * Returns: the slot of pci.0 for the @index-th host device of a pc machine
 */
guint8 vp_topology_pci_slot (guint index);

/**
 * vp_topology_own_slot:
 * @machine: the machine
 * @index: 0, 1, 2… for each emulated device (disk, NIC, …) of the command line
 * @slot: (out): its slot on the root bus
 *
 * Counts up behind the ports, because guests number disks and network cards in the order of their
 * slots: the first disk of the command line is the guest's first. Slot 0x1f of q35 is the ICH9.
 *
 * Returns: %FALSE when the root bus is full
 */
gboolean vp_topology_own_slot (VpMachineType machine, guint index, guint8 *slot);

/**
 * vp_topology_root_bus:
 *
 * Returns: (transfer none): "pcie.0" or "pci.0"
 */
const char *vp_topology_root_bus (VpMachineType machine);

G_END_DECLS
