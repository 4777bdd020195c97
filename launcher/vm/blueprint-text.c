#include "launcher/vm/blueprint.h"

#include "devices/byte-size.h"
#include "launcher/config/accelerator.h"
#include "launcher/pci-class.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/own-devices.h"

#include <string.h>

/* SGR sequences (ECMA-48, 8.3.117) */
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define PLAIN  "\033[0m"

typedef struct
{
  GString *text;
  gboolean colour;
} Page;

G_GNUC_PRINTF (3, 4)
static void
print (Page *page, const char *style, const char *format, ...)
{
  va_list args;

  if (page->colour && style != NULL)
    g_string_append (page->text, style);
  va_start (args, format);
  g_string_append_vprintf (page->text, format, args);
  va_end (args);
  if (page->colour && style != NULL)
    g_string_append (page->text, PLAIN);
}

/* Sums of BARs are odd numbers of MiB. */
static char *
about (guint64 bytes)
{
  const guint64 gib = G_GUINT64_CONSTANT (1) << 30;

  return bytes > gib && bytes % gib != 0
             ? g_strdup_printf ("%.2f GiB", (double) bytes / (double) gib)
             : vp_byte_size_format (bytes);
}

/* What is asked for, or else what firmware will find by itself. */
static void
print_window (Page *page, const char *what, guint64 reserve, guint64 need)
{
  g_autofree char *size = about (reserve > 0 ? reserve : need);

  if (reserve > 0)
    print (page, NULL, "  %s window %s", what, size);
  else if (need > 0)
    print (page, NULL, "  %s BARs %s", what, size);
}

static void
print_headline (Page *page, const VpBlueprint *self)
{
  const VpConfig *config = self->config;
  g_autofree char *memory = vp_byte_size_format (config->memory);
  const char *firmware = config->firmware_path;

  if (firmware == NULL)
    firmware = config->firmware == VP_FIRMWARE_SEABIOS
                   ? "SeaBIOS"
                   : vp_firmware_kind_to_string (config->firmware);
  print (page, BOLD, "%s", config->name);
  print (page, NULL, ": %s, %s, %u CPU%s, %s, %u spare %s%s\n",
         vp_machine_type_to_string (config->machine), firmware, config->smp,
         config->smp == 1 ? "" : "s", memory, config->spare,
         config->machine == VP_MACHINE_Q35 ? "port" : "slot", config->spare == 1 ? "" : "s");
  print (page, NULL, "accelerator %s: %s\n", vp_accel_to_string (self->accel), self->accel_reason);
}

/* What the plan takes for granted. */
static void
print_assumptions (Page *page, const VpPlan *plan)
{
  g_autofree char *pref64 = about (plan->pref64_total);
  g_autofree char *mem = about (plan->mem_total);

  print (page, NULL, "windows: ");
  if (plan->pref64_total > 0)
    print (page, NULL, "%s 64-bit, ", pref64);
  print (page, NULL, "%s below 4 GiB; relies on %s", mem, plan->firmware->name);
  if (plan->phys_bits > 0)
    print (page, NULL, " and %u address bits", plan->phys_bits);
  print (page, NULL, "\n");
}

static void
print_bars (Page *page, const VpPciFunction *function, guint64 large_bar)
{
  for (guint i = 0; i < function->n_bars; i++)
    {
      const VpBar *bar = &function->bars[i];
      g_autofree char *size = vp_byte_size_format (bar->size);

      print (page, vp_bar_is_large (bar, large_bar) ? BOLD : NULL, "%sBAR %u %s%s",
             i > 0 ? ", " : "", bar->index, size, bar->kind == VP_BAR_IO ? " I/O" : "");
    }
  if (function->n_bars == 0)
    print (page, NULL, "no BARs");
  if (function->rom_size > 0)
    {
      g_autofree char *size = vp_byte_size_format (function->rom_size);

      print (page, NULL, ", ROM %s", size);
    }
}

