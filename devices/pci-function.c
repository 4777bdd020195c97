#include "devices/pci-function.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

#define DEVICES_FOLDER      "sys/bus/pci/devices"
#define CONVENTIONAL_CONFIG 256 /* bytes; PCI Express has 4096 */
#define CLASS_HOST_BRIDGE   0x0600
#define CLASS_PCI_BRIDGE    0x0604
#define VFIO_DEV_NAME       "vfio"
#define HEX_PREFIX          "0x"

/* A function while it is read: the first thing that made no sense becomes its problem. */
typedef struct
{
  VpSysfs *sysfs;
  char *folder;
  VpPciFunction *function;
} Reader;

static char *
path_of (const Reader *reader, const char *name)
{
  return g_build_filename (reader->folder, name, NULL);
}

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
  g_autofree char *path = path_of (reader, name);
  g_autoptr (GError) error = NULL;
  char *text = vp_sysfs_read (reader->sysfs, path, &error);

  if (text == NULL)
    note_problem (reader, g_strdup (error->message));
  return text;
}

static char *
read_link (const Reader *reader, const char *name)
{
  g_autofree char *path = path_of (reader, name);

  return vp_sysfs_read_link (reader->sysfs, path);
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
  g_autofree char *path = path_of (reader, name);
  g_autofree char *sizes = vp_sysfs_read (reader->sysfs, path, NULL);

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
  g_autofree char *name = read_link (reader, "iommu_group");
  int group;

  return name != NULL && parse_number (name, &group) ? group : -1;
}

static int
read_cdev (const Reader *reader)
{
  g_autofree char *path = path_of (reader, "vfio-dev");
  g_auto (GStrv) names = vp_sysfs_list (reader->sysfs, path, NULL);
  int number;

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], VFIO_DEV_NAME) &&
        parse_number (names[i] + strlen (VFIO_DEV_NAME), &number))
      return number;

  return -1;
}

/* Only a hint for placing memory: -1 is as good as a wrong one. */
static int
read_numa_node (const Reader *reader)
{
  g_autofree char *path = path_of (reader, "numa_node");
  g_autofree char *text = vp_sysfs_read (reader->sysfs, path, NULL);
  int node;

  return text != NULL && parse_number (text, &node) ? node : -1;
}

static void
read_sriov (const Reader *reader)
{
  VpPciFunction *function = reader->function;
  g_autofree char *numvfs = path_of (reader, "sriov_numvfs");
  g_autofree char *physical = read_link (reader, "physfn");

  if (physical != NULL)
    {
      function->is_virtual = vp_pci_address_parse (physical, &function->physical_function, NULL);
      if (!function->is_virtual)
        note_garbage (reader, "physfn", physical, "a PCI address");
    }

  if (vp_sysfs_exists (reader->sysfs, numvfs))
    {
      g_autofree char *text = read_attribute (reader, "sriov_numvfs");
      int n = 0;

      if (text != NULL && !parse_number (text, &n))
        note_garbage (reader, "sriov_numvfs", text, "a number");
      function->n_virtual_functions = (guint) n;
    }
}

VpPciFunction *
vp_pci_function_read (VpSysfs *sysfs, const VpPciAddress *address)
{
  g_autofree char *bdf = vp_pci_address_to_string (address);
  g_autofree char *folder = g_build_filename (DEVICES_FOLDER, bdf, NULL);
  g_autofree char *config = g_build_filename (folder, "config", NULL);
  g_autoptr (VpPciFunction) function = g_new0 (VpPciFunction, 1);
  const Reader reader = { .sysfs = sysfs, .folder = folder, .function = function };

  function->address = *address;
  function->class_code = read_hex (&reader, "class", 6);
  function->vendor = (guint16) read_hex (&reader, "vendor", 4);
  function->device = (guint16) read_hex (&reader, "device", 4);
  function->pcie = vp_sysfs_size (sysfs, config) > CONVENTIONAL_CONFIG;
  read_bars (&reader);
  function->driver = read_link (&reader, "driver");
  function->group = read_group (&reader);
  function->cdev = read_cdev (&reader);
  function->numa_node = read_numa_node (&reader);
  read_sriov (&reader);

  /* Asked last: what disappeared half way looks like garbage above, but is none. */
  if (!vp_sysfs_exists (sysfs, folder))
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
