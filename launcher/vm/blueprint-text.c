#include "launcher/vm/blueprint.h"

#include "devices/byte-size.h"
#include "launcher/config/accelerator.h"
#include "launcher/pci-class.h"
#include "launcher/vm/argv.h"

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

static void
print_size (Page *page, const char *what, guint64 bytes)
{
  g_autofree char *size = vp_byte_size_format (bytes);

  if (bytes > 0)
    print (page, NULL, "  %s %s", what, size);
}

static void
print_headline (Page *page, const VpBlueprint *self)
{
  const VpConfig *config = self->config;
  g_autofree char *memory = vp_byte_size_format (config->memory);
  const char *firmware = config->firmware_path;

  if (firmware == NULL)
    firmware = config->firmware == VP_FIRMWARE_SEABIOS ? "SeaBIOS"
                                                       : vp_firmware_kind_to_string (config->firmware);
  print (page, BOLD, "%s", config->name);
  print (page, NULL, ": %s, %s, %u CPU%s, %s, %u spare %s%s\n",
         vp_machine_type_to_string (config->machine), firmware, config->smp,
         config->smp == 1 ? "" : "s", memory, config->spare,
         config->machine == VP_MACHINE_Q35 ? "port" : "slot", config->spare == 1 ? "" : "s");
  print (page, NULL, "accelerator %s: %s\n", vp_accel_to_string (self->accel), self->accel_reason);
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

static guint
count_devices (const VpPlan *plan, const char *bus)
{
  guint n = 0;

  for (guint i = 0; i < plan->devices->len; i++)
    n += g_str_equal (((VpPlanDevice *) plan->devices->pdata[i])->bus, bus);
  return n;
}

static void
print_bridge (Page *page, const VpBlueprint *self, const VpPlanPort *port, const char *edge)
{
  guint n_left = count_devices (self->plan, port->bridge);

  print (page, NULL, "%s└─ 00.0 ", edge);
  print (page, BOLD, "%s", port->bridge);
  print (page, NULL, "  pcie-pci-bridge\n");
  for (guint i = 0; i < self->plan->devices->len; i++)
    {
      const VpPlanDevice *device = self->plan->devices->pdata[i];
      gboolean is_last;
      g_autofree char *indent = NULL;

      if (!g_str_equal (device->bus, port->bridge))
        continue;
      is_last = --n_left == 0;
      indent = g_strdup_printf ("%s   %s         ", edge, is_last ? " " : "│");
      print (page, NULL, "%s   %s %02x.0 ", edge, is_last ? "└─" : "├─", device->slot);
      print_device (page, self, device, indent);
    }
}

static const VpPlanDevice *
find_device_in (const VpPlan *plan, const VpPlanPort *port)
{
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (g_str_equal (device->port, port->id) && g_strcmp0 (device->bus, port->bridge) != 0)
        return device;
    }
  return NULL;
}

static void
print_port (Page *page, const VpBlueprint *self, const VpPlanPort *port, gboolean is_last)
{
  const VpPlanDevice *device = find_device_in (self->plan, port);
  const char *edge = is_last ? "   " : "│  ";
  g_autofree char *indent = g_strconcat (edge, "        ", NULL);

  print (page, NULL, "%s %02x.%x ", is_last ? "└─" : "├─", port->slot, port->function);
  if (port->kind == VP_PORT_PCI_SLOT && device != NULL)
    {
      print_device (page, self, device, indent);
      return;
    }

  print (page, device != NULL || port->bridge != NULL ? BOLD : NULL, "%s", port->id);
  if (device == NULL && port->bridge == NULL)
    print (page, DIM, "  spare");
  if (port->has_io)
    print (page, NULL, "  I/O window");
  print_size (page, "32-bit window", port->reserve.mem);
  print_size (page, "64-bit window", port->reserve.pref64);
  print (page, NULL, "\n");

  if (port->bridge != NULL)
    print_bridge (page, self, port, edge);
  if (device != NULL)
    {
      print (page, NULL, "%s└─ 00.0 ", edge);
      print_device (page, self, device, indent);
    }
}

static void
print_own_device (Page *page, const VpBlueprint *self, guint *index, const char *what)
{
  guint n = self->config->disks->len + self->config->nics->len + self->config->shares->len;
  guint8 slot = 0;

  vp_topology_own_slot (self->plan->machine, *index, &slot);
  (*index)++;
  print (page, NULL, "%s %02x.0 %s\n", *index == n ? "└─" : "├─", slot, what);
}

static void
print_own_devices (Page *page, const VpBlueprint *self)
{
  const VpConfig *config = self->config;
  guint index = 0;

  for (guint i = 0; i < config->disks->len; i++)
    {
      const VpDisk *disk = config->disks->pdata[i];
      g_autofree char *what = g_strdup_printf ("disk%u  %s %s%s%s", i, disk->format, disk->file,
                                               disk->readonly ? ", read-only" : "",
                                               disk->snapshot ? ", writes thrown away" : "");

      print_own_device (page, self, &index, what);
    }
  for (guint i = 0; i < config->nics->len; i++)
    {
      const VpNic *nic = config->nics->pdata[i];
      g_autofree char *what =
          g_strdup_printf ("nic%u  %s%s", i, nic->ifname != NULL ? "tap " : "user-mode network",
                           nic->ifname != NULL ? nic->ifname : "");

      print_own_device (page, self, &index, what);
    }
  for (guint i = 0; i < config->shares->len; i++)
    {
      const VpShare *share = config->shares->pdata[i];
      g_autofree char *what = g_strdup_printf ("share%u  %s as %s", i, share->dir, share->tag);

      print_own_device (page, self, &index, what);
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
  guint n_own = self->config->disks->len + self->config->nics->len + self->config->shares->len;

  print_headline (&page, self);
  print (&page, NULL, "\n%s\n", vp_topology_root_bus (plan->machine));
  for (guint i = 0; i < plan->ports->len; i++)
    print_port (&page, self, plan->ports->pdata[i], n_own == 0 && i + 1 == plan->ports->len);
  print_own_devices (&page, self);

  for (guint i = 0; i < plan->warnings->len; i++)
    {
      print (&page, NULL, i == 0 ? "\n" : "");
      print (&page, YELLOW, "warning:");
      print (&page, NULL, " %s\n", (char *) plan->warnings->pdata[i]);
    }
  print_command (&page, self->argv);
  return g_string_free (page.text, FALSE);
}
