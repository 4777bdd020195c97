#include "devices/slot.h"

#include <string.h>

void
vp_slot_init (
    VpSlot *slot, const VpPlan *plan, const VpPlanPort *port, const char *bus, guint8 number)
{
  *slot = (VpSlot){ .port = port, .bus = bus, .number = number };

  if (port->kind == VP_PORT_PCI_SLOT)
    {
      slot->window.mem = G_MAXUINT32;
      slot->window.pref64 = VP_TOPOLOGY_PC_HOLE64;
    }
  else if (!vp_slot_is_bridged (slot))
    {
      vp_firmware_window (plan->firmware, port->reserve.mem, &slot->window.mem,
                          &slot->window.mem_alignment);
      vp_firmware_window (plan->firmware, port->reserve.pref64, &slot->window.pref64,
                          &slot->window.pref64_alignment);
    }
}

void
vp_slot_take (VpSlot *slot, const char *id, const VpPciFunction *function)
{
  g_return_if_fail (slot->holder == NULL);

  slot->holder = g_strdup (id);
  slot->is_host = function != NULL;
  slot->n_bars = 0;
  if (function == NULL)
    return;

  slot->address = function->address;
  slot->n_bars = function->n_bars;
  memcpy (slot->bars, function->bars, sizeof slot->bars);
}

void
vp_slot_vacate (VpSlot *slot)
{
  g_clear_pointer (&slot->holder, g_free);
}

gboolean
vp_slot_is_bridged (const VpSlot *slot)
{
  return slot->port->use == VP_PORT_BRIDGE;
}

gboolean
vp_slot_is_held_by (const VpSlot *slot, const VpPciFunction *function)
{
  if (slot->holder == NULL || slot->is_host != (function != NULL))
    return FALSE;

  return function == NULL || vp_pci_address_compare (&slot->address, &function->address) == 0;
}
