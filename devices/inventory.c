#include "devices/inventory.h"

#include "devices/error.h"
#include "devices/vfio-bind.h"

#include <stdlib.h>

#define PCI_DEVICES_FOLDER  "sys/bus/pci/devices"
#define MDEV_DEVICES_FOLDER "sys/bus/mdev/devices"

struct _VpInventory
{
  GPtrArray *functions; /* owned, in the order of their addresses */
  GHashTable *groups;   /* number → GPtrArray of functions */
  GHashTable *cdevs;    /* number → function */
  GHashTable *mdevs;    /* set of UUIDs */
};

static int
compare_functions (gconstpointer a, gconstpointer b)
{
  const VpPciFunction *const *left = a;
  const VpPciFunction *const *right = b;

  return vp_pci_address_compare (&(*left)->address, &(*right)->address);
}

static int
compare_address_with_function (const void *key, const void *element)
{
  const VpPciFunction *const *function = element;

  return vp_pci_address_compare (key, &(*function)->address);
}

static void
add_to_group (VpInventory *self, VpPciFunction *function)
{
  GPtrArray *members = g_hash_table_lookup (self->groups, GINT_TO_POINTER (function->group));

  if (members == NULL)
    {
      members = g_ptr_array_new ();
      g_hash_table_insert (self->groups, GINT_TO_POINTER (function->group), members);
    }
  g_ptr_array_add (members, function);
}

static void
read_mdevs (VpInventory *self, VpSysfs *sysfs)
{
  g_auto (GStrv) names = vp_sysfs_list (sysfs, MDEV_DEVICES_FOLDER, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    g_hash_table_add (self->mdevs, g_ascii_strdown (names[i], -1));
}

/* A person may write an address in several ways, the kernel in one: any other name would be the
 * same function again. */
static gboolean
parse_name (const char *name, VpPciAddress *address)
{
  g_autofree char *canonical =
      vp_pci_address_parse (name, address, NULL) ? vp_pci_address_to_string (address) : NULL;

  return g_strcmp0 (name, canonical) == 0;
}

VpInventory *
vp_inventory_read (VpSysfs *sysfs, GError **error)
{
  g_autoptr (VpInventory) self = NULL;
  g_auto (GStrv) names = NULL;

  g_return_val_if_fail (sysfs != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  names = vp_sysfs_list (sysfs, PCI_DEVICES_FOLDER, error);
  if (names == NULL)
    {
      g_prefix_error (error, "PCI bus: ");
      return NULL;
    }

  self = g_new0 (VpInventory, 1);
  self->functions = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_pci_function_free);
  self->groups = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  self->cdevs = g_hash_table_new (NULL, NULL);
  self->mdevs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; names[i] != NULL; i++)
    {
      VpPciAddress address;
      VpPciFunction *function;

      if (!parse_name (names[i], &address))
        continue;
      function = vp_pci_function_read (sysfs, &address);
      if (function != NULL)
        g_ptr_array_add (self->functions, function);
    }
  g_ptr_array_sort (self->functions, compare_functions);

  for (guint i = 0; i < self->functions->len; i++)
    {
      VpPciFunction *function = self->functions->pdata[i];

      if (function->group >= 0)
        add_to_group (self, function);
      if (function->cdev >= 0)
        g_hash_table_insert (self->cdevs, GINT_TO_POINTER (function->cdev), function);
    }
  read_mdevs (self, sysfs);

  return g_steal_pointer (&self);
}

void
vp_inventory_free (VpInventory *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->mdevs);
  g_hash_table_unref (self->cdevs);
  g_hash_table_unref (self->groups);
  g_ptr_array_unref (self->functions);
  g_free (self);
}

const GPtrArray *
vp_inventory_get_functions (const VpInventory *self)
{
  return self->functions;
}

const VpPciFunction *
vp_inventory_find (const VpInventory *self, const VpPciAddress *address)
{
  VpPciFunction **found;

  if (self->functions->len == 0)
    return NULL;

  found = bsearch (address, self->functions->pdata, self->functions->len,
                   sizeof self->functions->pdata[0], compare_address_with_function);
  return found != NULL ? *found : NULL;
}

GPtrArray *
vp_inventory_get_group (const VpInventory *self, int group)
{
  GPtrArray *members = g_hash_table_lookup (self->groups, GINT_TO_POINTER (group));

  return members != NULL ? g_ptr_array_copy (members, NULL, NULL) : g_ptr_array_new ();
}

static GPtrArray *
resolve_group (const VpInventory *self, guint number, GError **error)
{
  const GPtrArray *members = g_hash_table_lookup (self->groups, GUINT_TO_POINTER (number));
  g_autoptr (GPtrArray) endpoints = g_ptr_array_new ();

  if (members == NULL)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND, "IOMMU group %u: %s", number,
                   g_hash_table_size (self->groups) > 0 ? "the host has no such group"
                                                        : "the host has no IOMMU groups at all");
      return NULL;
    }

  for (guint i = 0; i < members->len; i++)
    if (!vp_pci_function_is_bridge (members->pdata[i]))
      g_ptr_array_add (endpoints, members->pdata[i]);
  if (endpoints->len == 0)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE,
                   "IOMMU group %u: it holds bridges only", number);
      return NULL;
    }

  return g_steal_pointer (&endpoints);
}

