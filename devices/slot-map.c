#include "devices/slot-map.h"

#include "devices/byte-size.h"
#include "devices/device-id.h"
#include "devices/device-need.h"
#include "devices/error.h"
#include "devices/quote.h"
#include "devices/slot.h"

/* How many holders a message names before it says "and N more". */
#define MAX_NAMED 8

/* Bridge windows start at any MiB (PCI-to-PCI Bridge 1.2, 3.2.5.6). */
#define ANY_ALIGNMENT (G_GUINT64_CONSTANT (1) << 20)

struct _VpSlotMap
{
  const VpPlan *plan;
  GArray *slots; /* VpSlot, in the order of the ports */
};

/* Behind an expander there is no ACPI hotplug. */
static gboolean
takes_hotplug (const VpSlot *slot)
{
  return slot->port->kind != VP_PORT_ROOT_PORT ||
         g_str_equal (slot->port->bus, vp_topology_root_bus (VP_MACHINE_Q35));
}

static gboolean
is_free_port (const VpSlot *slot)
{
  return vp_slot_is_free (slot) && !vp_slot_is_bridged (slot) && takes_hotplug (slot);
}

static VpSlot *
slot_at (const VpSlotMap *self, guint index)
{
  return &g_array_index (self->slots, VpSlot, index);
}

static void
add_slot (VpSlotMap *self, const VpPlanPort *port, const char *bus, guint8 number)
{
  VpSlot slot;

  vp_slot_init (&slot, self->plan, port, bus, number);
  g_array_append_val (self->slots, slot);
}

static void
clear_slot (gpointer slot)
{
  for (guint8 i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    vp_slot_vacate (slot, i);
}

static VpSlot *
find_planned (const VpSlotMap *self, const VpPlanDevice *device)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      VpSlot *slot = slot_at (self, i);

      if (slot->number == device->slot && g_str_equal (slot->port->id, device->port) &&
          g_str_equal (slot->bus, device->bus))
        return slot;
    }
  g_return_val_if_reached (NULL);
}

static VpSlot *
find_held (const VpSlotMap *self, const char *id, guint8 *function_number)
{
  for (guint i = 0; i < self->slots->len; i++)
    if (vp_slot_find_id (slot_at (self, i), id, function_number))
      return slot_at (self, i);
  return NULL;
}

static void
add_slots (VpSlotMap *self, const VpPlanPort *port)
{
  switch (port->use)
    {
    case VP_PORT_BRIDGE:
      for (guint n = VP_TOPOLOGY_BRIDGE_FIRST_SLOT; n <= VP_TOPOLOGY_BRIDGE_LAST_SLOT; n++)
        add_slot (self, port, port->bridge, (guint8) n);
      break;
    case VP_PORT_COLD:
    case VP_PORT_SPARE:
      if (port->kind == VP_PORT_PCI_SLOT)
        add_slot (self, port, port->bus, port->slot);
      else
        add_slot (self, port, port->id, 0);
      break;
    case VP_PORT_SWITCH:
      break; /* its downstream ports are ports of the plan */
    }
}

VpSlotMap *
vp_slot_map_new (const VpPlan *plan)
{
  VpSlotMap *self;

  g_return_val_if_fail (plan != NULL, NULL);

  self = g_new0 (VpSlotMap, 1);
  self->plan = plan;
  self->slots = g_array_new (FALSE, FALSE, sizeof (VpSlot));
  g_array_set_clear_func (self->slots, clear_slot);

  for (guint i = 0; i < plan->ports->len; i++)
    add_slots (self, plan->ports->pdata[i]);
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      vp_slot_take (find_planned (self, device), device->function_number, device->id,
                    device->function);
    }
  return self;
}

void
vp_slot_map_free (VpSlotMap *self)
{
  g_array_unref (self->slots);
  g_free (self);
}

/* Whether the bridge that @slot is behind has room for @function beside the others. */
static gboolean
bridge_has_room (const VpSlotMap *self, const VpSlot *slot, const VpPciFunction *function)
{
  g_autoptr (GArray) bars = g_array_new (FALSE, FALSE, sizeof (VpBar));
  VpWindow need;

  for (guint i = 0; i < self->slots->len; i++)
    if (slot_at (self, i)->port == slot->port)
      vp_slot_add_bars (slot_at (self, i), bars);
  vp_device_need_add_bars (bars, function, FALSE);
  return vp_device_need_on_port (bars, &need, NULL) && vp_window_holds (&slot->window, &need);
}

static gboolean
has_room (const VpSlotMap *self,
          const VpSlot *slot,
          const VpPciFunction *function,
          const VpWindow *need)
{
  if (!vp_slot_is_free (slot) || !takes_hotplug (slot))
    return FALSE;
  if (!vp_slot_is_bridged (slot))
    return vp_window_holds (&slot->window, need);

  /* On q35 only a conventional device is better off behind a bridge. */
  return (self->plan->root.machine == VP_MACHINE_PC || (function != NULL && !function->pcie)) &&
         bridge_has_room (self, slot, function);
}

