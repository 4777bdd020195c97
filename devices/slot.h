#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * VpSlot:
 * @port: the port that it is, or that leads to its bridge
 * @bus: QEMU's name of the bus
 * @number: slot on that bus
 * @window: what fits here; unused behind a bridge, where the devices share one
 * @holder: (nullable): id of the device that sits here
 * @is_host: whether the holder is a host function, the one at @address
 * @address: where the holder is on the host
 * @bars: (array length=n_bars): the holder's BARs
 * @n_bars: how many
 *
 * A place for one device: a port, a slot of pci.0 or a slot behind a bridge. What is to be known of
 * the holder is copied, because an inventory read for one attach does not live as long.
 */
typedef struct
{
  const VpPlanPort *port;
  const char *bus;
  guint8 number;
  VpWindow window;

  char *holder;
  gboolean is_host;
  VpPciAddress address;
  VpBar bars[VP_PCI_N_BARS];
  guint n_bars;
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
 * @slot: a free slot
 * @id: who takes it
 * @function: (nullable): the host function it is
 */
void vp_slot_take (VpSlot *slot, const char *id, const VpPciFunction *function);

/**
 * vp_slot_vacate:
 *
 * Makes @slot free; its window stays what it is.
 */
void vp_slot_vacate (VpSlot *slot);

/**
 * vp_slot_is_bridged:
 *
 * Returns: whether @slot is behind a bridge
 */
gboolean vp_slot_is_bridged (const VpSlot *slot);

/**
 * vp_slot_is_held_by:
 * @slot: a slot
 * @function: (nullable): a host function; %NULL for an emulated device
 *
 * Returns: whether @slot is held by that function, or by any emulated device for %NULL
 */
gboolean vp_slot_is_held_by (const VpSlot *slot, const VpPciFunction *function);

G_END_DECLS
