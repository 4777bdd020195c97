#include "devices/byte-size.h"
#include "devices/inventory.h"
#include "devices/vfio-node.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/config/config.h"
#include "launcher/pci-class.h"

#include <string.h>

/* Returns: (transfer container) (element-type VpPciFunction) (nullable): what @refs name, each
 * function once, or all there are when there is no reference. */
static GPtrArray *
select_functions (const VpInventory *inventory, char **refs, GError **error)
{
  const GPtrArray *all = vp_inventory_get_functions (inventory);
  g_autoptr (GPtrArray) selected = g_ptr_array_new ();

  /* Not g_ptr_array_copy(), which would own the functions as the inventory does. */
  for (guint i = 0; refs[0] == NULL && i < all->len; i++)
    g_ptr_array_add (selected, all->pdata[i]);

  for (char **text = refs; *text != NULL; text++)
    {
      g_autoptr (GPtrArray) functions = NULL;
      VpDeviceRef ref;

      if (!vp_device_ref_parse (*text, &ref, error))
        return NULL;
      functions = vp_inventory_resolve (inventory, &ref, error);
      if (functions == NULL)
        return NULL;
      for (guint i = 0; i < functions->len; i++)
        if (!g_ptr_array_find (selected, functions->pdata[i], NULL))
          g_ptr_array_add (selected, functions->pdata[i]);
    }
  return g_steal_pointer (&selected);
}

static JsonArray *
bars_to_json (const VpPciFunction *function)
{
  JsonArray *bars = json_array_new ();

  for (guint i = 0; i < function->n_bars; i++)
    {
      const VpBar *bar = &function->bars[i];
      JsonObject *object = json_object_new ();

      json_object_set_int_member (object, "index", bar->index);
      json_object_set_string_member (object, "kind", vp_bar_kind_to_string (bar->kind));
      json_object_set_boolean_member (object, "prefetchable", bar->prefetchable);
      json_object_set_int_member (object, "size", (gint64) bar->size);
      json_object_set_int_member (object, "max_size", (gint64) bar->max_size);
      json_array_add_object_element (bars, object);
    }
  return bars;
}

/* Sets a string member, or null. */
static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

/* Sets a number member, or null when it is negative: there is none. */
static void
set_number (JsonObject *object, const char *name, int number)
{
  if (number >= 0)
    json_object_set_int_member (object, name, number);
  else
    json_object_set_null_member (object, name);
}

/* The device's own node, for iommufd. Older kernels number it and do not make it. */
static char *
find_cdev (VpSysfs *sysfs, const VpPciFunction *function)
{
  g_autofree char *path = g_strdup_printf ("dev/vfio/devices/vfio%d", function->cdev);

  return function->cdev >= 0 && vp_sysfs_exists (sysfs, path) ? g_strconcat ("/", path, NULL)
                                                              : NULL;
}

/* @cdev: (nullable): its own node
 * @obstacle: (nullable): why it cannot be assigned as it is */
static JsonObject *
function_to_json (const VpPciFunction *function,
                  guint64 large_bar,
                  const char *cdev,
                  const GError *obstacle)
{
  g_autofree char *address = vp_pci_address_to_string (&function->address);
  g_autofree char *vendor = g_strdup_printf ("%04x", function->vendor);
  g_autofree char *device = g_strdup_printf ("%04x", function->device);
  g_autofree char *code = g_strdup_printf ("%06x", function->class_code);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "address", address);
  set_number (object, "group", function->group);
  set_text (object, "cdev", cdev);
  json_object_set_string_member (object, "type", "pci");
  json_object_set_string_member (object, "vendor", vendor);
  json_object_set_string_member (object, "device", device);
  json_object_set_string_member (object, "class", code);
  set_text (object, "driver", function->driver);
  json_object_set_boolean_member (object, "pcie", function->pcie);
  set_number (object, "numa", function->numa_node);
  json_object_set_array_member (object, "bars", bars_to_json (function));
  json_object_set_int_member (object, "rom", (gint64) function->rom_size);
  json_object_set_boolean_member (object, "large", vp_pci_function_is_large (function, large_bar));
  json_object_set_boolean_member (object, "assignable", obstacle == NULL);
  set_text (object, "reason", obstacle != NULL ? obstacle->message : NULL);
  return object;
}