static gboolean
wastes_less (const VpSlot *slot, const VpSlot *best)
{
  if (vp_slot_is_bridged (slot) != vp_slot_is_bridged (best))
    return vp_slot_is_bridged (best);
  return slot->window.pref64 < best->window.pref64 ||
         (slot->window.pref64 == best->window.pref64 && slot->window.mem < best->window.mem);
}

/* A bridge slot for a conventional device of q35, else the port that wastes least, and on pc a
 * bridge slot only when no other is left. */
static VpSlot *
choose_slot (const VpSlotMap *self, const VpPciFunction *function, const VpWindow *need)
{
  VpSlot *best = NULL;

  for (guint i = 0; i < self->slots->len; i++)
    {
      VpSlot *slot = slot_at (self, i);

      if (!has_room (self, slot, function, need))
        continue;
      if (vp_slot_is_bridged (slot) && self->plan->root.machine == VP_MACHINE_Q35)
        return slot;
      if (best == NULL || wastes_less (slot, best))
        best = slot;
    }
  return best;
}

/* The place of a device of the plan, while nobody else has it. */
static VpSlot *
own_slot (const VpSlotMap *self,
          const char *id,
          const VpPciFunction *function,
          const VpWindow *need)
{
  const VpPlanDevice *device = vp_plan_find_device (self->plan, id);
  VpSlot *slot = device != NULL ? find_planned (self, device) : NULL;

  if (slot == NULL || !vp_slot_is_free (slot))
    return NULL;
  /* The plan prepared it for that device; for another that comes by its id it is like any slot. */
  if (device->function != NULL && function != NULL && takes_hotplug (slot) &&
      vp_pci_address_compare (&device->function->address, &function->address) == 0)
    return slot;
  return has_room (self, slot, function, need) ? slot : NULL;
}

/* Who sits in @slot, "a" or "a, b". */
static void
append_holders (GString *text, const VpSlot *slot)
{
  const char *separator = "";

  for (guint i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    if (slot->holders[i].id != NULL)
      {
        g_string_append_printf (text, "%s%s", separator, slot->holders[i].id);
        separator = " and ";
      }
}

static void
refuse_full (const VpSlotMap *self, GError **error)
{
  g_autoptr (GString) holders = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < self->slots->len; i++)
    {
      const VpSlot *slot = slot_at (self, i);

      if (vp_slot_is_bridged (slot) || !takes_hotplug (slot))
        continue;
      if (n < MAX_NAMED)
        {
          g_string_append_printf (holders, "%s%s: ", n > 0 ? ", " : "", slot->port->id);
          append_holders (holders, slot);
        }
      n++;
    }
  if (n > MAX_NAMED)
    g_string_append_printf (holders, " and %u more", n - MAX_NAMED);

  if (n == 0)
    g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                         "no free hotplug port: the VM was started without any");
  else if (n == 1)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "no free hotplug port: the only one is taken (%s)", holders->str);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "no free hotplug port: all %u are taken (%s)", n, holders->str);
}

/* What a window is good for: of one that may start anywhere, the largest BAR that is sure to fit.
 */
static guint64
usable_part (guint64 bytes, guint64 alignment)
{
  guint64 size = vp_window_round_up (bytes);

  if (alignment > ANY_ALIGNMENT)
    return bytes;
  while (size > bytes || size - ANY_ALIGNMENT > bytes - size)
    size /= 2;
  return size;
}

static void
refuse_small (const VpPciFunction *function,
              guint64 large_bar,
              const VpWindow *need,
              const VpWindow *largest,
              GError **error)
{
  g_autofree char *name = vp_pci_address_to_string (&function->address);
  g_autofree char *pref64 = vp_byte_size_format (need->pref64);
  g_autofree char *mem = vp_byte_size_format (need->mem);
  g_autofree char *threshold = vp_byte_size_format (large_bar);
  g_autofree char *sizes = NULL;
  g_autofree char *advice = NULL;

  if (need->pref64 > largest->pref64)
    {
      g_autofree char *has = vp_byte_size_format (largest->pref64);

      sizes = g_strdup_printf ("need %s, the largest free port has %s", pref64, has);
    }
  else if (need->mem > largest->mem)
    {
      g_autofree char *has = vp_byte_size_format (largest->mem);

      sizes = g_strdup_printf ("need %s below 4 GiB, the largest free port has %s", mem, has);
    }
  else
    sizes =
        g_strdup_printf ("need %s and, below 4 GiB, %s, and no free port has both", pref64, mem);

  advice = vp_pci_function_is_large (function, large_bar)
               ? g_strdup_printf (" (a device with a BAR of %s or more belongs in the plan, as "
                                  "plug=cold)",
                                  threshold)
               : g_strdup ("");
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "no spare port is large enough: BARs of %s %s%s", name, sizes, advice);
}

