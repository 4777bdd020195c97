#include "launcher/vm/blueprint.h"

#include "devices/byte-size.h"
#include "launcher/pci-class.h"

#define COLD_COLOUR  "#bfe3f2"
#define HOT_COLOUR   "#fbe7a8"
#define SPARE_COLOUR "#ffffff"
#define OTHER_COLOUR "#e8e8e8"

/* Graphviz: the DOT language; inside a quoted string only a quote and a backslash are special, and
 * "\n" begins a new line. */
static void
append_quoted (GString *dot, const char *text)
{
  g_string_append_c (dot, '"');
  for (const char *c = text; *c != '\0'; c++)
    if (*c == '\n')
      g_string_append (dot, "\\n");
    else
      {
        if (*c == '"' || *c == '\\')
          g_string_append_c (dot, '\\');
        g_string_append_c (dot, *c);
      }
  g_string_append_c (dot, '"');
}

static void
add_node (GString *dot, const char *id, const char *label, const char *colour)
{
  g_string_append (dot, "  ");
  append_quoted (dot, id);
  g_string_append (dot, " [label=");
  append_quoted (dot, label);
  g_string_append_printf (dot, ", fillcolor=\"%s\"];\n", colour);
}

static void
add_edge (GString *dot, const char *from, const char *to, guint slot, guint function)
{
  g_string_append (dot, "  ");
  append_quoted (dot, from);
  g_string_append (dot, " -> ");
  append_quoted (dot, to);
  g_string_append_printf (dot, " [label=\"%02x.%x\"];\n", slot, function);
}

static void
append_window (GString *label, const char *width, guint64 bytes)
{
  g_autofree char *size = vp_byte_size_format (bytes);

  if (bytes > 0)
    g_string_append_printf (label, "\n%s window %s", width, size);
}

static void
add_port (GString *dot, const VpPlan *plan, const VpPlanPort *port)
{
  gboolean is_empty = port->bridge == NULL && vp_plan_find_in_port (plan, port->id, 0) == NULL;
  g_autoptr (GString) label = g_string_new (port->id);

  if (is_empty)
    g_string_append (label, "\nspare");
  append_window (label, "32-bit", port->reserve.mem);
  append_window (label, "64-bit", port->reserve.pref64);
  add_node (dot, port->id, label->str, is_empty ? SPARE_COLOUR : OTHER_COLOUR);
  add_edge (dot, port->bus, port->id, port->slot, port->function);

  if (port->bridge != NULL)
    {
      g_autofree char *text =
          g_strdup_printf ("%s\n%s", port->bridge,
                           port->use == VP_PORT_SWITCH      ? "x3130 switch"
                           : port->kind == VP_PORT_PCI_SLOT ? "pci-bridge"
                                                            : "pcie-pci-bridge");

      add_node (dot, port->bridge, text, OTHER_COLOUR);
      add_edge (dot, port->id, port->bridge, 0, 0);
    }
}

static void
add_device (GString *dot, const VpPlanDevice *device)
{
  const VpPciFunction *function = device->function;
  gboolean is_bridged = !g_str_equal (device->bus, "pci.0");
  g_autoptr (GString) label = g_string_new (device->id);

  if (function != NULL)
    {
      g_autofree char *address = vp_pci_address_to_string (&function->address);

      g_string_append_printf (label, "\n%s  %04x:%04x\n%s", address, function->vendor,
                              function->device, vp_pci_class_name (function->class_code));
      for (guint i = 0; i < function->n_bars; i++)
        {
          g_autofree char *size = vp_byte_size_format (function->bars[i].size);

          g_string_append_printf (label, "%sBAR %u %s%s", i == 0 ? "\n" : ", ",
                                  function->bars[i].index, size,
                                  function->bars[i].kind == VP_BAR_IO ? " I/O" : "");
        }
    }
  g_string_append_printf (label, "\n%s", device->plug == VP_PLUG_COLD ? "cold" : "hot");

  add_node (dot, device->id, label->str, device->plug == VP_PLUG_COLD ? COLD_COLOUR : HOT_COLOUR);
  add_edge (dot, is_bridged ? device->bus : device->port, device->id, device->slot,
            device->function_number);
}

char *
vp_blueprint_to_dot (const VpBlueprint *self)
{
  const VpPlan *plan = self->plan;
  const char *root = vp_topology_root_bus (plan->root.machine);
  GString *dot = g_string_new ("digraph ");

  append_quoted (dot, self->config->name);
  g_string_append (dot, " {\n"
                        "  rankdir=LR;\n"
                        "  node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\"];\n"
                        "  edge [fontname=\"sans-serif\", fontsize=10];\n");
  add_node (dot, root, root, OTHER_COLOUR);
  for (guint i = 0; i < plan->expanders->len; i++)
    {
      const VpPlanExpander *expander = plan->expanders->pdata[i];
      g_autofree char *label = g_strdup_printf ("%s\npxb-pcie, root bus %02x\nNUMA node %u",
                                                expander->id, expander->bus_nr, expander->node);

      add_node (dot, expander->id, label, OTHER_COLOUR);
      add_edge (dot, root, expander->id, expander->slot, 0);
    }
  for (guint i = 0; i < plan->ports->len; i++)
    add_port (dot, plan, plan->ports->pdata[i]);
  for (guint i = 0; i < plan->devices->len; i++)
    add_device (dot, plan->devices->pdata[i]);
  g_string_append (dot, "}\n");
  return g_string_free (dot, FALSE);
}
