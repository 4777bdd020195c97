#include "devices/slot-map.h"

#include "devices/device-id.h"
#include "devices/device-need.h"
#include "devices/error.h"
#include "devices/quote.h"
#include "devices/siblings.h"
#include "devices/slot-refusal.h"
#include "devices/slot.h"

struct _VpSlotMap
{
  const VpPlan *plan;
  GArray *slots; /* VpSlot, in the order of the ports */
};

/* What is to share one slot, and what it needs there. */
typedef struct
{
  VpSlotRequest *requests;
  guint n_requests;
  GArray *bars; /* VpBar, of all */
  VpWindow need;
} Wish;

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

/* Whether the bridge that @slot is behind has room for @wish beside the others. */
static gboolean
bridge_has_room (const VpSlotMap *self, const VpSlot *slot, const Wish *wish)
{
  g_autoptr (GArray) bars = g_array_copy (wish->bars);
  VpWindow need;

  for (guint i = 0; i < self->slots->len; i++)
    if (slot_at (self, i)->port == slot->port)
      vp_slot_add_bars (slot_at (self, i), bars);
  return vp_device_need_on_port (bars, &need, NULL) && vp_window_holds (&slot->window, &need);
}

/* Whether it goes behind a bridge of q35: a conventional device, and any host device if the user
 * would have it so. */
static gboolean
likes_bridges (const VpSlotMap *self, const Wish *wish)
{
  for (guint i = 0; i < wish->n_requests; i++)
    if (wish->requests[i].function == NULL ||
        (wish->requests[i].function->pcie && !self->plan->hot_on_bridge))
      return FALSE;
  return TRUE;
}

static gboolean
has_room (const VpSlotMap *self, const VpSlot *slot, const Wish *wish)
{
  if (!vp_slot_is_free (slot) || !vp_slot_takes_hotplug (slot))
    return FALSE;
  if (!vp_slot_is_bridged (slot))
    return vp_window_holds (&slot->window, &wish->need);

  return (self->plan->root.machine == VP_MACHINE_PC || likes_bridges (self, wish)) &&
         bridge_has_room (self, slot, wish);
}

static gboolean
wastes_less (const VpSlot *slot, const VpSlot *best)
{
  if (vp_slot_is_bridged (slot) != vp_slot_is_bridged (best))
    return vp_slot_is_bridged (best);
  return slot->window.pref64 < best->window.pref64 ||
         (slot->window.pref64 == best->window.pref64 && slot->window.mem < best->window.mem);
}

/* A bridge slot for a conventional device of q35, else the port that wastes least; on pc, unless
 * the user would have it so, and where a bridge has only SHPC, a bridge slot only when no other is
 * left.
 */
static VpSlot *
choose_slot (const VpSlotMap *self, const Wish *wish)
{
  VpSlot *best = NULL;

  for (guint i = 0; i < self->slots->len; i++)
    {
      VpSlot *slot = slot_at (self, i);

      if (!has_room (self, slot, wish))
        continue;
      if (vp_slot_is_bridged (slot) && !self->plan->root.is_native &&
          (self->plan->root.machine == VP_MACHINE_Q35 ||
           (self->plan->hot_on_bridge && likes_bridges (self, wish))))
        return slot;
      if (best == NULL || wastes_less (slot, best))
        best = slot;
    }
  return best;
}

/* Whether the plan has put just these host functions there, and so has prepared it for them. */
static gboolean
is_planned_for (const VpSlotMap *self, const VpSlot *slot, const Wish *wish)
{
  for (guint i = 0; i < wish->n_requests; i++)
    {
      const VpPciFunction *function = wish->requests[i].function;
      const VpPlanDevice *device = vp_plan_find_device (self->plan, wish->requests[i].id);

      if (device == NULL || device->function == NULL || function == NULL ||
          vp_pci_address_compare (&device->function->address, &function->address) != 0 ||
          find_planned (self, device) != slot)
        return FALSE;
    }
  return TRUE;
}

/* The place of a device of the plan, while nobody else has it. */
static VpSlot *
own_slot (const VpSlotMap *self, const Wish *wish)
{
  const VpPlanDevice *device = vp_plan_find_device (self->plan, wish->requests[0].id);
  VpSlot *slot = device != NULL ? find_planned (self, device) : NULL;

  if (slot == NULL || !vp_slot_is_free (slot))
    return NULL;
  if (vp_slot_takes_hotplug (slot) && is_planned_for (self, slot, wish))
    return slot;
  /* For another that comes by that id it is like any slot. */
  return has_room (self, slot, wish) ? slot : NULL;
}

/* Whether @holder is @function, or any emulated device for %NULL. */
static gboolean
is_same (const VpSlotHolder *holder, const VpPciFunction *function)
{
  return holder->is_host == (function != NULL) &&
         (function == NULL || vp_pci_address_compare (&holder->address, &function->address) == 0);
}

