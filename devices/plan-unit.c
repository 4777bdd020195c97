#include "devices/plan-unit.h"

#include "devices/device-need.h"
#include "devices/error.h"

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

/* Virtual functions share a slot number with each other, but do not belong together. */
static gboolean
may_have_siblings (const VpPciFunction *function)
{
  return function != NULL && !function->is_virtual;
}

/* Where all functions of one device are. */
static gpointer
key_of (const VpPciAddress *address)
{
  return GSIZE_TO_POINTER ((gsize) address->domain << 13 | (gsize) address->bus << 5 |
                           address->slot);
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
  if (function != NULL)
    {
      unit->is_large |= vp_pci_function_is_large (function, policy->large_bar);
      unit->is_conventional = !function->pcie && (is_first || unit->is_conventional);
      unit->node = function->numa_node;
    }
  return take_plug (unit, request, error);
}

/* The functions keep their numbers; without a function 0 the lowest becomes it. */
static void
number_functions (VpPlanUnit *unit, const VpPlanRequest *requests)
{
  guint8 lowest = G_MAXUINT8;

  for (guint i = 0; i < unit->members->len; i++)
    {
      const VpPciFunction *function = requests[g_array_index (unit->members, guint, i)].function;
      guint8 number = may_have_siblings (function) ? function->address.function : 0;

      g_array_append_val (unit->function_numbers, number);
      lowest = MIN (lowest, number);
    }

  for (guint i = 0; i < unit->members->len; i++)
    {
      guint8 *number = &g_array_index (unit->function_numbers, guint8, i);

      if (*number == lowest)
        *number = 0;
    }
}

/* Only now is it known whether it is hot, which decides what its BARs may become. */
static void
finish (VpPlanUnit *unit, const VpPlanRequest *requests, gboolean at_largest)
{
  if (unit->plug == VP_PLUG_AUTO)
    unit->plug = unit->is_large ? VP_PLUG_COLD : VP_PLUG_HOT;

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
      const VpPciFunction *function = requests[i].function;
      VpPlanUnit *unit = NULL;

      if (may_have_siblings (function))
        unit = g_hash_table_lookup (of_device, key_of (&function->address));
      if (unit == NULL)
        {
          unit = unit_new ();
          g_ptr_array_add (units, unit);
          if (may_have_siblings (function))
            g_hash_table_insert (of_device, key_of (&function->address), unit);
        }
      if (!add_member (unit, policy, &requests[i], i, error))
        return NULL;
    }

  for (guint i = 0; i < units->len; i++)
    finish (units->pdata[i], requests, at_largest);
  return g_steal_pointer (&units);
}
