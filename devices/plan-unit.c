#include "devices/plan-unit.h"

#include "devices/device-need.h"
#include "devices/error.h"
#include "devices/siblings.h"

/* PCI Code and ID Assignment Specification 1.14: display controllers and bridges */
#define CLASS_VGA          0x0300
#define CLASS_OTHER_BRIDGE 0x0680

static void
unit_free (gpointer data)
{
  VpPlanUnit *unit = data;

  g_array_unref (unit->members);
  g_array_unref (unit->bars);
  g_array_unref (unit->function_numbers);
  g_free (unit);
}

static VpPlanUnit *
unit_new (void)
{
  VpPlanUnit *unit = g_new0 (VpPlanUnit, 1);

  unit->members = g_array_new (FALSE, FALSE, sizeof (guint));
  unit->bars = g_array_new (FALSE, FALSE, sizeof (VpBar));
  unit->function_numbers = g_array_new (FALSE, FALSE, sizeof (guint8));
  unit->plug = VP_PLUG_AUTO;
  unit->node = -1;
  return unit;
}

static gboolean
take_plug (VpPlanUnit *unit, const VpPlanRequest *request, GError **error)
{
  if (request->plug == VP_PLUG_AUTO || request->plug == unit->plug)
    return TRUE;
  if (unit->plug == VP_PLUG_AUTO)
    {
      unit->plug = request->plug;
      return TRUE;
    }

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID,
               "%s: asked for with plug=%s, and another function of the same device with plug=%s",
               request->ref, request->plug == VP_PLUG_COLD ? "cold" : "hot",
               request->plug == VP_PLUG_COLD ? "hot" : "cold");
  return FALSE;
}

/* What is of no use, or of less, when it comes later: NULL for most devices. */
static const char *
find_boot_reason (const VpPlanRequest *request)
{
  const VpPciFunction *function = request->function;
  const VpPciAddress *address;
  guint base_and_sub;

  if (request->is_mediated)
    return "mediated device, whose BARs are known only once it is open: placed before boot";
  if (request->is_vfio_user)
    return "vfio-user device, whose BARs are known only to who connects: placed before boot";
  if (function == NULL)
    return NULL;

  address = &function->address;
  base_and_sub = function->class_code >> 8;

  /* QEMU hw/vfio/igd.c: the OpRegion cannot be given to a hotplugged device. */
  if (base_and_sub == CLASS_VGA && address->domain == 0 && address->bus == 0)
    return "integrated graphics, which QEMU gives its OpRegion only at boot: placed before boot";
  /* NVSwitch: the driver of the GPUs that it connects looks for it when it starts. */
  if (base_and_sub == CLASS_OTHER_BRIDGE)
    return "connects other devices, whose driver looks for it when it starts: placed before boot";
  return NULL;
}

static gboolean
add_member (VpPlanUnit *unit,
            const VpPlanPolicy *policy,
            const VpPlanRequest *request,
            guint index,
            GError **error)
{
  const VpPciFunction *function = request->function;
  gboolean is_first = unit->members->len == 0;

  g_array_append_val (unit->members, index);
  if (unit->boot_reason == NULL)
    unit->boot_reason = find_boot_reason (request);
  unit->has_unknown_bars |= request->is_mediated || request->is_vfio_user;
  if (function != NULL)
    {
      unit->is_large |= vp_pci_function_is_large (function, policy->large_bar);
      unit->is_conventional = !function->pcie && (is_first || unit->is_conventional);
      unit->node = function->numa_node;
    }
  return take_plug (unit, request, error);
}

static void
number_functions (VpPlanUnit *unit, const VpPlanRequest *requests)
{
  g_autoptr (GPtrArray) functions = g_ptr_array_sized_new (unit->members->len);

  for (guint i = 0; i < unit->members->len; i++)
    g_ptr_array_add (functions,
                     (gpointer) requests[g_array_index (unit->members, guint, i)].function);
  g_array_set_size (unit->function_numbers, functions->len);
  vp_siblings_number ((const VpPciFunction *const *) functions->pdata, functions->len,
                      (guint8 *) unit->function_numbers->data);
}

/* Only now is it known whether it is hot, which decides what its BARs may become. */
static void
finish (VpPlanUnit *unit, const VpPlanRequest *requests, gboolean at_largest)
{
  if (unit->plug == VP_PLUG_AUTO)
    unit->plug = unit->is_large || unit->boot_reason != NULL ? VP_PLUG_COLD : VP_PLUG_HOT;

  for (guint i = 0; i < unit->members->len; i++)
    vp_device_need_add_bars (unit->bars, requests[g_array_index (unit->members, guint, i)].function,
                             at_largest && unit->plug == VP_PLUG_HOT);
  number_functions (unit, requests);
}

GPtrArray *
vp_plan_units_new (const VpPlanPolicy *policy,
                   const VpPlanRequest *requests,
                   guint n_requests,
                   gboolean at_largest,
                   GError **error)
{
  g_autoptr (GPtrArray) units = g_ptr_array_new_with_free_func (unit_free);
  g_autoptr (GHashTable) of_device = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < n_requests; i++)
    {
      gpointer key;
      gboolean has_key = vp_siblings_key (requests[i].function, &key);
      VpPlanUnit *unit = has_key ? g_hash_table_lookup (of_device, key) : NULL;

      if (unit == NULL)
        {
          unit = unit_new ();
          g_ptr_array_add (units, unit);
          if (has_key)
            g_hash_table_insert (of_device, key, unit);
        }
      if (!add_member (unit, policy, &requests[i], i, error))
        return NULL;
    }

  for (guint i = 0; i < units->len; i++)
    finish (units->pdata[i], requests, at_largest);
  return g_steal_pointer (&units);
}