static void
refuse_taken (const char *id, const VpSlot *slot, GError **error)
{
  g_autofree char *quoted = vp_quote (id);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
               "the id %s is taken by the device in %s", quoted, slot->port->id);
}

/* Refuses an id that means something else, and a function that is in the VM by another id. */
static gboolean
check_identity (const VpSlotMap *self, const VpSlotRequest *request, GError **error)
{
  const VpPciFunction *function = request->function;
  guint8 number;
  const VpSlot *held = find_held (self, request->id, &number);

  if (vp_device_id_is_reserved (request->id))
    {
      g_autofree char *quoted = vp_quote (request->id);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "the id %s belongs to the VM's own ports and bridges", quoted);
      return FALSE;
    }

  if (held != NULL)
    {
      if (is_same (&held->holders[number], function) &&
          vp_plan_find_device (self->plan, request->id) != NULL)
        return TRUE;
      refuse_taken (request->id, held, error);
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

/* The same among those that come together. */
static gboolean
check_different (const Wish *wish, guint index, GError **error)
{
  for (guint i = 0; i < index; i++)
    if (g_str_equal (wish->requests[i].id, wish->requests[index].id))
      {
        g_autofree char *quoted = vp_quote (wish->requests[index].id);

        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                     "the id %s is asked for twice", quoted);
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
find_need (const VpSlotMap *self, Wish *wish, GError **error)
{
  g_autofree char *name = NULL;

  for (guint i = 0; i < wish->n_requests; i++)
    vp_device_need_add_bars (wish->bars, wish->requests[i].function, FALSE);
  if (self->plan->root.machine == VP_MACHINE_PC
          ? vp_device_need_on_pci_slot (wish->bars, &wish->need, error)
          : vp_device_need_on_port (wish->bars, &wish->need, error))
    return TRUE;

  name = vp_slot_refusal_name (wish->requests, wish->n_requests);
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

/* How many of @wish have a place: those of the plan, whose own it is. */
static guint
find_places (VpSlotMap *self, Wish *wish)
{
  guint n = 0;

  for (guint i = 0; i < wish->n_requests; i++)
    n += vp_slot_map_find (self, wish->requests[i].id, &wish->requests[i].place) ? 1 : 0;
  return n;
}

static void
take (VpSlotMap *self, VpSlot *slot, Wish *wish)
{
  g_autofree guint8 *numbers = g_new (guint8, wish->n_requests);
  g_autofree const VpPciFunction **functions = g_new (const VpPciFunction *, wish->n_requests);

  for (guint i = 0; i < wish->n_requests; i++)
    functions[i] = wish->requests[i].function;
  vp_siblings_number (functions, wish->n_requests, numbers);
  for (guint i = 0; i < wish->n_requests; i++)
    vp_slot_take (slot, numbers[i], wish->requests[i].id, functions[i]);
  find_places (self, wish); /* function 0 has to know of all others */
}

static gboolean
reserve (VpSlotMap *self, Wish *wish, guint64 large_bar, GError **error)
{
  guint n_held;
  VpSlot *slot;

  for (guint i = 0; i < wish->n_requests; i++)
    if (!check_identity (self, &wish->requests[i], error) || !check_different (wish, i, error))
      return FALSE;

  n_held = find_places (self, wish);
  if (n_held == wish->n_requests)
    return TRUE;
  for (guint i = 0; n_held > 0 && i < wish->n_requests; i++)
    {
      guint8 number;

      slot = find_held (self, wish->requests[i].id, &number);
      if (slot == NULL)
        continue;
      refuse_taken (wish->requests[i].id, slot, error);
      return FALSE;
    }

  if (!find_need (self, wish, error))
    return FALSE;
  slot = own_slot (self, wish);
  if (slot == NULL)
    slot = choose_slot (self, wish);
  if (slot == NULL)
    {
      vp_slot_refusal_set (self->slots, wish->requests, wish->n_requests, large_bar, &wish->need,
                           error);
      return FALSE;
    }
  take (self, slot, wish);
  return TRUE;
}

gboolean
vp_slot_map_reserve (
    VpSlotMap *self, VpSlotRequest *requests, guint n_requests, guint64 large_bar, GError **error)
{
  g_autoptr (GArray) bars = g_array_new (FALSE, FALSE, sizeof (VpBar));
  Wish wish = { .requests = requests, .n_requests = n_requests, .bars = bars };

  g_return_val_if_fail (self != NULL && requests != NULL && n_requests > 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return reserve (self, &wish, large_bar, error);
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
      n_spare += vp_slot_is_free_port (slot) ? 1 : 0;
    }
  *total = n_total;
  *spare = n_spare;
}
