#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VP_MACHINE_Q35,
  VP_MACHINE_PC,
} VpMachineType;

/** Slots of pci.0 for host devices on pc: 0x02 to 0x11. Slot 1 is the PIIX3. */
#define VP_TOPOLOGY_MAX_PCI_SLOTS 16

/** Guest NUMA nodes that can have a root bus of their own (pxb-pcie). */
#define VP_TOPOLOGY_MAX_NODES 8

/**
 * 64-bit memory of pci.0 on pc that a guest may give to a hotplugged device: i440FX's default
 * pci-hole64-size. What firmware gave to cold devices comes on top.
 */
#define VP_TOPOLOGY_PC_HOLE64 (G_GUINT64_CONSTANT (2) << 30)

/** Downstream ports of a switch: one in each slot of its inner bus. */
#define VP_TOPOLOGY_SWITCH_PORTS 32

/** Slots of a pcie-pci-bridge or pci-bridge: 1 to 31. QEMU takes slot 0 cold, but SHPC and libvirt
 * do not. */
#define VP_TOPOLOGY_BRIDGE_FIRST_SLOT 1
#define VP_TOPOLOGY_BRIDGE_LAST_SLOT  31

/**
 * VpForeignBus:
 * @is_foreign: the machine is somebody else's: our ports keep out of the way
 * @taken_slots: bit n: slot n of the root bus is not ours, which includes those that QEMU fills by
 *   itself
 * @first_chassis: the first chassis number that is ours
 * @n_chassis: how many of them are
 * @n_buses: bus numbers for the root bus and what we put behind it
 * @n_io_bridges: its bridges and ports that get I/O space
 *
 * What of a root bus belongs to somebody else.
 */
typedef struct
{
  gboolean is_foreign;
  guint32 taken_slots;
  guint8 first_chassis;
  guint n_chassis;
  guint n_buses;
  guint n_io_bridges;
} VpForeignBus;

/**
 * VpRootBus:
 * @machine: the machine
 * @n_own: our own emulated devices (disk, NIC, …) on it
 * @n_nodes: guest NUMA nodes, each with a root bus of its own, on q35; 0 or 1 for none
 * @is_native: whether ports tell the guest of hotplug themselves, and not ACPI: then a bridge has
 *   only SHPC, for which a guest needs a driver that not every kernel has, and waits 5 s each way
 *   (measured, Linux 6.1)
 * @foreign: what of it is somebody else's; @n_own and @n_nodes are 0 there
 *
 * What shares pcie.0 or pci.0 with the host devices: it decides how many ports there can be, and
 * where.
 */
typedef struct
{
  VpMachineType machine;
  guint n_own;
  guint n_nodes;
  gboolean is_native;
  VpForeignBus foreign;
} VpRootBus;

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
 * vp_topology_max_root_ports:
 * @root: a q35 root bus
 *
 * pcie.0 has 32 slots of 8 functions. Slot 0x00 is the host bridge, 0x1f the ICH9, and each own
 * device and each expander bridge takes one. In a foreign machine it is the slots and the chassis
 * numbers that are free which count.
 *
 * Returns: how many root ports fit, 240 when nothing else is there
 */
guint vp_topology_max_root_ports (const VpRootBus *root);

/**
 * vp_topology_root_port_address:
 * @root: a q35 root bus
 * @index: 0 to vp_topology_max_root_ports() - 1
 * @slot: (out): slot on pcie.0
 * @function: (out): its function
 *
 * The first 15 ports get a slot each, the next 15 function 1 of the same slots, and so on: few
 * ports stay simple and boot faster than packed ones (measured: 24 ports, ×1.25 instead of ×1.40),
 * and one more never moves the earlier ones. The slots that own devices leave free come last. In a
 * foreign machine it is the same with its free slots, from 0x1e down, because what has no address
 * there is put into the first free slot from 1 up.
 */
void
vp_topology_root_port_address (const VpRootBus *root, guint index, guint8 *slot, guint8 *function);

/**
 * vp_topology_n_switches:
 * @root: a q35 root bus
 *
 * Ports run out at vp_topology_max_root_ports(), bus numbers at 256, and every port takes one. The
 * last root ports therefore hold switches, and each switch %VP_TOPOLOGY_SWITCH_PORTS ports.
 *
 * Returns: how many of the last root ports are for switches; none in a foreign machine
 */
