#pragma once

#include "devices/address-space.h"
#include "devices/firmware.h"
#include "devices/inventory.h"
#include "devices/topology.h"
#include "devices/window.h"

G_BEGIN_DECLS

/** A 64-bit BAR of this size or more is large unless the user says otherwise. */
#define VP_PLAN_DEFAULT_LARGE_BAR (G_GUINT64_CONSTANT (4) << 30)

typedef enum
{
  VP_PLUG_AUTO, /* large: cold, otherwise hot */
  VP_PLUG_COLD,
  VP_PLUG_HOT,
} VpPlug;

/**
 * VpPlanRequest:
 * @ref: (not nullable): the reference as the user typed it, the name of a QEMU device driver, or
 *   the socket of a vfio-user device
 * @driver: (nullable): the name of that driver, which an id is made of, when @ref is not
 * @function: (nullable): the host function; %NULL for a device that QEMU emulates
 * @id: (nullable): the id to use; %NULL to have one made
 * @plug: what the user asked for
 * @is_mediated: it is a mediated device, which is no host function: sysfs does not tell its BARs
 * @is_vfio_user: it is emulated by a vfio-user server, which tells its BARs to who connects: most
 *   serve one client at a time, and some only one ever, so that nobody can ask before QEMU does
 *
 * One device to be placed. Borrows; the caller keeps all of it alive.
 */
typedef struct
{
  const char *ref;
  const VpPciFunction *function;
  const char *id;
  VpPlug plug;
  gboolean is_mediated;
  gboolean is_vfio_user;
  const char *driver;
} VpPlanRequest;

/**
 * VpPlanPolicy:
 * @root: the machine, and what is on its root bus beside host devices
 * @firmware: what will set up the windows
 * @large_bar: threshold in bytes
 * @n_spare: hotplug ports to keep free beside those for the hot devices asked for
 * @spare_window: bytes of 64-bit prefetchable space for each spare port, and for that of a hot
 *   device whose BARs are not known; 0 for as much as the largest hot device asked for, or the
 *   firmware's default
 * @space: what RAM takes of the address space
 * @n_bridges: bridges for hotplug that are there from the start, even with nothing behind them
 * @hot_on_bridge: whether a hot host device that a bridge has room for goes behind one, on q35 too
 * @taken_ids: (nullable) (element-type utf8): ids that a foreign machine has; a device that would
 *   get one of them gets another
 * @default_bits: address width of the guest's CPU; 0 when it is not known, and then not checked
 * @max_bits: the widest that it can be given, at least @default_bits
 */
typedef struct
{
  VpRootBus root;
  const VpFirmware *firmware;
  guint64 large_bar;
  guint n_spare;
  guint64 spare_window;
  guint n_bridges;
  gboolean hot_on_bridge;
  VpAddressSpace space;
  GHashTable *taken_ids;
  guint default_bits;
  guint max_bits;
} VpPlanPolicy;

typedef enum
{
  VP_PORT_ROOT_PORT,  /* a pcie-root-port; one device at slot 0 of its bus */
  VP_PORT_DOWNSTREAM, /* an xio3130-downstream of a switch; the same, but nothing can be reserved */
  VP_PORT_PCI_SLOT,   /* a slot of pc's pci.0 */
} VpPortKind;

typedef enum
{
  VP_PORT_COLD,   /* holds a cold device */
  VP_PORT_SPARE,  /* kept for hotplug */
  VP_PORT_BRIDGE, /* holds a pcie-pci-bridge; on pc, a pci-bridge */
  VP_PORT_SWITCH, /* holds an x3130-upstream, whose downstream ports are ports too */
} VpPortUse;

/**
 * VpPlanPort:
 * @id: QEMU id of the port, "port1"; for a slot of pci.0 our own name, "slot2"; in a foreign
 *   machine both with "vmplug-" in front
 * @kind: what it is
 * @use: what it is for
 * @bus: QEMU's name of the bus that it sits on
 * @slot: its slot there
 * @function: its function there
 * @chassis: unique chassis number, 1 and up; on pc that of the bridge in it, 0 for none
 * @need: what all the devices behind it need together
 * @reserve: bytes to ask the firmware for; 0 in a memory part leaves the firmware's default
 * @has_io: whether the port forwards I/O space at all
 * @bridge: (nullable): id of the bridge or switch in it
 */
