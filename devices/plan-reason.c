#include "devices/plan-reason.h"

#include "devices/byte-size.h"
#include "devices/device-need.h"
#include "devices/quote.h"

char *
vp_plan_device_name (const char *ref, const VpPciFunction *function)
{
  return function != NULL ? vp_pci_address_to_string (&function->address) : vp_quote (ref);
}

static char *
reason_of_large (const VpPlanPolicy *policy, const VpPlanDevice *device)
{
  const VpBar *bar = vp_pci_function_largest_bar (device->function);
  g_autofree char *size = vp_byte_size_format (bar->size);
  g_autofree char *threshold = vp_byte_size_format (policy->large_bar);

  if (device->plug == VP_PLUG_HOT)
    return g_strdup_printf ("plug=hot was asked for: BAR %u is %s, its port's window is prepared "
                            "for it",
                            bar->index, size);

  return g_strdup_printf ("BAR %u is %s, at or above the %s threshold: placed before boot, "
                          "firmware sizes its window",
                          bar->index, size, threshold);
}

static gboolean
is_large (const VpPlanPolicy *policy, const VpPciFunction *function)
{
  return function != NULL && vp_pci_function_is_large (function, policy->large_bar);
}

char *
vp_plan_reason (const VpPlanPolicy *policy,
                const VpPlanRequest *request,
                const VpPlanUnit *unit,
                const VpPlanDevice *device)
{
  const VpPciFunction *function = request->function;
  gboolean is_bridged = !g_str_equal (device->bus, device->port);
  g_autofree char *threshold = NULL;

  if (is_large (policy, function))
    return reason_of_large (policy, device);
  if (request->plug == VP_PLUG_COLD)
    return g_strdup ("plug=cold was asked for");
  if (device->plug == VP_PLUG_COLD && unit->boot_reason != NULL)
    return g_strdup (unit->boot_reason);
  if (unit->has_unknown_bars && policy->root.machine == VP_MACHINE_Q35)
    return g_strdup (policy->spare_window > 0
                         ? "plug=hot was asked for: its port has the window of a spare one"
                         : "plug=hot was asked for: its BARs are not known, and no window is "
                           "prepared (--spare-window)");
  if (function == NULL)
    return g_strdup (request->plug == VP_PLUG_HOT ? "plug=hot was asked for"
                                                  : "emulated by QEMU: hotplugged");
  if (device->plug == VP_PLUG_COLD)
    return g_strdup ("goes with the other functions of its device, which are placed before boot");

  threshold = vp_byte_size_format (policy->large_bar);
  if (policy->hot_on_bridge && is_bridged && function->pcie)
    return g_strdup_printf ("no 64-bit BAR of %s or more: hotplugged behind %s, as asked for",
                            threshold, device->bus);
  if (function->pcie || policy->root.machine == VP_MACHINE_PC)
    return g_strdup_printf ("no 64-bit BAR of %s or more: hotplugged", threshold);
  if (!is_bridged)
    return g_strdup ("conventional PCI, but its BARs do not fit behind a bridge: hotplugged on a "
                     "port of its own");
  return g_strdup_printf ("conventional PCI, no 64-bit BAR of %s or more: hotplugged behind %s",
                          threshold, device->bus);
}

G_GNUC_PRINTF (2, 3)
static void
warn (VpPlan *plan, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (plan->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

static gboolean
has_io_bar (const VpPlanUnit *unit)
{
  for (guint i = 0; i < unit->bars->len; i++)
    if (g_array_index (unit->bars, VpBar, i).kind == VP_BAR_IO)
      return TRUE;
  return FALSE;
}

/* Only a host device has BARs, and a name that is an address. */
static void
warn_of_host_device (VpPlan *plan,
                     const VpPlanPolicy *policy,
                     const VpPlanUnit *unit,
                     const VpPlanDevice *device)
{
  const VpPlanPort *port = vp_plan_find_port (plan, device->port);
  g_autofree char *name = vp_plan_device_name (device->ref, device->function);
  gboolean is_q35 = policy->root.machine == VP_MACHINE_Q35;
  gboolean is_hot = unit->plug == VP_PLUG_HOT;
  gboolean is_on_root_bus = g_str_equal (port->bus, vp_topology_root_bus (policy->root.machine));
  VpWindow need;

  if (unit->plug == VP_PLUG_COLD && policy->root.n_nodes > 1 && unit->node >= 0 &&
      (guint) unit->node < policy->root.n_nodes && is_on_root_bus)
    warn (plan,
          "%s: the root bus of NUMA node %d is full, so that the guest does not see that it is "
          "near to it",
          name, unit->node);

  if (has_io_bar (unit) && !port->has_io)
    warn (plan,
          "%s: its I/O BAR gets no address, because earlier ports have taken the I/O space that "
          "firmware can give away",
          name);

  if (is_hot && is_q35 && unit->is_large && policy->firmware->kind == VP_FIRMWARE_OTHER)
    warn (plan, "%s: a large device can be hotplugged only where firmware honours pref64-reserve",
          name);

  if (is_hot && !is_q35 && port->bridge == NULL &&
      vp_device_need_on_pci_slot (unit->bars, &need, NULL) && need.pref64 > VP_TOPOLOGY_PC_HOLE64)
    {
      g_autofree char *size = vp_byte_size_format (need.pref64);
      g_autofree char *hole = vp_byte_size_format (VP_TOPOLOGY_PC_HOLE64);

      warn (plan, "%s: its 64-bit BARs need %s, and pci.0 has %s for hotplug", name, size, hole);
    }
}

void
vp_plan_warn (VpPlan *plan,
              const VpPlanPolicy *policy,
              const VpPlanUnit *unit,
              const VpPlanDevice *device)
{
  if (device->function != NULL)
    warn_of_host_device (plan, policy, unit, device);
}
