#include "devices/plan.h"

#include "devices/device-id.h"
#include "devices/error.h"
#include "devices/plan-reason.h"
#include "devices/planner.h"
#include "devices/quote.h"

/* A plan in the making, and what is in it already. */
typedef struct
{
  VpPlan *plan;
  GHashTable *taken_ids; /* or NULL: those of a foreign machine */
  GHashTable *ids;       /* id → VpPlanDevice */
  GHashTable *functions; /* VpPciAddress → VpPlanDevice */
} Builder;

static void
port_free (gpointer data)
{
  VpPlanPort *port = data;

  g_free (port->id);
  g_free (port->bus);
  g_free (port->bridge);
  g_free (port);
}

static void
expander_free (gpointer data)
{
  VpPlanExpander *expander = data;

  g_free (expander->id);
  g_free (expander);
}

static void
device_free (gpointer data)
{
  VpPlanDevice *device = data;

  g_free (device->ref);
  g_free (device->id);
  g_free (device->port);
  g_free (device->bus);
  g_free (device->reason);
  g_free (device);
}

static VpPlan *
plan_new (const VpPlanPolicy *policy)
{
  VpPlan *plan = g_new0 (VpPlan, 1);

  plan->root = policy->root;
  plan->firmware = policy->firmware;
  plan->hot_on_bridge = policy->hot_on_bridge;
  plan->ports = g_ptr_array_new_with_free_func (port_free);
  plan->expanders = g_ptr_array_new_with_free_func (expander_free);
  plan->devices = g_ptr_array_new_with_free_func (device_free);
  plan->warnings = g_ptr_array_new_with_free_func (g_free);
  return plan;
}

void
vp_plan_free (VpPlan *plan)
{
  g_ptr_array_unref (plan->ports);
  g_ptr_array_unref (plan->expanders);
  g_ptr_array_unref (plan->devices);
  g_ptr_array_unref (plan->warnings);
  g_free (plan);
}

/* The user's reference, and the function where the reference alone does not say which. */
static char *
name_in_full (const char *ref, const VpPciFunction *function)
{
  g_autofree char *name = vp_plan_device_name (ref, function);

  if (function == NULL || g_str_equal (name, ref))
    return g_steal_pointer (&name);

  return g_strdup_printf ("%s (%s)", ref, name);
}

static guint
hash_address (gconstpointer key)
{
  const VpPciAddress *address = key;

  return address->domain << 16 ^ (guint) address->bus << 8 ^ (guint) address->slot << 3 ^
         address->function;
}

static gboolean
equal_addresses (gconstpointer a, gconstpointer b)
{
  return vp_pci_address_compare (a, b) == 0;
}

static gboolean
check_function (const Builder *builder, const VpPlanRequest *request, GError **error)
{
  const VpPlanDevice *other;
  g_autofree char *name = NULL;

  if (request->function == NULL)
    return TRUE;
  other = g_hash_table_lookup (builder->functions, &request->function->address);
  if (other == NULL)
    return TRUE;

  name = vp_plan_device_name (request->ref, request->function);
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
               "%s: asked for twice, as %s and as %s", name, other->ref, request->ref);
  return FALSE;
}

static gboolean
is_taken (const Builder *builder, const char *id)
{
  return builder->taken_ids != NULL && g_hash_table_contains (builder->taken_ids, id);
}

/* Returns: (transfer full): @id, or where a foreign machine has one of that name, another */
static char *
avoid_taken (const Builder *builder, const char *id)
{
  char *other = g_strdup (id);

  for (guint number = 2; is_taken (builder, other); number++)
    {
      g_free (other);
      other = g_strdup_printf ("%s-%u", id, number);
    }
  return other;
}

/* Returns: (transfer full): the id that @request gets when the user gives none; that of a device
 * which QEMU emulates is free */
static char *
make_id (const Builder *builder, const VpPlanRequest *request)
{
  const char *driver = request->driver != NULL ? request->driver : request->ref;
  g_autofree char *id = NULL;
  guint number = 0;

  if (request->function != NULL)
    id = vp_device_id_from_address (&request->function->address);
  else if (request->is_mediated)
    id = vp_device_id_from_uuid (request->ref);
  else
    /* Only what came before counts: a later request must not rename this one. */
    do
      {
        g_free (id);
        id = vp_device_id_from_driver (driver, number++);
      }
    while (g_hash_table_contains (builder->ids, id) || is_taken (builder, id));

  return avoid_taken (builder, id);
}

