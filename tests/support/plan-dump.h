#pragma once

#include "devices/byte-size.h"
#include "devices/plan.h"

#include <string>

/* A plan as text that changes only when the plan does. */

inline std::string
dump_size (guint64 bytes)
{
  g_autofree char *text = vp_byte_size_format (bytes);

  return bytes == 0 ? "0" : text;
}

inline std::string
dump_port (const VpPlanPort *port)
{
  static const char *const uses[] = { "cold", "spare", "bridge", "switch" };
  static const char *const kinds[] = { "root ", "down ", "pci  " };
  g_autofree char *head = g_strdup_printf (
      "port %-8s %s %02x.%x chassis %-3u %-6s io %-3s", port->id, port->bus, port->slot,
      port->function, port->chassis, uses[port->use], port->has_io ? "yes" : "no");

  return std::string (kinds[port->kind]) + head + " reserve io " + dump_size (port->reserve.io) +
         ", mem " + dump_size (port->reserve.mem) + ", pref64 " + dump_size (port->reserve.pref64) +
         (port->bridge != nullptr ? std::string (", holds ") + port->bridge : "") + "\n";
}

inline std::string
dump_device (const VpPlan *plan, const VpPlanDevice *device)
{
  const VpPlace place = vp_plan_device_place (device);
  g_autofree char *path = vp_plan_guest_path (plan, &place);
  g_autofree char *address = device->function != nullptr
                                 ? vp_pci_address_to_string (&device->function->address)
                                 : g_strdup ("emulated");

  return std::string ("device ") + device->id + " (" + device->ref + ", " + address + ")\n  " +
         (device->plug == VP_PLUG_COLD  ? "cold"
          : device->plug == VP_PLUG_HOT ? "hot"
                                        : "undecided") +
         " in " + device->port + ", bus " + device->bus + " slot " + std::to_string (device->slot) +
         "." + std::to_string (device->function_number) + (device->multifunction ? "+" : "") +
         ", guest path " + path + "\n  " + device->reason + "\n";
}

inline std::string
dump_plan (const VpPlan *plan)
{
  std::string text = std::string (vp_machine_type_to_string (plan->root.machine)) + ", " +
                     plan->firmware->name + ", 64-bit windows " + dump_size (plan->pref64_total) +
                     "\n";

  for (guint i = 0; i < plan->expanders->len; i++)
    {
      auto *expander = static_cast<VpPlanExpander *> (g_ptr_array_index (plan->expanders, i));
      g_autofree char *line =
          g_strdup_printf ("expander %s %02x.0 bus %02x, node %u\n", expander->id, expander->slot,
                           expander->bus_nr, expander->node);
      text += line;
    }
  for (guint i = 0; i < plan->ports->len; i++)
    text += dump_port (static_cast<VpPlanPort *> (g_ptr_array_index (plan->ports, i)));
  for (guint i = 0; i < plan->devices->len; i++)
    text += dump_device (plan, static_cast<VpPlanDevice *> (g_ptr_array_index (plan->devices, i)));
  for (guint i = 0; i < plan->warnings->len; i++)
    text += std::string ("warning ") + static_cast<char *> (g_ptr_array_index (plan->warnings, i)) +
            "\n";
  return text;
}