/* @indent is the tree's left edge below the line that names the device. */
static void
print_device (Page *page, const VpBlueprint *self, const VpPlanDevice *device, const char *indent)
{
  const VpPciFunction *function = device->function;
  gboolean is_cold = device->plug == VP_PLUG_COLD;

  print (page, is_cold ? CYAN : YELLOW, "%s", is_cold ? "cold" : "hot ");
  print (page, BOLD, "  %s", device->id);
  if (function != NULL)
    {
      g_autofree char *address = vp_pci_address_to_string (&function->address);

      if (!g_str_equal (device->ref, address))
        print (page, NULL, "  %s", device->ref);
      print (page, NULL, "  %s  %04x:%04x %s\n%s", address, function->vendor, function->device,
             vp_pci_class_name (function->class_code), indent);
      print_bars (page, function, self->config->large_bar);
    }
  else
    print (page, NULL, "  %s", device->ref);
  print (page, NULL, "\n%s", indent);
  print (page, DIM, "%s", device->reason);
  print (page, NULL, "\n");
}

/* One line below a bus, with what is behind it. */
typedef struct
{
  const VpPlanPort *port;         /* or NULL */
  const VpPlanDevice *device;     /* or NULL */
  const VpPlanExpander *expander; /* or NULL */
  char *own;                      /* or NULL: what an own device is */
  guint8 slot;                    /* of that */
} Branch;

static void
branch_free (gpointer data)
{
  Branch *branch = data;

  g_free (branch->own);
  g_free (branch);
}

static Branch *
add_branch (GPtrArray *branches)
{
  Branch *branch = g_new0 (Branch, 1);

  g_ptr_array_add (branches, branch);
  return branch;
}

static void
add_own (GPtrArray *branches, const VpConfig *config, guint index, char *what)
{
  const VpRootBus root = vp_own_devices_root (config);
  Branch *branch = add_branch (branches);

  branch->own = what;
  vp_topology_own_slot (&root, index, &branch->slot);
}

static void
add_own_devices (GPtrArray *branches, const VpConfig *config)
{
  guint index = 0;

  for (guint i = 0; i < config->disks->len; i++)
    {
      const VpDisk *disk = config->disks->pdata[i];

      add_own (branches, config, index++,
               g_strdup_printf ("disk%u  %s %s%s%s", i, disk->format, disk->file,
                                disk->readonly ? ", read-only" : "",
                                disk->snapshot ? ", writes thrown away" : ""));
    }
  for (guint i = 0; i < config->nics->len; i++)
    {
      const VpNic *nic = config->nics->pdata[i];

      add_own (branches, config, index++,
               g_strdup_printf ("nic%u  %s%s", i,
                                nic->ifname != NULL ? "tap " : "user-mode network",
                                nic->ifname != NULL ? nic->ifname : ""));
    }
  for (guint i = 0; i < config->shares->len; i++)
    {
      const VpShare *share = config->shares->pdata[i];

      add_own (branches, config, index++,
               g_strdup_printf ("share%u  %s as %s", i, share->dir, share->tag));
    }
  if (config->ready.kind == VP_READY_PORT)
    add_own (branches, config, index++,
             g_strdup_printf ("ready  port %s, which the guest opens when it is ready",
                              config->ready.port));
  if (config->max_memory > config->memory)
    {
      g_autofree char *size = vp_byte_size_format (config->max_memory - config->memory);

      add_own (branches, config, index++, g_strdup_printf ("memory  %s that can be added", size));
    }
}

/* Everything that sits on @bus. A slot of pci.0 stands for itself only while it is empty. */
static GPtrArray *
branches_of (const VpBlueprint *self, const char *bus)
{
  GPtrArray *branches = g_ptr_array_new_with_free_func (branch_free);
  const VpPlan *plan = self->plan;
  gboolean is_root = g_str_equal (bus, vp_topology_root_bus (plan->root.machine));

  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = plan->ports->pdata[i];

      if (!g_str_equal (port->bus, bus))
        continue;
      if (port->kind != VP_PORT_PCI_SLOT || port->bridge != NULL ||
          vp_plan_find_in_port (plan, port->id, 0) == NULL)
        add_branch (branches)->port = port;
      for (guint n = 0; port->kind == VP_PORT_PCI_SLOT && port->bridge == NULL; n++)
        {
          const VpPlanDevice *device = vp_plan_find_in_port (plan, port->id, n);

          if (device == NULL)
            break;
          add_branch (branches)->device = device;
        }
    }
  for (guint i = 0; !is_root && i < plan->devices->len; i++)
    if (g_str_equal (((VpPlanDevice *) plan->devices->pdata[i])->bus, bus))
      add_branch (branches)->device = plan->devices->pdata[i];
  for (guint i = 0; is_root && i < plan->expanders->len; i++)
    add_branch (branches)->expander = plan->expanders->pdata[i];
  if (is_root)
    add_own_devices (branches, self->config);
  return branches;
}