/* Returns: (transfer full) (nullable): the id for @request, that nothing else in the plan has */
static char *
choose_id (const Builder *builder, const VpPlanRequest *request, GError **error)
{
  g_autofree char *id = request->id != NULL ? g_strdup (request->id) : make_id (builder, request);
  g_autofree char *quoted = NULL;
  g_autofree char *name = NULL;
  g_autofree char *other_name = NULL;
  const VpPlanDevice *other;

  quoted = vp_quote (id);
  name = name_in_full (request->ref, request->function);
  if (vp_device_id_is_reserved (id))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "%s: the id %s belongs to the plan's own ports and bridges", name, quoted);
      return NULL;
    }

  if (is_taken (builder, id))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "%s: the id %s is taken on the command line", name, quoted);
      return NULL;
    }

  other = g_hash_table_lookup (builder->ids, id);
  if (other != NULL)
    {
      other_name = name_in_full (other->ref, other->function);
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "%s: the id %s is that of %s already", name, quoted, other_name);
      return NULL;
    }
  return g_steal_pointer (&id);
}

/* Adds a device without a place yet. */
static VpPlanDevice *
add_device (Builder *builder, const VpPlanRequest *request, GError **error)
{
  VpPlanDevice *device;
  char *id;

  if (!check_function (builder, request, error))
    return NULL;
  id = choose_id (builder, request, error);
  if (id == NULL)
    return NULL;

  device = g_new0 (VpPlanDevice, 1);
  device->ref = g_strdup (request->ref);
  device->function = request->function;
  device->id = id;
  g_ptr_array_add (builder->plan->devices, device);
  g_hash_table_insert (builder->ids, device->id, device);
  if (device->function != NULL)
    g_hash_table_insert (builder->functions, (gpointer) &device->function->address, device);
  return device;
}

static gboolean
add_devices (VpPlan *plan,
             const VpPlanPolicy *policy,
             const VpPlanRequest *requests,
             guint n_requests,
             GError **error)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) functions = g_hash_table_new (hash_address, equal_addresses);
  Builder builder = {
    .plan = plan, .taken_ids = policy->taken_ids, .ids = ids, .functions = functions
  };

  for (guint i = 0; i < n_requests; i++)
    if (add_device (&builder, &requests[i], error) == NULL)
      return FALSE;
  return TRUE;
}

static VpPlanDevice *
member_at (const VpPlan *plan, const VpPlanUnit *unit, guint i)
{
  return plan->devices->pdata[g_array_index (unit->members, guint, i)];
}

static void
set_place (const VpPlan *plan, const VpPlanUnit *unit, const VpPlannerPlace *place)
{
  for (guint i = 0; i < unit->members->len; i++)
    {
      VpPlanDevice *device = member_at (plan, unit, i);

      device->plug = unit->plug;
      device->port = g_strdup (place->port->id);
      device->bus = g_strdup (place->bus);
      device->slot = place->slot;
      device->function_number = g_array_index (unit->function_numbers, guint8, i);
      device->multifunction = device->function_number == 0 && unit->members->len > 1;
    }
}

static gboolean
place_unit (VpPlan *plan,
            VpPlanner *planner,
            const VpPlanPolicy *policy,
            const VpPlanRequest *requests,
            const VpPlanUnit *unit,
            GError **error)
{
  VpPlannerPlace place;

  if (!vp_planner_place (planner, unit, &place, error))
    {
      const VpPlanDevice *first = member_at (plan, unit, 0);
      g_autofree char *name = vp_plan_device_name (first->ref, first->function);

      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }

  set_place (plan, unit, &place);
  for (guint i = 0; i < unit->members->len; i++)
    {
      VpPlanDevice *device = member_at (plan, unit, i);

      device->reason =
          vp_plan_reason (policy, &requests[g_array_index (unit->members, guint, i)], unit, device);
    }
  vp_plan_warn (plan, policy, unit, member_at (plan, unit, 0));
  return TRUE;
}

static VpPlan *
build (const VpPlanPolicy *policy,
       const VpPlanRequest *requests,
       guint n_requests,
       gboolean at_largest,
       GError **error)
{
  g_autoptr (VpPlan) plan = plan_new (policy);
  g_autoptr (VpPlanner) planner = NULL;
  g_autoptr (GPtrArray) units = NULL;

  if (!add_devices (plan, policy, requests, n_requests, error))
    return NULL;
  units = vp_plan_units_new (policy, requests, n_requests, at_largest, error);
  if (units == NULL)
    return NULL;

  planner = vp_planner_new (policy, plan);
  if (!vp_planner_prepare_bridges (planner, error))
    return NULL;
  for (guint i = 0; i < units->len; i++)
    if (!place_unit (plan, planner, policy, requests, units->pdata[i], error))
      return NULL;
  if (!vp_planner_finish (planner, error))
    return NULL;

  return g_steal_pointer (&plan);
}