static void
refuse (const VpSlotMap *self,
        const VpPciFunction *function,
        guint64 large_bar,
        const VpWindow *need,
        GError **error)
{
  VpWindow largest = { 0 };
  gboolean is_full = TRUE;

  for (guint i = 0; i < self->slots->len; i++)
    {
      const VpSlot *slot = slot_at (self, i);

      if (!is_free_port (slot))
        continue;
      is_full = FALSE;
      largest.mem = MAX (largest.mem, usable_part (slot->window.mem, slot->window.mem_alignment));
      largest.pref64 =
          MAX (largest.pref64, usable_part (slot->window.pref64, slot->window.pref64_alignment));
    }

  if (is_full)
    refuse_full (self, error);
  else
    refuse_small (function, large_bar, need, &largest, error);
}

/* Whether @holder is @function, or any emulated device for %NULL. */
static gboolean
is_same (const VpSlotHolder *holder, const VpPciFunction *function)
{
  return holder->is_host == (function != NULL) &&
         (function == NULL || vp_pci_address_compare (&holder->address, &function->address) == 0);
}

/* Refuses an id that means something else, and a function that is in the VM by another id. */
static gboolean
check_identity (const VpSlotMap *self,
                const char *id,
                const VpPciFunction *function,
                GError **error)
{
  g_autofree char *quoted = vp_quote (id);
  guint8 number;
  const VpSlot *held = find_held (self, id, &number);

  if (vp_device_id_is_reserved (id))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "the id %s belongs to the VM's own ports and bridges", quoted);
      return FALSE;
    }

  if (held != NULL)
    {
      if (is_same (&held->holders[number], function) &&
          vp_plan_find_device (self->plan, id) != NULL)
        return TRUE;
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "the id %s is taken by the device in %s", quoted, held->port->id);
      return FALSE;
    }

  for (guint i = 0; function != NULL && i < self->slots->len; i++)
    {
      const VpSlotHolder *holder = vp_slot_find_function (slot_at (self, i), function);
      g_autofree char *name = NULL;

      if (holder == NULL)
        continue;
      name = vp_pci_address_to_string (&function->address);
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "%s is in the VM already: as %s in %s", name, holder->id,
                   slot_at (self, i)->port->id);
      return FALSE;
    }
  return TRUE;
}

static VpPlace
place_of (const VpSlot *slot, guint8 function_number)
{
  VpPlace place = { .port = slot->port->id,
                    .bus = slot->bus,
                    .slot = slot->number,
                    .function_number = function_number };

  for (guint i = 1; function_number == 0 && i < VP_SLOT_N_FUNCTIONS; i++)
    place.multifunction |= slot->holders[i].id != NULL;
  return place;
}

static gboolean
find_need (const VpSlotMap *self, const VpPciFunction *function, VpWindow *need, GError **error)
{
  g_autoptr (GArray) bars = g_array_new (FALSE, FALSE, sizeof (VpBar));

  vp_device_need_add_bars (bars, function, FALSE);
  if (self->plan->root.machine == VP_MACHINE_PC ? vp_device_need_on_pci_slot (bars, need, error)
                                                : vp_device_need_on_port (bars, need, error))
    return TRUE;

  if (function != NULL)
    {
      g_autofree char *name = vp_pci_address_to_string (&function->address);

      g_prefix_error (error, "%s: ", name);
    }
  return FALSE;
}

gboolean
vp_slot_map_reserve (VpSlotMap *self,
                     const char *id,
                     const VpPciFunction *function,
                     guint64 large_bar,
                     VpPlace *place,
                     GError **error)
{
  VpWindow need;
  VpSlot *slot;

  g_return_val_if_fail (self != NULL && id != NULL && place != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_identity (self, id, function, error))
    return FALSE;
  if (vp_slot_map_find (self, id, place))
    return TRUE;

  if (!find_need (self, function, &need, error))
    return FALSE;

  slot = own_slot (self, id, function, &need);
  if (slot == NULL)
    slot = choose_slot (self, function, &need);
  if (slot == NULL)
    {
      refuse (self, function, large_bar, &need, error);
      return FALSE;
    }

  vp_slot_take (slot, 0, id, function);
  *place = place_of (slot, 0);
  return TRUE;
}

void
vp_slot_map_release (VpSlotMap *self, const char *id)
{
  guint8 number;
  VpSlot *slot;

  g_return_if_fail (self != NULL && id != NULL);

  slot = find_held (self, id, &number);
  if (slot != NULL)
    vp_slot_vacate (slot, number);
}

gboolean
vp_slot_map_find (VpSlotMap *self, const char *id, VpPlace *place)
{
  const VpSlot *slot;
  guint8 number;

  g_return_val_if_fail (self != NULL && id != NULL && place != NULL, FALSE);

  slot = find_held (self, id, &number);
  if (slot == NULL)
    return FALSE;

  *place = place_of (slot, number);
  return TRUE;
}

void
vp_slot_map_count (VpSlotMap *self, guint *total, guint *spare)
{
  guint n_total = 0, n_spare = 0;

  g_return_if_fail (self != NULL && total != NULL && spare != NULL);

  for (guint i = 0; i < self->slots->len; i++)
    {
      const VpSlot *slot = slot_at (self, i);

      n_total += vp_slot_is_bridged (slot) ? 0 : 1;
      n_spare += is_free_port (slot) ? 1 : 0;
    }
  *total = n_total;
  *spare = n_spare;
}