static void print_bus (Page *page, const VpBlueprint *self, const char *bus, const char *edge);

static void
print_port (Page *page, const VpBlueprint *self, const VpPlanPort *port, const char *edge)
{
  gboolean is_empty =
      port->bridge == NULL && vp_plan_find_in_port (self->plan, port->id, 0) == NULL;
  gboolean is_pci_bridge = port->kind == VP_PORT_PCI_SLOT && port->bridge != NULL;

  print (page, NULL, "%02x.%x ", port->slot, port->function);
  print (page, is_empty ? NULL : BOLD, "%s", is_pci_bridge ? port->bridge : port->id);
  if (is_pci_bridge)
    print (page, NULL, "  pci-bridge");
  if (is_empty)
    print (page, DIM, "  spare");
  if (port->has_io && port->kind != VP_PORT_PCI_SLOT)
    print (page, NULL, "  I/O window");
  print_window (page, "32-bit", port->reserve.mem, port->need.mem);
  print_window (page, "64-bit", port->reserve.pref64, port->need.pref64);
  print (page, NULL, "\n");

  if (port->bridge != NULL && !is_pci_bridge)
    {
      g_autofree char *inner = g_strconcat (edge, "   ", NULL);

      print (page, NULL, "%s└─ 00.0 ", edge);
      print (page, BOLD, "%s", port->bridge);
      print (page, NULL, "  %s\n",
             port->use == VP_PORT_SWITCH ? "x3130 switch" : "pcie-pci-bridge");
      print_bus (page, self, port->bridge, inner);
    }
  else
    print_bus (page, self, is_pci_bridge ? port->bridge : port->id, edge);
}

static void
print_expander (Page *page,
                const VpBlueprint *self,
                const VpPlanExpander *expander,
                const char *edge)
{
  print (page, NULL, "%02x.0 ", expander->slot);
  print (page, BOLD, "%s", expander->id);
  print (page, NULL, "  pxb-pcie, root bus %02x of NUMA node %u\n", expander->bus_nr,
         expander->node);
  print_bus (page, self, expander->id, edge);
}

static void
print_bus (Page *page, const VpBlueprint *self, const char *bus, const char *edge)
{
  g_autoptr (GPtrArray) branches = branches_of (self, bus);

  for (guint i = 0; i < branches->len; i++)
    {
      const Branch *branch = branches->pdata[i];
      gboolean is_last = i + 1 == branches->len;
      g_autofree char *inner = g_strconcat (edge, is_last ? "   " : "│  ", NULL);

      print (page, NULL, "%s%s ", edge, is_last ? "└─" : "├─");
      if (branch->port != NULL)
        print_port (page, self, branch->port, inner);
      else if (branch->expander != NULL)
        print_expander (page, self, branch->expander, inner);
      else if (branch->own != NULL)
        print (page, NULL, "%02x.0 %s\n", branch->slot, branch->own);
      else
        {
          g_autofree char *indent = g_strconcat (inner, "        ", NULL);

          print (page, NULL, "%02x.%x ", branch->device->slot, branch->device->function_number);
          print_device (page, self, branch->device, indent);
        }
    }
}

/* One option a line, so that a person can read it and a shell can still take it. */
static void
print_command (Page *page, char **argv)
{
  print (page, BOLD, "\nCommand:\n");
  for (char **arg = argv; *arg != NULL; arg++)
    {
      char *word[] = { *arg, NULL };
      g_autofree char *quoted = vp_argv_quote (word);

      print (page, NULL, "%s%s", arg == argv ? "" : **arg == '-' ? " \\\n  " : " ", quoted);
    }
  print (page, NULL, "\n");
}

char *
vp_blueprint_to_text (const VpBlueprint *self, gboolean colour)
{
  Page page = { .text = g_string_new (NULL), .colour = colour };
  const VpPlan *plan = self->plan;
  const char *root = vp_topology_root_bus (plan->root.machine);

  print_headline (&page, self);
  print_assumptions (&page, plan);
  print (&page, NULL, "\n%s\n", root);
  print_bus (&page, self, root, "");

  for (guint i = 0; i < plan->warnings->len; i++)
    {
      print (&page, NULL, i == 0 ? "\n" : "");
      print (&page, YELLOW, "warning:");
      print (&page, NULL, " %s\n", (char *) plan->warnings->pdata[i]);
    }
  print_command (&page, self->argv);
  return g_string_free (page.text, FALSE);
}
