#include "devices/slot-map.h"

#include "devices/byte-size.h"
#include "devices/device-id.h"
#include "devices/error.h"
#include "devices/quote.h"
#include "devices/slot.h"

/* How many holders a message names before it says "and N more". */
#define MAX_NAMED 8

struct _VpSlotMap
{
  const VpPlan *plan;
  GArray *slots; /* VpSlot, in the order of the ports */
};

static gboolean
is_free_port (const VpSlot *slot)
{
  return slot->holder == NULL && !vp_slot_is_bridged (slot);
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
  vp_slot_vacate (slot);
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
find_held (const VpSlotMap *self, const char *id)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      VpSlot *slot = slot_at (self, i);

      if (g_strcmp0 (slot->holder, id) == 0)
        return slot;
    }
  return NULL;
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
    {
      const VpPlanPort *port = g_ptr_array_index (plan->ports, i);

      if (port->use == VP_PORT_BRIDGE)
        for (guint n = VP_TOPOLOGY_BRIDGE_FIRST_SLOT; n <= VP_TOPOLOGY_BRIDGE_LAST_SLOT; n++)
          add_slot (self, port, port->bridge, (guint8) n);
      else if (port->kind == VP_PORT_PCI_SLOT)
        add_slot (self, port, vp_topology_root_bus (plan->machine), port->slot);
      else
        add_slot (self, port, port->id, 0);
    }

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = g_ptr_array_index (plan->devices, i);
      VpSlot *slot = find_planned (self, device);
      VpWindow need;

      vp_slot_take (slot, device->id, device->function);
      /* Firmware sizes the window of a cold device, and the window outlives the device. */
      if (device->plug == VP_PLUG_COLD &&
          vp_plan_device_window (plan->machine, device->function, &need, NULL))
        {
          slot->window.mem = MAX (slot->window.mem, need.mem);
          slot->window.pref64 = MAX (slot->window.pref64, need.pref64);
        }
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

  for (guint i = 0; i < self->slots->len; i++)
    {
      const VpSlot *other = slot_at (self, i);

      if (other->port == slot->port && other->holder != NULL)
        g_array_append_vals (bars, other->bars, other->n_bars);
    }
  g_array_append_vals (bars, function->bars, function->n_bars);
  return vp_plan_bridge_holds (&g_array_index (bars, const VpBar, 0), bars->len);
}

static gboolean
has_room (const VpSlotMap *self,
          const VpSlot *slot,
          const VpPciFunction *function,
          const VpWindow *need)
{
  if (slot->holder != NULL)
    return FALSE;
  if (!vp_slot_is_bridged (slot))
    return vp_window_holds (&slot->window, need);

  return function != NULL && !function->pcie && bridge_has_room (self, slot, function);
}

/* A bridge slot if @function may have one, else the port that wastes least. */
static VpSlot *
choose_slot (const VpSlotMap *self, const VpPciFunction *function, const VpWindow *need)
{
  VpSlot *best = NULL;

  for (guint i = 0; i < self->slots->len; i++)
    {
      VpSlot *slot = slot_at (self, i);

      if (!has_room (self, slot, function, need))
        continue;
      if (vp_slot_is_bridged (slot))
        return slot;
      if (best == NULL || slot->window.pref64 < best->window.pref64 ||
          (slot->window.pref64 == best->window.pref64 && slot->window.mem < best->window.mem))
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

  if (slot == NULL || slot->holder != NULL)
    return NULL;
  /* The plan prepared it for that device; for another that comes by its id it is like any slot. */
  if (device->function != NULL && function != NULL &&
      vp_pci_address_compare (&device->function->address, &function->address) == 0)
    return slot;
  return has_room (self, slot, function, need) ? slot : NULL;
}

static void
refuse_full (const VpSlotMap *self, GError **error)
{
  g_autoptr (GString) holders = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < self->slots->len; i++)
    {
      const VpSlot *slot = slot_at (self, i);

      if (vp_slot_is_bridged (slot))
        continue;
      if (n < MAX_NAMED)
        g_string_append_printf (holders, "%s%s: %s", n > 0 ? ", " : "", slot->port->id,
                                slot->holder);
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
      largest.mem = MAX (largest.mem, slot->window.mem);
      largest.pref64 = MAX (largest.pref64, slot->window.pref64);
    }

  if (is_full)
    refuse_full (self, error);
  else
    refuse_small (function, large_bar, need, &largest, error);
}

/* Refuses an id that means something else, and a function that is in the VM by another id. */
static gboolean
check_identity (const VpSlotMap *self,
                const char *id,
                const VpPciFunction *function,
                GError **error)
{
  g_autofree char *quoted = vp_quote (id);
  const VpSlot *held = find_held (self, id);

  if (vp_device_id_is_reserved (id))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "the id %s belongs to the VM's own ports and bridges", quoted);
      return FALSE;
    }

  if (held != NULL)
    {
      if (vp_slot_is_held_by (held, function) && vp_plan_find_device (self->plan, id) != NULL)
        return TRUE;
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "the id %s is taken by the device in %s", quoted, held->port->id);
      return FALSE;
    }

  for (guint i = 0; function != NULL && i < self->slots->len; i++)
    if (vp_slot_is_held_by (slot_at (self, i), function))
      {
        g_autofree char *name = vp_pci_address_to_string (&function->address);

        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                     "%s is in the VM already: as %s in %s", name, slot_at (self, i)->holder,
                     slot_at (self, i)->port->id);
        return FALSE;
      }
  return TRUE;
}

static VpPlace
place_of (const VpSlot *slot)
{
  return (VpPlace){ .port = slot->port->id, .bus = slot->bus, .slot = slot->number };
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

  if (!vp_plan_device_window (self->plan->machine, function, &need, error))
    {
      g_autofree char *name = vp_pci_address_to_string (&function->address);

      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }

  slot = own_slot (self, id, function, &need);
  if (slot == NULL)
    slot = choose_slot (self, function, &need);
  if (slot == NULL)
    {
      refuse (self, function, large_bar, &need, error);
      return FALSE;
    }

  vp_slot_take (slot, id, function);
  *place = place_of (slot);
  return TRUE;
}

void
vp_slot_map_release (VpSlotMap *self, const char *id)
{
  VpSlot *slot;

  g_return_if_fail (self != NULL && id != NULL);

  slot = find_held (self, id);
  if (slot != NULL)
    vp_slot_vacate (slot);
}

gboolean
vp_slot_map_find (VpSlotMap *self, const char *id, VpPlace *place)
{
  const VpSlot *slot;

  g_return_val_if_fail (self != NULL && id != NULL && place != NULL, FALSE);

  slot = find_held (self, id);
  if (slot == NULL)
    return FALSE;

  *place = place_of (slot);
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