typedef struct
{
  char *id;
  VpPortKind kind;
  VpPortUse use;
  char *bus;
  guint8 slot;
  guint8 function;
  guint8 chassis;
  VpWindow need;
  VpWindow reserve;
  gboolean has_io;
  char *bridge;
} VpPlanPort;

/**
 * VpPlanExpander:
 * @id: QEMU id of the pxb-pcie, and the name of its bus, "numa0"
 * @node: guest NUMA node
 * @slot: slot on pcie.0
 * @bus_nr: number of its root bus
 *
 * A root bus of its own for the devices of one NUMA node.
 */
typedef struct
{
  char *id;
  guint node;
  guint8 slot;
  guint8 bus_nr;
} VpPlanExpander;

/**
 * VpPlanDevice:
 * @ref: as in the request
 * @function: (nullable): a copy of nothing: borrowed from the inventory
 * @id: QEMU id
 * @plug: %VP_PLUG_COLD or %VP_PLUG_HOT
 * @port: id of the port that holds it
 * @bus: QEMU's name of the bus it sits on: the port, the bridge, or "pci.0"
 * @slot: slot on that bus
 * @function_number: its function there; 0 unless it is one of several of one host device
 * @multifunction: it is function 0, and there are others in its slot
 * @reason: why it is placed so, one line for a person
 */
typedef struct
{
  char *ref;
  const VpPciFunction *function;
  char *id;
  VpPlug plug;
  char *port;
  char *bus;
  guint8 slot;
  guint8 function_number;
  gboolean multifunction;
  char *reason;
} VpPlanDevice;

/**
 * VpPlace:
 * @port: id of the port, as in the plan
 * @bus: QEMU's name of the bus
 * @slot: slot on that bus
 * @function_number: function of that slot
 * @multifunction: it is function 0, and others are to join it
 *
 * Where a device sits. Its strings belong to the plan.
 */
typedef struct
{
  const char *port;
  const char *bus;
  guint8 slot;
  guint8 function_number;
  gboolean multifunction;
} VpPlace;

/**
 * VpPlan:
 * @root: as in the policy
 * @firmware: as in the policy
 * @ports: (element-type VpPlanPort): those of the root bus in the order of their addresses, then
 *   those of switches, then those of expanders
 * @expanders: (element-type VpPlanExpander): in the order of their nodes
 * @devices: (element-type VpPlanDevice): in the order of the requests
 * @warnings: (element-type utf8): what the user should know
 * @pref64_total: bytes of 64-bit prefetchable windows in all
 * @mem_total: bytes of windows below 4 GiB in all
 * @phys_bits: address width that the guest's CPU is to have; 0 when it is not known
 * @aperture_mib: MiB to ask OVMF for with opt/ovmf/X-PciMmio64Mb; 0 for nothing
 * @hot_on_bridge: as in the policy
 *
 * Where everything goes. Constant once built; a change makes a new plan. It borrows the functions
 * of the inventory, which must live longer.
 */
typedef struct
{
  VpRootBus root;
  const VpFirmware *firmware;
  GPtrArray *ports;
  GPtrArray *expanders;
  GPtrArray *devices;
  GPtrArray *warnings;
  guint64 pref64_total;
  guint64 mem_total;
  guint phys_bits;
  guint64 aperture_mib;
  gboolean hot_on_bridge;
} VpPlan;

