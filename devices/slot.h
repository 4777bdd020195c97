#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/** Functions of one slot (PCI 3.0, 6.1). */
#define VP_SLOT_N_FUNCTIONS 8

/**
 * VpSlotHolder:
 * @id: (nullable): id of the device that is this function of the slot; %NULL: nobody
 * @is_host: whether it is a host function, the one at @address
 * @address: where it is on the host
 * @bars: (array length=n_bars): its BARs
 * @n_bars: how many
 *
 * Who sits in a slot. What is to be known of it is copied, because an inventory read for one attach
 * does not live as long.
 */
typedef struct
{
  char *id;
  gboolean is_host;
  VpPciAddress address;
  VpBar bars[VP_PCI_N_BARS];
  guint n_bars;
} VpSlotHolder;

/**
 * VpSlot:
 * @port: the port that it is, or that leads to its bridge
 * @bus: QEMU's name of the bus
 * @number: slot on that bus
 * @window: what fits here; behind a bridge the devices share it
 * @holders: by their function numbers
 *
 * A place for one device with all its functions: a port, a slot of pci.0 or a slot behind a bridge.
 */
typedef struct
{
  const VpPlanPort *port;
  const char *bus;
  guint8 number;
  VpWindow window;
  VpSlotHolder holders[VP_SLOT_N_FUNCTIONS];
} VpSlot;

/**
 * vp_slot_init:
 * @slot: (out caller-allocates): gets a free slot
 * @plan: the plan that @port is of
 * @port: the port that leads to it
 * @bus: QEMU's name of the bus; borrowed
 * @number: slot on that bus
 */
void vp_slot_init (
    VpSlot *slot, const VpPlan *plan, const VpPlanPort *port, const char *bus, guint8 number);

/**
 * vp_slot_take:
 * @slot: a slot whose function @function_number is free
 * @function_number: which one
 * @id: who takes it
 * @function: (nullable): the host function it is
 */
void
vp_slot_take (VpSlot *slot, guint8 function_number, const char *id, const VpPciFunction *function);

/**
 * vp_slot_vacate:
 *
 * Makes function @function_number of @slot free; the window stays what it is.
 */
void vp_slot_vacate (VpSlot *slot, guint8 function_number);

/**
 * vp_slot_is_free:
 *
 * Returns: whether nobody sits in @slot
 */
gboolean vp_slot_is_free (const VpSlot *slot);

/**
 * vp_slot_is_bridged:
 *
 * Returns: whether @slot is behind a bridge
 */
gboolean vp_slot_is_bridged (const VpSlot *slot);

/**
 * vp_slot_takes_hotplug:
 *
 * Returns: whether devices may come to @slot while the guest runs
 */
gboolean vp_slot_takes_hotplug (const VpSlot *slot);

/**
 * vp_slot_is_free_port:
 *
 * Returns: whether @slot is a free hotplug port, or a free slot of pc's pci.0
 */
gboolean vp_slot_is_free_port (const VpSlot *slot);

/**
 * vp_slot_find_id:
 * @slot: a slot
 * @id: a device
 * @function_number: (out): its function
 *
 * Returns: whether @id sits in @slot
 */
gboolean vp_slot_find_id (const VpSlot *slot, const char *id, guint8 *function_number);

/**
 * vp_slot_find_function:
 * @slot: a slot
 * @function: a host function
 *
 * Returns: (transfer none) (nullable): the holder that is that host function
 */
const VpSlotHolder *vp_slot_find_function (const VpSlot *slot, const VpPciFunction *function);

/**
 * vp_slot_add_bars:
 * @slot: a slot
 * @bars: (element-type VpBar): grows by those of all its holders
 */
void vp_slot_add_bars (const VpSlot *slot, GArray *bars);

G_END_DECLS
