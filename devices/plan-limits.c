#include "devices/plan-limits.h"

#include "devices/byte-size.h"
#include "devices/error.h"
#include "devices/plan-width.h"

/* x86-64 has at most 52 bits of physical address. */
#define ADDRESS_SPACE (G_GUINT64_CONSTANT (1) << 52)

static gboolean
check_buses (const VpPlan *plan, GError **error)
{
  guint n_ports = 0, n_inner = 0, n_buses;

  if (plan->root.machine == VP_MACHINE_PC)
    return TRUE;

  /* Expanders have numbers of their own. */
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = plan->ports->pdata[i];

      if (port->kind == VP_PORT_DOWNSTREAM ||
          g_str_equal (port->bus, vp_topology_root_bus (VP_MACHINE_Q35)))
        n_ports++;
      n_inner += port->bridge != NULL ? 1 : 0;
    }
  n_buses = vp_topology_n_buses (&plan->root);
  if (1 + n_ports + n_inner <= n_buses)
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "too many ports: pcie.0, %u ports and %u bridges and switches take %u bus numbers, "
               "and there are %u",
               n_ports, n_inner, 1 + n_ports + n_inner, n_buses);
  return FALSE;
}

static void
add_up (guint64 *total, guint64 bytes)
{
  if (!g_uint64_checked_add (total, *total, bytes))
    *total = G_MAXUINT64;
}

static void
sum_up (VpPlan *plan)
{
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = plan->ports->pdata[i];
      gboolean has_window = port->kind != VP_PORT_PCI_SLOT || port->bridge != NULL;
      guint64 pref64 = MAX (port->reserve.pref64, port->need.pref64);

      /* The BARs in the slots of pci.0 are put side by side, from the largest to the smallest. */
      add_up (&plan->pref64_total, has_window ? vp_window_round_up (pref64) : pref64);
      add_up (&plan->mem_total,
              MAX (MAX (port->reserve.mem, port->need.mem), has_window ? VP_WINDOW_DEFAULT : 0));
    }
}

/* What is left of the first 4 GiB: RAM, ECAM, IOAPIC and flash have the rest (SeaBIOS, pciinit.c;
 * OVMF, PlatformPei). */
static gboolean
check_mem (const VpPlan *plan, GError **error)
{
  guint64 limit = vp_topology_mem_hole (plan->root.machine);
  g_autofree char *wanted = vp_byte_size_format (plan->mem_total);
  g_autofree char *most = vp_byte_size_format (limit);

  if (plan->mem_total <= limit)
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "impossible windows: %s are wanted below 4 GiB, and there are %s", wanted, most);
  return FALSE;
}

static gboolean
check_address_space (const VpPlan *plan, GError **error)
{
  g_autofree char *limit = vp_byte_size_format (ADDRESS_SPACE);

  if (plan->pref64_total <= ADDRESS_SPACE)
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "impossible windows: together they are larger than the %s that an x86 processor can "
               "address",
               limit);
  return FALSE;
}

gboolean
vp_plan_check_limits (VpPlan *plan, const VpPlanPolicy *policy, GError **error)
{
  g_return_val_if_fail (plan != NULL && policy != NULL, FALSE);

  sum_up (plan);
  return check_buses (plan, error) && check_address_space (plan, error) &&
         check_mem (plan, error) && vp_plan_set_width (plan, policy, error);
}
