#include "devices/slot.h"

#include <string.h>

/* What firmware makes of one part of a port: the reserve, and no less than the cold devices. */
static void
size_part (const VpFirmware *firmware,
           guint64 reserve,
           guint64 need,
           guint64 need_alignment,
           guint64 *bytes,
           guint64 *alignment)
{
  vp_firmware_window (firmware, reserve, bytes, alignment);
  if (need > *bytes)
    {
      *bytes = need;
      *alignment = need_alignment;
    }
}

void
vp_slot_init (
    VpSlot *slot, const VpPlan *plan, const VpPlanPort *port, const char *bus, guint8 number)
{
  VpWindow *window = &slot->window;

  *slot = (VpSlot){ .port = port, .bus = bus, .number = number };

  if (port->kind == VP_PORT_PCI_SLOT && port->bridge == NULL)
    {
      window->mem = window->mem_alignment = G_MAXUINT32;
      window->pref64 = window->pref64_alignment = VP_TOPOLOGY_PC_HOLE64;
      /* Firmware makes room for a cold device, and the room outlives it. */
      if (port->use == VP_PORT_COLD && port->need.pref64 > window->pref64)
        window->pref64 = window->pref64_alignment = port->need.pref64;
      return;
    }
  size_part (plan->firmware, port->reserve.mem, port->need.mem, port->need.mem_alignment,
             &window->mem, &window->mem_alignment);
  size_part (plan->firmware, port->reserve.pref64, port->need.pref64, port->need.pref64_alignment,
             &window->pref64, &window->pref64_alignment);
}

void
vp_slot_take (VpSlot *slot, guint8 function_number, const char *id, const VpPciFunction *function)
{
  VpSlotHolder *holder;

  g_return_if_fail (slot != NULL && id != NULL && function_number < VP_SLOT_N_FUNCTIONS);
  holder = &slot->holders[function_number];
  g_return_if_fail (holder->id == NULL);

  *holder = (VpSlotHolder){ .id = g_strdup (id), .is_host = function != NULL };
  if (function == NULL)
    return;

  holder->address = function->address;
  holder->n_bars = function->n_bars;
  memcpy (holder->bars, function->bars, sizeof holder->bars);
}

void
vp_slot_vacate (VpSlot *slot, guint8 function_number)
{
  g_return_if_fail (slot != NULL && function_number < VP_SLOT_N_FUNCTIONS);

  g_free (slot->holders[function_number].id);
  slot->holders[function_number] = (VpSlotHolder){ 0 };
}

gboolean
vp_slot_is_free (const VpSlot *slot)
{
  for (guint i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    if (slot->holders[i].id != NULL)
      return FALSE;
  return TRUE;
}

gboolean
vp_slot_is_bridged (const VpSlot *slot)
{
  return slot->port->use == VP_PORT_BRIDGE;
}

gboolean
vp_slot_takes_hotplug (const VpSlot *slot)
{
  return vp_plan_port_has_acpi_hotplug (slot->port);
}

gboolean
vp_slot_is_free_port (const VpSlot *slot)
{
  return vp_slot_is_free (slot) && !vp_slot_is_bridged (slot) && vp_slot_takes_hotplug (slot);
}

gboolean
vp_slot_find_id (const VpSlot *slot, const char *id, guint8 *function_number)
{
  for (guint8 i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    if (g_strcmp0 (slot->holders[i].id, id) == 0)
      {
        *function_number = i;
        return TRUE;
      }
  return FALSE;
}

const VpSlotHolder *
vp_slot_find_function (const VpSlot *slot, const VpPciFunction *function)
{
  for (guint i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    {
      const VpSlotHolder *holder = &slot->holders[i];

      if (holder->id != NULL && holder->is_host &&
          vp_pci_address_compare (&holder->address, &function->address) == 0)
        return holder;
    }
  return NULL;
}

void
vp_slot_add_bars (const VpSlot *slot, GArray *bars)
{
  for (guint i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    g_array_append_vals (bars, slot->holders[i].bars, slot->holders[i].n_bars);
}
