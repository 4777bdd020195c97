#include "launcher/commands/host-functions.h"

static gboolean
add_functions (VpHostFunctions *self, const char *text, GError **error)
{
  g_autoptr (GPtrArray) found = NULL;
  VpDeviceRef ref;

  if (!vp_device_ref_parse (text, &ref, error))
    return FALSE;
  found = vp_inventory_resolve (self->inventory, &ref, error);
  if (found == NULL)
    return FALSE;

  for (guint i = 0; i < found->len; i++)
    if (!g_ptr_array_find (self->functions, found->pdata[i], NULL))
      g_ptr_array_add (self->functions, found->pdata[i]);
  return TRUE;
}

VpHostFunctions *
vp_host_functions_new (const char *root, char **refs, GError **error)
{
  g_autoptr (VpHostFunctions) self = g_new0 (VpHostFunctions, 1);

  self->functions = g_ptr_array_new ();
  self->sysfs = vp_sysfs_open (root, error);
  if (self->sysfs == NULL)
    return NULL;
  self->inventory = vp_inventory_read (self->sysfs, error);
  if (self->inventory == NULL)
    return NULL;

  for (char **ref = refs; *ref != NULL; ref++)
    if (!add_functions (self, *ref, error))
      return NULL;
  return g_steal_pointer (&self);
}

void
vp_host_functions_free (VpHostFunctions *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->functions, g_ptr_array_unref);
  g_clear_pointer (&self->inventory, vp_inventory_free);
  g_clear_pointer (&self->sysfs, vp_sysfs_free);
  g_free (self);
}
