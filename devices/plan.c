#include "devices/plan.h"

#include "devices/device-id.h"
#include "devices/error.h"
#include "devices/plan-reason.h"
#include "devices/planner.h"
#include "devices/quote.h"

#include <string.h>

static void
port_free (gpointer data)
{
  VpPlanPort *port = data;

  g_free (port->id);
  g_free (port->bridge);
  g_free (port);
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

  plan->machine = policy->machine;
  plan->firmware = policy->firmware;
  plan->ports = g_ptr_array_new_with_free_func (port_free);
  plan->devices = g_ptr_array_new_with_free_func (device_free);
  plan->warnings = g_ptr_array_new_with_free_func (g_free);
  return plan;
}

void
vp_plan_free (VpPlan *plan)
{
  g_ptr_array_unref (plan->ports);
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

static gboolean
check_function (const VpPlan *plan, const VpPlanRequest *request, GError **error)
{
  if (request->function == NULL)
    return TRUE;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *other = g_ptr_array_index (plan->devices, i);

      if (other->function != NULL &&
          vp_pci_address_compare (&other->function->address, &request->function->address) == 0)
        {
          g_autofree char *name = vp_plan_device_name (request->ref, request->function);

          g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                       "%s: asked for twice, as %s and as %s", name, other->ref, request->ref);
          return FALSE;
        }
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): the id for @request, that nothing else in the plan has */
static char *
choose_id (const VpPlan *plan, const VpPlanRequest *request, GError **error)
{
  g_autofree char *id = NULL;
  g_autofree char *quoted = NULL;
  g_autofree char *name = NULL;
  g_autofree char *other_name = NULL;
  const VpPlanDevice *other;

  if (request->id == NULL && request->function == NULL)
    {
      guint number = 0;

      /* Only what came before counts: a later request must not rename this one. */
      do
        {
          g_free (id);
          id = vp_device_id_from_driver (request->ref, number++);
        }
      while (vp_plan_find_device (plan, id) != NULL);
      return g_steal_pointer (&id);
    }

  id = request->id != NULL ? g_strdup (request->id)
                           : vp_device_id_from_address (&request->function->address);
  quoted = vp_quote (id);
  name = name_in_full (request->ref, request->function);
  if (vp_device_id_is_reserved (id))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "%s: the id %s belongs to the plan's own ports and bridges", name, quoted);
      return NULL;
    }

  other = vp_plan_find_device (plan, id);
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
add_device (VpPlan *plan, const VpPlanRequest *request, GError **error)
{
  VpPlanDevice *device;
  char *id;

  if (!check_function (plan, request, error))
    return NULL;
  id = choose_id (plan, request, error);
  if (id == NULL)
    return NULL;

  device = g_new0 (VpPlanDevice, 1);
  device->ref = g_strdup (request->ref);
  device->function = request->function;
  device->id = id;
  g_ptr_array_add (plan->devices, device);
  return device;
}

VpPlan *
vp_plan_build (const VpPlanPolicy *policy,
               const VpPlanRequest *requests,
               guint n_requests,
               GError **error)
{
  g_autoptr (VpPlan) plan = NULL;
  g_autoptr (VpPlanner) planner = NULL;

  g_return_val_if_fail (policy != NULL && (requests != NULL || n_requests == 0), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  plan = plan_new (policy);
  planner = vp_planner_new (policy, plan);
  for (guint i = 0; i < n_requests; i++)
    {
      VpPlanDevice *device = add_device (plan, &requests[i], error);
      VpWindow need;

      if (device == NULL)
        return NULL;

      if (!vp_plan_device_window (policy->machine, device->function, &need, error) ||
          !vp_planner_place (planner, &requests[i], &need, device, error))
        {
          g_autofree char *name = vp_plan_device_name (device->ref, device->function);

          g_prefix_error (error, "%s: ", name);
          return NULL;
        }

      device->reason = vp_plan_reason (policy, &requests[i], device);
      vp_plan_warn (plan, policy, device, &need);
    }
  if (!vp_planner_finish (planner, error))
    return NULL;

  return g_steal_pointer (&plan);
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

gboolean
vp_plan_device_window (VpMachineType machine,
                       const VpPciFunction *function,
                       VpWindow *need,
                       GError **error)
{
  VpBar bars[VP_PCI_N_BARS];

  g_return_val_if_fail (need != NULL, FALSE);

  *need = (VpWindow){ 0 };
  if (function == NULL)
    return TRUE;

  memcpy (bars, function->bars, sizeof bars);
  if (machine == VP_MACHINE_PC)
    for (guint i = 0; i < function->n_bars; i++)
      bars[i].prefetchable = bars[i].kind == VP_BAR_MEM64;

  return vp_window_add_bars (need, bars, function->n_bars, error);
}

gboolean
vp_plan_bridge_holds (const VpBar *bars, guint n_bars)
{
  const VpWindow window = { .mem = VP_WINDOW_DEFAULT, .pref64 = VP_WINDOW_DEFAULT };
  VpWindow need = { 0 };

  return vp_window_add_bars (&need, bars, n_bars, NULL) && vp_window_holds (&window, &need);
}

char *
vp_plan_guest_path (const VpPlan *plan, const char *port, const char *bus, guint8 slot)
{
  const VpPlanPort *found;
  GString *path;

  g_return_val_if_fail (plan != NULL && port != NULL && bus != NULL, NULL);
  found = vp_plan_find_port (plan, port);
  g_return_val_if_fail (found != NULL, NULL);

  path = g_string_new (NULL);
  g_string_append_printf (path, "%02x", found->slot);
  if (found->function > 0)
    g_string_append_printf (path, ".%x", found->function);

  /* The bridge itself is at slot 0 of its port, as every device behind a root port is. */
  if (found->kind == VP_PORT_ROOT_PORT)
    g_string_append_printf (path, "/%02x", g_str_equal (bus, port) ? slot : 0);
  if (g_strcmp0 (bus, found->bridge) == 0)
    g_string_append_printf (path, "/%02x", slot);
  return g_string_free (path, FALSE);
}