guint vp_topology_n_switches (const VpRootBus *root);

/**
 * vp_topology_n_buses:
 * @root: a q35 root bus
 *
 * Returns: bus numbers for pcie.0 and all behind it: 256, or 128 when NUMA nodes have the others;
 *   in a foreign machine what it leaves of them
 */
guint vp_topology_n_buses (const VpRootBus *root);

/**
 * vp_topology_expander:
 * @root: a q35 root bus with NUMA nodes
 * @node: 0 to @root's n_nodes - 1
 * @slot: (out): slot on pcie.0 of the node's expander bridge, counted down from 0x1e
 * @bus: (out): number of its root bus
 * @n_ports: (out): root ports that its range of bus numbers has room for
 *
 * The upper 128 bus numbers are shared out evenly.
 */
void
vp_topology_expander (const VpRootBus *root, guint node, guint8 *slot, guint8 *bus, guint *n_ports);

/**
 * vp_topology_max_pci_slots:
 * @root: a pc root bus
 *
 * Returns: how many slots of pci.0 are for host devices: %VP_TOPOLOGY_MAX_PCI_SLOTS, and no more
 *   than a foreign machine leaves free beside those for pci-bridges
 */
guint vp_topology_max_pci_slots (const VpRootBus *root);

/**
 * vp_topology_pci_slot:
 * @root: a pc root bus
 * @index: 0 to vp_topology_max_pci_slots() - 1
 *
 * Returns: the slot of pci.0 for the @index-th host device: counted up from 0x02, or in a foreign
 *   machine down from 0x1f
 */
guint8 vp_topology_pci_slot (const VpRootBus *root, guint index);

/**
 * vp_topology_mem_hole:
 *
 * Returns: bytes between RAM and the chipset's own addresses below 4 GiB, for 32-bit windows: from
 *   0xc0000000 on q35 and 0xe0000000 on pc up to the IOAPIC at 0xfec00000 (SeaBIOS, pciinit.c)
 */
guint64 vp_topology_mem_hole (VpMachineType machine);

/**
 * vp_topology_max_pci_bridges:
 * @root: a pc root bus
 *
 * SeaBIOS has 36 KiB of I/O space for pci.0 and gives 4 KiB to each pci-bridge, even an empty one:
 * with 9 it panics (pciinit.c; measured).
 *
 * Returns: how many pci-bridges fit behind the own devices, at most 8; in a foreign machine in a
 *   third of its free slots
 */
guint vp_topology_max_pci_bridges (const VpRootBus *root);

/**
 * vp_topology_pci_bridge_slot:
 * @root: a pc root bus
 * @index: 0 to vp_topology_max_pci_bridges() - 1
 *
 * Returns: its slot of pci.0, counted down from 0x1f, away from the own devices; in a foreign
 *   machine up from its lowest free slot, away from the host devices
 */
guint8 vp_topology_pci_bridge_slot (const VpRootBus *root, guint index);

/**
 * vp_topology_own_prefix:
 *
 * Returns: (transfer none): what the ids of our ports, bridges and slots begin with: "vmplug-" in a
 *   foreign machine, so that nothing there is called the same, else ""
 */
const char *vp_topology_own_prefix (const VpRootBus *root);

/**
 * vp_topology_own_slot:
 * @root: the root bus; its n_own is not looked at
 * @index: 0, 1, 2… for each emulated device (disk, NIC, …) of the command line
 * @slot: (out): its slot on the root bus
 *
 * Counts up behind the ports, because guests number disks and network cards in the order of their
 * slots: the first disk of the command line is the guest's first. Slot 0x1f of q35 is the ICH9.
 *
 * Returns: %FALSE when the root bus is full
 */
gboolean vp_topology_own_slot (const VpRootBus *root, guint index, guint8 *slot);

/**
 * vp_topology_root_bus:
 *
 * Returns: (transfer none): "pcie.0" or "pci.0"
 */
const char *vp_topology_root_bus (VpMachineType machine);

G_END_DECLS
