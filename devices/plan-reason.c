#include "devices/plan-reason.h"

#include "devices/byte-size.h"
#include "devices/planner.h"
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

char *
vp_plan_reason (const VpPlanPolicy *policy,
                const VpPlanRequest *request,
                const VpPlanDevice *device)
{
  const VpPciFunction *function = request->function;
  g_autofree char *threshold = NULL;

  if (vp_planner_is_large (policy, function))
    return reason_of_large (policy, device);
  if (request->plug == VP_PLUG_COLD)
    return g_strdup ("plug=cold was asked for");
  if (function == NULL)
    return g_strdup (request->plug == VP_PLUG_HOT ? "plug=hot was asked for"
                                                  : "emulated by QEMU: hotplugged");

  threshold = vp_byte_size_format (policy->large_bar);
  if (function->pcie || policy->machine == VP_MACHINE_PC)
    return g_strdup_printf ("no 64-bit BAR of %s or more: hotplugged", threshold);
  if (g_str_equal (device->bus, device->port))
    return g_strdup ("conventional PCI, but its BARs do not fit behind a bridge: hotplugged on a "
                     "port of its own");
  return g_strdup_printf ("conventional PCI, no 64-bit BAR of %s or more: hotplugged behind %s",
                          threshold, device->bus);
}

static gboolean
is_of_one_device (const VpPciFunction *a, const VpPciFunction *b)
{
  /* Virtual functions share a slot number with each other, but do not belong together. */
  return !a->is_virtual && !b->is_virtual && a->address.domain == b->address.domain &&
         a->address.bus == b->address.bus && a->address.slot == b->address.slot;
}

/* One warning for each host device, however many functions it has. */
static void
warn_if_split (VpPlan *plan, const VpPciFunction *function)
{
  const VpPciFunction *sibling = NULL;
  g_autofree char *name = vp_pci_address_to_string (&function->address);
  g_autofree char *sibling_name = NULL;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *other = g_ptr_array_index (plan->devices, i);

      if (other->function == NULL || other->function == function ||
          !is_of_one_device (other->function, function))
        continue;
      if (sibling != NULL)
        return;
      sibling = other->function;
    }
  if (sibling == NULL)
    return;

  sibling_name = vp_pci_address_to_string (&sibling->address);
  g_ptr_array_add (plan->warnings,
                   g_strdup_printf ("%s and %s are functions of one device and get places of "
                                    "their own: a guest driver that wants them side by side will "
                                    "miss one",
                                    sibling_name, name));
}

void
vp_plan_warn (VpPlan *plan,
              const VpPlanPolicy *policy,
              const VpPlanDevice *device,
              const VpWindow *need)
{
  const VpPciFunction *function = device->function;
  g_autofree char *name = vp_plan_device_name (device->ref, function);

  if (function == NULL)
    return;

  if (need->io > 0 && !vp_plan_find_port (plan, device->port)->has_io)
    g_ptr_array_add (plan->warnings,
                     g_strdup_printf ("%s: its I/O BAR gets no address, because earlier ports "
                                      "have taken the I/O space that firmware can give away",
                                      name));

  if (device->plug == VP_PLUG_HOT && policy->machine == VP_MACHINE_Q35 &&
      vp_planner_is_large (policy, function))
    g_ptr_array_add (plan->warnings,
                     g_strdup_printf ("%s: a large device can be hotplugged only where firmware "
                                      "honours pref64-reserve",
                                      name));

  if (device->plug == VP_PLUG_HOT && policy->machine == VP_MACHINE_PC &&
      need->pref64 > VP_TOPOLOGY_PC_HOLE64)
    {
      g_autofree char *size = vp_byte_size_format (need->pref64);
      g_autofree char *hole = vp_byte_size_format (VP_TOPOLOGY_PC_HOLE64);

      g_ptr_array_add (plan->warnings,
                       g_strdup_printf ("%s: its 64-bit BARs need %s, and pci.0 has %s for "
                                        "hotplug",
                                        name, size, hole));
    }

  warn_if_split (plan, function);
}