/**
 * vp_plan_build:
 * @policy: what is wanted
 * @requests: (array length=n_requests): the devices, in the order the user gave them
 * @n_requests: how many
 * @error: return location for a #GError
 *
 * Gives every device a port and every port a window. Pure: equal inputs, equal plans, to the byte;
 * one more device never moves an earlier one.
 *
 * - Functions of one host device (0000:0a:00.0 and .1; not virtual ones, which are independent)
 * stay together in one slot with the numbers that they have on the host, so that a guest driver
 * finds them side by side. They are all cold as soon as one is; another function that is asked for
 * joins the others. Without function 0 the lowest one becomes it, because a guest that finds no
 * function 0 looks no further.
 * - A large device, and one asked for with plug=cold, is cold on a port of its own (q35) or a slot
 *   of pci.0 (pc), because firmware sizes windows before the guest runs.
 * - A mediated device is cold too, because its BARs are known only to who opens it, and a large one
 *   that comes later finds no window.
 * - Integrated graphics, and what connects other devices (NVSwitch), is cold, because it is of no
 * use to a driver that has started without it.
 * - Any other device is hot: a PCI Express one gets a port of its own; on pc a slot of pci.0.
 * - On q35 a conventional device gets a slot of a pcie-pci-bridge, cold ones and hot ones behind
 *   bridges of their own; only a large one, and a hot one that the bridge's window cannot hold,
 *   gets a port; with native hotplug every hot one does, as long as there are ports.
 * - @hot_on_bridge puts a PCI Express one there as well, as a conventional device to the guest, but
 *   not with native hotplug. The bridges of @n_bridges come before all devices.
 * - When the root bus is full, devices go behind switches (q35) or pci-bridges (pc).
 * - In a VM with NUMA nodes a cold device sits on the root bus of its own node. Hot ones do not:
 *   behind an expander there is no ACPI hotplug (QEMU hw/i386/acpi-build.c).
 * - plug=hot for a large device gets a port with a prepared window on q35 and is refused on pc.
 * - The window of a hot device holds its BARs as large as they can be resized to, if there is
 *   address space for that, because somebody may do so before it comes.
 * - A device with an I/O BAR that is there at boot must get it; a hot one does without when I/O
 *   space runs out.
 * - In a foreign machine ports go to the slots that it leaves free, from the top down; there are no
 *   switches and no root buses of nodes.
 * - The port of a bridge stands where its first device was asked for; spare ports stand behind all
 *   others, on pc as many as fit.
 *
 * Returns: (transfer full) (nullable): free with vp_plan_free(); %NULL with
 *   %VP_DEVICE_ERROR_NO_SLOT (too many ports, impossible window), %VP_DEVICE_ERROR_DUPLICATE (the
 *   same function or the same id twice) or %VP_DEVICE_ERROR_INVALID (functions of one device asked
 *   for as cold and as hot)
 */
VpPlan *vp_plan_build (const VpPlanPolicy *policy,
                       const VpPlanRequest *requests,
                       guint n_requests,
                       GError **error);
void vp_plan_free (VpPlan *plan);

/**
 * vp_plan_find_port:
 *
 * Returns: (transfer none) (nullable): the port called @id
 */
const VpPlanPort *vp_plan_find_port (const VpPlan *plan, const char *id);

/**
 * vp_plan_port_has_acpi_hotplug:
 *
 * Behind the port of a switch there is, and behind a pci-bridge (measured); behind an expander the
 * guest is left native hotplug only (QEMU hw/i386/acpi-build.c; measured).
 *
 * Returns: whether the guest can be told by ACPI of what comes to @port and leaves it
 */
gboolean vp_plan_port_has_acpi_hotplug (const VpPlanPort *port);

/**
 * vp_plan_find_device:
 *
 * Returns: (transfer none) (nullable): the device whose id is @id
 */
const VpPlanDevice *vp_plan_find_device (const VpPlan *plan, const char *id);

/**
 * vp_plan_find_in_port:
 * @plan: a plan
 * @port: id of a port
 * @n: 0, 1, 2…
 *
 * Returns: (transfer none) (nullable): the @n-th device that @port leads to, in the order of the
 *   requests
 */
const VpPlanDevice *vp_plan_find_in_port (const VpPlan *plan, const char *port, guint n);

/**
 * vp_plan_device_place:
 *
 * Returns: where @device sits; its strings belong to @device
 */
VpPlace vp_plan_device_place (const VpPlanDevice *device);

/**
 * vp_plan_guest_path:
 * @plan: a plan
 * @place: a place in one of its ports
 *
 * The path from the root complex that container agents look for: slots in hexadecimal, "03/00"
 * behind a root port, "03/00/02" behind a bridge, "0f.7/00/04/00" behind a switch, "05" on pci.0;
 * ".1" and so on is added to a slot whose function is not 0. On the root bus of a NUMA node its bus
 * number stands in front: "80:00/00".
 *
 * Returns: (transfer full): the path
 */
char *vp_plan_guest_path (const VpPlan *plan, const VpPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPlan, vp_plan_free)

G_END_DECLS
