#include "launcher/vm/host-devices.h"

#include "devices/vfio-node.h"
#include "launcher/error.h"

static GPtrArray *
resolve (const VpInventory *inventory, const VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = NULL;

  if (spec->kind == VP_DEVICE_SPEC_QEMU)
    {
      functions = g_ptr_array_new ();
      g_ptr_array_add (functions, NULL);
      return g_steal_pointer (&functions);
    }

  functions = vp_inventory_resolve (inventory, &spec->ref, error);
  if (functions != NULL && functions->len > 1 && spec->id != NULL)
    {
      g_autofree char *ref = vp_device_ref_to_string (&spec->ref);

      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "id=%s is one id, but %s stands for %u devices",
                   spec->id, ref, functions->len);
      return NULL;
    }
  return g_steal_pointer (&functions);
}

GPtrArray *
vp_host_devices_find (VpSysfs *sysfs,
                      const VpInventory *inventory,
                      const VpDeviceSpec *spec,
                      VpHostGroupHeldFunc is_held,
                      gpointer user_data,
                      GError **error)
{
  g_autoptr (GPtrArray) functions = resolve (inventory, spec, error);

  for (guint i = 0; functions != NULL && i < functions->len; i++)
    {
      const VpPciFunction *function = functions->pdata[i];

      if (function == NULL)
        continue;
      if (!vp_inventory_check_assignable (inventory, function, spec->bind, error))
        return NULL;
      if (!spec->bind && (is_held == NULL || !is_held (function->group, user_data)) &&
          !vp_vfio_node_check (sysfs, function->group, error))
        return NULL;
    }
  return g_steal_pointer (&functions);
}