static gboolean
can_grow (const VpPlanRequest *request)
{
  for (guint i = 0; request->function != NULL && i < request->function->n_bars; i++)
    if (request->function->bars[i].max_size > request->function->bars[i].size)
      return TRUE;
  return FALSE;
}

VpPlan *
vp_plan_build (const VpPlanPolicy *policy,
               const VpPlanRequest *requests,
               guint n_requests,
               GError **error)
{
  g_autoptr (GError) why = NULL;
  gboolean may_grow = FALSE;
  VpPlan *plan;

  g_return_val_if_fail (policy != NULL && (requests != NULL || n_requests == 0), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (guint i = 0; i < n_requests; i++)
    may_grow |= can_grow (&requests[i]);

  plan = build (policy, requests, n_requests, may_grow, &why);
  if (plan == NULL && may_grow && g_error_matches (why, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT))
    {
      plan = build (policy, requests, n_requests, FALSE, error);
      if (plan != NULL)
        g_ptr_array_add (plan->warnings,
                         g_strdup_printf ("windows for hotplug are sized for BARs as they are, not "
                                          "for the largest that they can be resized to: %s",
                                          why->message));
      return plan;
    }
  if (plan == NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  return plan;
}

const VpPlanPort *
vp_plan_find_port (const VpPlan *plan, const char *id)
{
  g_return_val_if_fail (plan != NULL && id != NULL, NULL);

  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = g_ptr_array_index (plan->ports, i);

      if (g_str_equal (port->id, id))
        return port;
    }
  return NULL;
}

gboolean
vp_plan_port_has_acpi_hotplug (const VpPlanPort *port)
{
  g_return_val_if_fail (port != NULL, FALSE);

  return port->kind != VP_PORT_ROOT_PORT ||
         g_str_equal (port->bus, vp_topology_root_bus (VP_MACHINE_Q35));
}

const VpPlanDevice *
vp_plan_find_device (const VpPlan *plan, const char *id)
{
  g_return_val_if_fail (plan != NULL && id != NULL, NULL);

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = g_ptr_array_index (plan->devices, i);

      if (g_str_equal (device->id, id))
        return device;
    }
  return NULL;
}

static void
append_slot (GString *path, guint8 slot, guint8 function)
{
  g_string_append_printf (path, "%02x", slot);
  if (function > 0)
    g_string_append_printf (path, ".%x", function);
}

static const VpPlanPort *
find_holder (const VpPlan *plan, const char *bridge)
{
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = plan->ports->pdata[i];

      if (g_strcmp0 (port->bridge, bridge) == 0)
        return port;
    }
  g_return_val_if_reached (NULL);
}

/* The way from the root complex to @port itself. */
static void
append_port (GString *path, const VpPlan *plan, const VpPlanPort *port)
{
  if (port->kind == VP_PORT_DOWNSTREAM)
    {
      append_port (path, plan, find_holder (plan, port->bus));
      g_string_append (path, "/00/"); /* the upstream port is at slot 0 of the root port */
    }
  for (guint i = 0; i < plan->expanders->len; i++)
    {
      const VpPlanExpander *expander = plan->expanders->pdata[i];

      if (g_str_equal (expander->id, port->bus))
        g_string_append_printf (path, "%02x:", expander->bus_nr);
    }
  append_slot (path, port->slot, port->function);
}

const VpPlanDevice *
vp_plan_find_in_port (const VpPlan *plan, const char *port, guint n)
{
  g_return_val_if_fail (plan != NULL && port != NULL, NULL);

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (g_str_equal (device->port, port) && n-- == 0)
        return device;
    }
  return NULL;
}

VpPlace
vp_plan_device_place (const VpPlanDevice *device)
{
  return (VpPlace){ .port = device->port,
                    .bus = device->bus,
                    .slot = device->slot,
                    .function_number = device->function_number,
                    .multifunction = device->multifunction };
}

char *
vp_plan_guest_path (const VpPlan *plan, const VpPlace *place)
{
  const VpPlanPort *port;
  gboolean is_bridged;
  GString *path;

  g_return_val_if_fail (plan != NULL && place != NULL, NULL);
  port = vp_plan_find_port (plan, place->port);
  g_return_val_if_fail (port != NULL, NULL);

  path = g_string_new (NULL);
  is_bridged = g_strcmp0 (place->bus, port->bridge) == 0;
  if (port->kind != VP_PORT_PCI_SLOT || is_bridged)
    {
      append_port (path, plan, port);
      if (is_bridged && port->kind != VP_PORT_PCI_SLOT)
        g_string_append (path, "/00"); /* so is a bridge */
      g_string_append_c (path, '/');
    }
  append_slot (path, place->slot, place->function_number);
  return g_string_free (path, FALSE);
}
