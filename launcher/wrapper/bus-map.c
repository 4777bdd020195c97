#include "launcher/wrapper/bus-map.h"

#include "launcher/wrapper/pci-driver.h"

#include <stdio.h>
#include <string.h>

#define N_SLOTS     32
#define N_FUNCTIONS 8
#define ANYWHERE    -1 /* the first free slot, which is QEMU's choice */
#define NOWHERE     -2 /* no address */

typedef struct
{
  VpPciDriver driver;
  char *bus; /* (nullable) */
  int place; /* slot * 8 + function, or one of the above */
} Device;

struct _VpBusMap
{
  GHashTable *devices; /* (element-type utf8 Device): those with an id by it, others by a number */
  guint n_unnamed;     /* of the latter */
};

static void
device_free (gpointer data)
{
  Device *self = data;

  g_free (self->bus);
  g_free (self);
}

/* As QEMU reads it: hexadecimal, "SLOT" or "SLOT.FUNCTION". */
static int
parse_place (const char *addr)
{
  guint slot, function = 0;
  int end = 0;

  if (addr == NULL)
    return ANYWHERE;
  if ((sscanf (addr, "%x.%x%n", &slot, &function, &end) != 2 || addr[end] != '\0') &&
      (sscanf (addr, "%x%n", &slot, &end) != 1 || addr[end] != '\0'))
    return NOWHERE;
  if (slot >= N_SLOTS || function >= N_FUNCTIONS)
    return NOWHERE;
  return (int) (slot * N_FUNCTIONS + function);
}

VpBusMap *
vp_bus_map_new (void)
{
  VpBusMap *self = g_new0 (VpBusMap, 1);

  self->devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, device_free);
  return self;
}

void
vp_bus_map_free (VpBusMap *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->devices);
  g_free (self);
}

gboolean
vp_bus_map_add (
    VpBusMap *self, const char *driver, const char *id, const char *bus, const char *addr)
{
  g_autofree char *key = NULL;
  Device *device;

  g_return_val_if_fail (driver != NULL, FALSE);

  /* No id of QEMU's begins with a digit. */
  key = id != NULL ? g_strdup (id) : g_strdup_printf ("%u", self->n_unnamed++);
  if (g_hash_table_contains (self->devices, key))
    return FALSE;

  device = g_new0 (Device, 1);
  device->driver = vp_pci_driver_classify (driver);
  device->bus = g_strdup (bus);
  device->place = parse_place (addr);
  g_hash_table_insert (self->devices, g_steal_pointer (&key), device);
  return TRUE;
}

void
vp_bus_map_remove (VpBusMap *self, const char *id)
{
  g_hash_table_remove (self->devices, id);
}

gboolean
vp_bus_map_has_device (const VpBusMap *self, const char *id)
{
  return g_hash_table_contains (self->devices, id);
}

/* Whether @name is "STEM.N", as QEMU calls the buses of a device that gives them no name. */
static gboolean
is_numbered (const char *name, const char *stem)
{
  gsize n = strlen (stem);

  return strncmp (name, stem, n) == 0 && name[n] == '.' && name[n + 1] != '\0' &&
         strspn (name + n + 1, "0123456789") == strlen (name + n + 1);
}

/* Returns: whether there is such a bus; @driver: what it belongs to */
static gboolean
find_bus (const VpBusMap *self, const char *name, VpPciDriver *driver)
{
  const Device *owner = g_hash_table_lookup (self->devices, name);
  const char *dot = strrchr (name, '.');
  g_autofree char *stem = dot != NULL ? g_strndup (name, (gsize) (dot - name)) : NULL;

  /* What is on these is QEMU's to judge: it looks at the type of the bus too. */
  *driver = VP_PCI_DRIVER_NONE;
  if (owner != NULL && owner->driver >= VP_PCI_DRIVER_PORT)
    *driver = owner->driver;
  else if (stem == NULL || !is_numbered (name, stem))
    return FALSE;
  else if (g_hash_table_contains (self->devices, stem))
    return TRUE;
  else
    return strcmp (name, "pcie.0") == 0 || strcmp (name, "pci.0") == 0 ||
           (self->n_unnamed > 0 && (strcmp (stem, "pcie") == 0 || strcmp (stem, "pci") == 0));
  return TRUE;
}

gboolean
vp_bus_map_takes (const VpBusMap *self, const char *bus, const char *addr)
{
  VpPciDriver driver;
  int place = parse_place (addr);
  gboolean is_taken[N_SLOTS] = { FALSE };
  gboolean is_function_taken = FALSE;
  guint n_taken = 0;
  GHashTableIter iter;
  const Device *device;

  if (!find_bus (self, bus, &driver) || g_strcmp0 (bus, "pcie.0") == 0)
    return FALSE;
  /* An address that is none, or a bus that is not looked into: QEMU says what it says. */
  if (place == NOWHERE || driver < VP_PCI_DRIVER_PORT)
    return TRUE;
  if (driver == VP_PCI_DRIVER_PORT && place >= N_FUNCTIONS)
    return FALSE;

  g_hash_table_iter_init (&iter, self->devices);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &device))
    {
      if (g_strcmp0 (device->bus, bus) != 0)
        continue;
      n_taken++;
      if (device->place >= 0)
        is_taken[device->place / N_FUNCTIONS] = TRUE;
      is_function_taken |= device->place >= 0 && device->place == place;
    }

  if (driver == VP_PCI_DRIVER_PORT)
    /* The functions of one device come one by one, the first of them last. */
    return n_taken == 0 || (place >= 0 && is_taken[0] && !is_function_taken);
  if (place != ANYWHERE)
    return !is_function_taken;
  return n_taken < N_SLOTS;
}