static GPtrArray *
resolve_one (const VpPciFunction *function, const VpDeviceRef *ref, GError **error)
{
  GPtrArray *functions;

  if (function == NULL)
    {
      g_autofree char *text = vp_device_ref_to_string (ref);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND,
                   "%s: the host has no such device", text);
      return NULL;
    }

  functions = g_ptr_array_new ();
  g_ptr_array_add (functions, (gpointer) function);
  return functions;
}

gboolean
vp_inventory_find_mdev (const VpInventory *self, const char *uuid, GError **error)
{
  g_return_val_if_fail (self != NULL && uuid != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (g_hash_table_contains (self->mdevs, uuid))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND,
               "mediated device %s: the host has no such device", uuid);
  return FALSE;
}

GPtrArray *
vp_inventory_resolve (const VpInventory *self, const VpDeviceRef *ref, GError **error)
{
  g_return_val_if_fail (self != NULL && ref != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  switch (ref->kind)
    {
    case VP_DEVICE_REF_GROUP:
      return resolve_group (self, ref->number, error);
    case VP_DEVICE_REF_CDEV:
      return resolve_one (g_hash_table_lookup (self->cdevs, GUINT_TO_POINTER (ref->number)), ref,
                          error);
    case VP_DEVICE_REF_PCI:
      return resolve_one (vp_inventory_find (self, &ref->address), ref, error);
    case VP_DEVICE_REF_MDEV:
      if (vp_inventory_find_mdev (self, ref->uuid, error))
        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE,
                     "mediated device %s is no PCI function of the host", ref->uuid);
      return NULL;
    }

  g_return_val_if_reached (NULL);
}

/* What drivers/vfio lets stand beside its own: none of them touches DMA. */
static gboolean
may_share_a_group (const char *driver)
{
  return driver == NULL || vp_vfio_is_vfio_driver (driver) || g_str_equal (driver, "pci-stub") ||
         g_str_equal (driver, "pcieport");
}

static gboolean
check_kind (const VpPciFunction *function, const char *bdf, GError **error)
{
  if (function->problem != NULL)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE,
                 "%s cannot be understood: %s", bdf, function->problem);
  else if (vp_pci_function_is_bridge (function))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE,
                 "%s is a bridge: VFIO does not hand over bridges", bdf);
  else if (function->n_virtual_functions > 0)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE,
                 "%s is a physical function: %u of its virtual functions are enabled", bdf,
                 function->n_virtual_functions);
  else if (function->group < 0)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMU,
                 "%s is in no IOMMU group: the IOMMU is off or does not cover it", bdf);
  else
    return TRUE;

  return FALSE;
}

static gboolean
check_bound (const VpPciFunction *function, const char *bdf, GError **error)
{
  if (vp_vfio_is_vfio_driver (function->driver))
    return TRUE;

  if (function->driver == NULL)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
                 "%s has no driver: it is not bound to vfio-pci", bdf);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
                 "%s is driven by %s, not by vfio-pci", bdf, function->driver);
  return FALSE;
}

static gboolean
will_be_taken (const GPtrArray *taken, const VpPciFunction *function)
{
  return taken != NULL && g_ptr_array_find ((GPtrArray *) taken, function, NULL);
}

static gboolean
check_viable (const VpInventory *self,
              const VpPciFunction *function,
              const GPtrArray *taken,
              GError **error)
{
  const GPtrArray *members = g_hash_table_lookup (self->groups, GINT_TO_POINTER (function->group));
  g_autoptr (GString) culprits = g_string_new (NULL);

  for (guint i = 0; members != NULL && i < members->len; i++)
    {
      const VpPciFunction *member = members->pdata[i];
      g_autofree char *bdf = NULL;

      if (member == function || will_be_taken (taken, member) || may_share_a_group (member->driver))
        continue;
      bdf = vp_pci_address_to_string (&member->address);
      g_string_append_printf (culprits, "%s%s %sby %s", culprits->len > 0 ? ", " : "", bdf,
                              culprits->len > 0 ? "" : "is driven ", member->driver);
    }
  if (culprits->len == 0)
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_VIABLE, "group %d is not viable: %s",
               function->group, culprits->str);
  return FALSE;
}

gboolean
vp_inventory_check_assignable (const VpInventory *self,
                               const VpPciFunction *function,
                               const GPtrArray *taken,
                               GError **error)
{
  g_autofree char *bdf = NULL;

  g_return_val_if_fail (self != NULL && function != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bdf = vp_pci_address_to_string (&function->address);
  return check_kind (function, bdf, error) &&
         (will_be_taken (taken, function) || check_bound (function, bdf, error)) &&
         check_viable (self, function, taken, error);
}