/* Returns: (transfer full): "16 MiB, 64 GiB (large)" */
static char *
bars_to_text (const VpPciFunction *function, guint64 large_bar)
{
  GString *text = g_string_new (function->n_bars == 0 ? "-" : NULL);

  for (guint i = 0; i < function->n_bars; i++)
    {
      g_autofree char *size = vp_byte_size_format (function->bars[i].size);

      g_string_append_printf (text, "%s%s%s", i > 0 ? ", " : "", size,
                              vp_bar_is_large (&function->bars[i], large_bar) ? " (large)" : "");
    }
  return g_string_free (text, FALSE);
}

/* The column says which device it is; its message need not say it again. */
static char *
obstacle_to_text (const GError *obstacle, const char *address)
{
  const char *text = obstacle->message;

  if (g_str_has_prefix (text, address))
    text += strlen (address);
  return g_strconcat ("no: ", text + strspn (text, ": "), NULL);
}

static char **
function_to_row (const VpPciFunction *function, guint64 large_bar, const GError *obstacle)
{
  char **row = g_new0 (char *, 8);

  row[0] = vp_pci_address_to_string (&function->address);
  row[1] = function->group >= 0 ? g_strdup_printf ("%d", function->group) : g_strdup ("-");
  row[2] = g_strdup_printf ("%04x:%04x", function->vendor, function->device);
  row[3] = g_strdup (vp_pci_class_name (function->class_code));
  row[4] = g_strdup (function->driver != NULL ? function->driver : "-");
  row[5] = bars_to_text (function, large_bar);
  row[6] = obstacle != NULL ? obstacle_to_text (obstacle, row[0]) : g_strdup ("yes");
  return row;
}

static gboolean
can_assign (const VpInventory *inventory,
            VpSysfs *sysfs,
            const VpPciFunction *function,
            GError **obstacle)
{
  return vp_inventory_check_assignable (inventory, function, NULL, obstacle) &&
         vp_vfio_node_check (sysfs, function->group, obstacle);
}

static void
row_free (gpointer data)
{
  g_strfreev (data);
}

static void
print_text (const VpInventory *inventory,
            VpSysfs *sysfs,
            const GPtrArray *functions,
            guint64 large_bar)
{
  static const char *const heading[] = { "ADDRESS", "GROUP", "ID",         "CLASS",
                                         "DRIVER",  "BARS",  "ASSIGNABLE", NULL };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);

  g_ptr_array_add (rows, g_strdupv ((char **) heading));
  for (guint i = 0; i < functions->len; i++)
    {
      const VpPciFunction *function = functions->pdata[i];
      g_autoptr (GError) obstacle = NULL;

      can_assign (inventory, sysfs, function, &obstacle);
      g_ptr_array_add (rows, function_to_row (function, large_bar, obstacle));
    }
  vp_output_table (rows);
}

static void
print_json (const VpInventory *inventory,
            VpSysfs *sysfs,
            const GPtrArray *functions,
            guint64 large_bar)
{
  JsonObject *document = json_object_new ();
  JsonArray *devices = json_array_new ();

  for (guint i = 0; i < functions->len; i++)
    {
      const VpPciFunction *function = functions->pdata[i];
      g_autofree char *cdev = find_cdev (sysfs, function);
      g_autoptr (GError) obstacle = NULL;

      can_assign (inventory, sysfs, function, &obstacle);
      json_array_add_object_element (devices,
                                     function_to_json (function, large_bar, cdev, obstacle));
    }
  json_object_set_array_member (document, "devices", devices);
  vp_output_json (document);
}

int
vp_command_devices (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *large_bar = NULL;
  const GOptionEntry entries[] = {
    { "large-bar", 0, 0, G_OPTION_ARG_FILENAME, &large_bar,
      "A 64-bit BAR from this size on is large (default 4G)", "SIZE" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "[REF…]",
    .summary = "Lists the host's PCI devices, and which of them can be assigned or why not.",
    .entries = entries,
    .max_args = -1,
  };
  g_autoptr (VpConfig) config = vp_config_new ();
  g_auto (GStrv) refs = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpSysfs) sysfs = NULL;
  g_autoptr (VpInventory) inventory = NULL;
  g_autoptr (GPtrArray) functions = NULL;

  if (refs == NULL || (large_bar != NULL && !vp_config_set (config, "large-bar", large_bar, error)))
    return -1;

  sysfs = vp_sysfs_open (root, error);
  inventory = sysfs != NULL ? vp_inventory_read (sysfs, error) : NULL;
  functions = inventory != NULL ? select_functions (inventory, refs, error) : NULL;
  if (functions == NULL)
    return -1;

  if (*as_json)
    print_json (inventory, sysfs, functions, config->large_bar);
  else
    print_text (inventory, sysfs, functions, config->large_bar);
  return 0;
}
