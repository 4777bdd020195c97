#pragma once

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
 * @ref: (not nullable): the reference as the user typed it, or the name of a QEMU device driver
 * @function: (nullable): the host function; %NULL for a device that QEMU emulates
 * @id: (nullable): the id to use; %NULL to have one made
 * @plug: what the user asked for
 *
 * One device to be placed. Borrows; the caller keeps all of it alive.
 */
typedef struct
{
  const char *ref;
  const VpPciFunction *function;
  const char *id;
  VpPlug plug;
} VpPlanRequest;

/**
 * VpPlanPolicy:
 * @machine: q35 or pc
 * @firmware: what will set up the windows
 * @large_bar: threshold in bytes
 * @n_spare: hotplug ports to keep free beside those for the hot devices asked for
 * @spare_window: bytes of 64-bit prefetchable space for each spare port; 0 for as much as the
 *   largest hot device asked for, or the firmware's default
 */
typedef struct
{
  VpMachineType machine;
  const VpFirmware *firmware;
  guint64 large_bar;
  guint n_spare;
  guint64 spare_window;
} VpPlanPolicy;

typedef enum
{
  VP_PORT_ROOT_PORT, /* a pcie-root-port on pcie.0; one device at slot 0 of its bus */
  VP_PORT_PCI_SLOT,  /* a slot of pc's pci.0 */
} VpPortKind;

typedef enum
{
  VP_PORT_COLD,   /* holds a cold device */
  VP_PORT_SPARE,  /* kept for hotplug */
  VP_PORT_BRIDGE, /* holds a pcie-pci-bridge */
} VpPortUse;

/**
 * VpPlanPort:
 * @id: QEMU id of the root port, "port1"; for a slot of pci.0 our own name, "slot2"
 * @kind: what it is
 * @use: what it is for
 * @slot: its slot on the root bus
 * @function: its function there
 * @chassis: unique chassis number, 1 and up; 0 for a slot of pci.0
 * @reserve: bytes to ask the firmware for; 0 in a memory part leaves the firmware's default
 * @has_io: whether the port forwards I/O space at all
 * @bridge: (nullable): id of the pcie-pci-bridge in it
 */
typedef struct
{
  char *id;
  VpPortKind kind;
  VpPortUse use;
  guint8 slot;
  guint8 function;
  guint8 chassis;
  VpWindow reserve;
  gboolean has_io;
  char *bridge;
} VpPlanPort;

/**
 * VpPlanDevice:
 * @ref: as in the request
 * @function: (nullable): a copy of nothing: borrowed from the inventory
 * @id: QEMU id
 * @plug: %VP_PLUG_COLD or %VP_PLUG_HOT
 * @port: id of the port that holds it
 * @bus: QEMU's name of the bus it sits on: the port, the bridge, or "pci.0"
 * @slot: slot on that bus
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
  char *reason;
} VpPlanDevice;

/**
 * VpPlan:
 * @machine: q35 or pc
 * @firmware: as in the policy
 * @ports: (element-type VpPlanPort): in the order of their addresses
 * @devices: (element-type VpPlanDevice): in the order of the requests
 * @warnings: (element-type utf8): what the user should know
 * @pref64_total: bytes of 64-bit prefetchable windows in all
 *
 * Where everything goes. Constant once built; a change makes a new plan. It borrows the functions
 * of the inventory, which must live longer.
 */
typedef struct
{
  VpMachineType machine;
  const VpFirmware *firmware;
  GPtrArray *ports;
  GPtrArray *devices;
  GPtrArray *warnings;
  guint64 pref64_total;
} VpPlan;

/**
 * vp_plan_build:
 * @policy: what is wanted
 * @requests: (array length=n_requests): the devices, in the order the user gave them
 * @n_requests: how many
 * @error: return location for a #GError
 *
 * Gives every device a port and every port a window. Pure: equal inputs, equal plans, to the byte;
 * one more request never moves an earlier device.
 *
 * - A large device, and one asked for with plug=cold, is cold on a root port of its own (q35) or a
 *   slot of pci.0 (pc), because firmware sizes windows before the guest runs.
 * - Any other device is hot: a PCI Express one gets a port of its own, a conventional one a slot of
 *   a pcie-pci-bridge (q35), or a port too when the bridge's window cannot hold it; on pc both get
 * a slot of pci.0.
 * - plug=hot for a large device gets a port with a prepared window on q35 and is refused on pc.
 * - The port of a bridge stands where its first device was asked for; spare ports stand behind all
 *   others, on pc as many as fit.
 *
 * Returns: (transfer full) (nullable): free with vp_plan_free(); %NULL with
 *   %VP_DEVICE_ERROR_NO_SLOT (too many ports, impossible window) or %VP_DEVICE_ERROR_DUPLICATE (the
 *   same function or the same id twice)
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
 * vp_plan_find_device:
 *
 * Returns: (transfer none) (nullable): the device whose id is @id
 */
const VpPlanDevice *vp_plan_find_device (const VpPlan *plan, const char *id);

/**
 * vp_plan_device_window:
 * @machine: the machine
 * @function: (nullable): a host function; an emulated device needs nothing beyond the default
 * @need: (out caller-allocates): the window that it needs in front of it
 * @error: return location for a #GError
 *
 * As vp_window_add_bars(), but on pc no bridge stands before the device, so that any 64-bit BAR may
 * be above 4 GiB and counts as prefetchable.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT
 */
gboolean vp_plan_device_window (VpMachineType machine,
                                const VpPciFunction *function,
                                VpWindow *need,
                                GError **error);

/**
 * vp_plan_bridge_holds:
 * @bars: (array length=n_bars): the BARs of all the devices behind one bridge
 * @n_bars: how many
 *
 * A pcie-pci-bridge has no reserve properties, and one on its port does not reach its own window
 * (measured): all that is hotplugged behind it shares %VP_PLAN_DEFAULT_WINDOW.
 *
 * Returns: whether the BARs fit together
 */
gboolean vp_plan_bridge_holds (const VpBar *bars, guint n_bars);

/**
 * vp_plan_guest_path:
 * @plan: a plan
 * @port: id of one of its ports
 * @bus: the bus of the device, as in #VpPlanDevice
 * @slot: the device's slot on it
 *
 * The path from the root complex that container agents look for: slots in hexadecimal, "03/00"
 * behind a root port, "03/00/02" behind a bridge, "05" on pci.0; ".1" and so on is added to a slot
 * whose function is not 0.
 *
 * Returns: (transfer full): the path
 */
char *vp_plan_guest_path (const VpPlan *plan, const char *port, const char *bus, guint8 slot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPlan, vp_plan_free)

G_END_DECLS
