#include "devices/pci-function.h"

#include "devices/error.h"
#include "devices/quote.h"
#include "devices/vfio-cdev.h"

#include <string.h>

#define DEVICES_FOLDER      "sys/bus/pci/devices"
#define CONVENTIONAL_CONFIG 256 /* bytes; PCI Express has 4096 */
#define CLASS_HOST_BRIDGE   0x0600
#define CLASS_PCI_BRIDGE    0x0604
#define HEX_PREFIX          "0x"

/* A function while its folder is read: the first thing that made no sense becomes its problem. */
typedef struct
{
  VpSysfs *folder;
  VpPciFunction *function;
} Reader;

static void
note_problem (const Reader *reader, char *problem)
{
  if (reader->function->problem == NULL)
    reader->function->problem = problem;
  else
    g_free (problem);
}

static char *
read_attribute (const Reader *reader, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *text = vp_sysfs_read (reader->folder, name, &error);

  if (text == NULL)
    note_problem (reader, g_strdup (error->message));
  return text;
}

static void
note_garbage (const Reader *reader, const char *name, const char *text, const char *expected)
{
  g_autofree char *quoted = vp_quote (text);

  note_problem (reader, g_strdup_printf ("%s: %s is not %s", name, quoted, expected));
}

static gboolean
parse_number (const char *text, int *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &value, NULL))
    return FALSE;

  *number = (int) value;
  return TRUE;
}

/* The kernel always writes all the digits: a shorter number is a cut one, not a small one. */
static guint32
read_hex (const Reader *reader, const char *name, guint n_digits)
{
  g_autofree char *text = read_attribute (reader, name);
  guint64 value = 0;

  if (text == NULL)
    return 0;

  if (strlen (text) != strlen (HEX_PREFIX) + n_digits || !g_str_has_prefix (text, HEX_PREFIX) ||
      !g_ascii_string_to_unsigned (text + strlen (HEX_PREFIX), 16, 0, G_MAXUINT32, &value, NULL))
    {
      g_autofree char *expected = g_strdup_printf ("0x and %u hexadecimal digits", n_digits);

      note_garbage (reader, name, text, expected);
      return 0;
    }
  return (guint32) value;
}

/* Only root may read it, and most BARs have none: that is no problem. */
static void
read_max_size (const Reader *reader, VpBar *bar)
{
  g_autofree char *name = g_strdup_printf ("resource%u_resize", bar->index);
  g_autofree char *sizes = vp_sysfs_read (reader->folder, name, NULL);

  if (sizes != NULL)
    bar->max_size = vp_bar_largest_size (bar, sizes);
}

static void
read_bars (const Reader *reader)
{
  VpPciFunction *function = reader->function;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = read_attribute (reader, "resource");

  if (text != NULL &&
      !vp_pci_resource_parse (text, function->bars, &function->n_bars, &function->rom_size, &error))
    note_problem (reader, g_strdup_printf ("resource: %s", error->message));

  /* Resizing is a capability of PCI Express, and of memory. */
  for (guint i = 0; function->pcie && i < function->n_bars; i++)
    if (function->bars[i].kind != VP_BAR_IO)
      read_max_size (reader, &function->bars[i]);
}

static int
read_group (const Reader *reader)
{
  g_autofree char *name = vp_sysfs_read_link (reader->folder, "iommu_group");
  int group;

  return name != NULL && parse_number (name, &group) ? group : -1;
}

/* Only a hint for placing memory: -1 is as good as a wrong one. */
static int
parse_numa_node (const char *text)
{
  int node;

  return parse_number (text, &node) ? node : -1;
}

static void
read_physical_function (const Reader *reader)
{
  VpPciFunction *function = reader->function;
  g_autofree char *physical = vp_sysfs_read_link (reader->folder, "physfn");

  if (physical == NULL)
    return;
  function->is_virtual = vp_pci_address_parse (physical, &function->physical_function, NULL);
  if (!function->is_virtual)
    note_garbage (reader, "physfn", physical, "a PCI address");
}

/* Only a physical function has the file. */
static void
read_virtual_functions (const Reader *reader)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = vp_sysfs_read (reader->folder, "sriov_numvfs", &error);
  int n = 0;

  if (text != NULL && !parse_number (text, &n))
    note_garbage (reader, "sriov_numvfs", text, "a number");
  else if (text == NULL && !g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND))
    note_problem (reader, g_strdup (error->message));
  reader->function->n_virtual_functions = (guint) n;
}

/* Returns: whether the function was there to the end. What disappears half way looks like garbage,
 * or like a function without a driver, but is none. */
static gboolean
read_folder (const Reader *reader)
{
  VpPciFunction *function = reader->function;
  g_autofree char *numa_node = NULL;

  function->class_code = read_hex (reader, "class", 6);
  function->vendor = (guint16) read_hex (reader, "vendor", 4);
  function->device = (guint16) read_hex (reader, "device", 4);
  function->pcie = vp_sysfs_size (reader->folder, "config") > CONVENTIONAL_CONFIG;
  read_bars (reader);
  function->driver = vp_sysfs_read_link (reader->folder, "driver");
  function->group = read_group (reader);
  function->cdev = vp_vfio_cdev_find (reader->folder, ".");
  read_physical_function (reader);
  read_virtual_functions (reader);

  numa_node = vp_sysfs_read (reader->folder, "numa_node", NULL);
  function->numa_node = numa_node != NULL ? parse_numa_node (numa_node) : -1;
  return numa_node != NULL;
}

VpPciFunction *
vp_pci_function_read (VpSysfs *sysfs, const VpPciAddress *address)
{
  g_autofree char *bdf = vp_pci_address_to_string (address);
  g_autofree char *path = g_build_filename (DEVICES_FOLDER, bdf, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VpSysfs) folder = vp_sysfs_open_folder (sysfs, path, &error);
  g_autoptr (VpPciFunction) function = NULL;

  if (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND))
    return NULL;

  function = g_new0 (VpPciFunction, 1);
  function->address = *address;
  if (folder == NULL)
    {
      function->group = function->cdev = function->numa_node = -1;
      function->problem = g_strdup (error->message);
      return g_steal_pointer (&function);
    }

  if (!read_folder (&(Reader){ folder, function }) && !vp_sysfs_exists (sysfs, path))
    return NULL;
  return g_steal_pointer (&function);
}

void
vp_pci_function_free (VpPciFunction *self)
{
  if (self == NULL)
    return;

  g_free (self->driver);
  g_free (self->problem);
  g_free (self);
}

gboolean
vp_pci_function_is_bridge (const VpPciFunction *function)
{
  guint32 base_and_sub = function->class_code >> 8;

  return base_and_sub == CLASS_HOST_BRIDGE || base_and_sub == CLASS_PCI_BRIDGE;
}

const VpBar *
vp_pci_function_largest_bar (const VpPciFunction *function)
{
  const VpBar *largest = NULL;

  for (guint i = 0; i < function->n_bars; i++)
    if (function->bars[i].kind == VP_BAR_MEM64 &&
        (largest == NULL || function->bars[i].size > largest->size))
      largest = &function->bars[i];

  return largest;
}

gboolean
vp_pci_function_is_large (const VpPciFunction *function, guint64 threshold)
{
  const VpBar *largest = vp_pci_function_largest_bar (function);

  return largest != NULL && vp_bar_is_large (largest, threshold);
}
