#include "launcher/vm/host-devices.h"

#include "devices/vfio-bind.h"
#include "devices/vfio-node.h"
#include "launcher/error.h"

GPtrArray *
vp_host_devices_resolve (const VpInventory *inventory, const VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = NULL;

  if (vp_device_spec_is_mediated (spec) &&
      !vp_inventory_find_mdev (inventory, spec->ref.uuid, error))
    return NULL;
  if (spec->kind != VP_DEVICE_SPEC_VFIO || vp_device_spec_is_mediated (spec))
    {
      functions = g_ptr_array_new ();
      g_ptr_array_add (functions, NULL);
      return g_steal_pointer (&functions);
    }

  functions = vp_inventory_resolve (inventory, &spec->ref, error);
  if (functions != NULL && functions->len > 1 && spec->id != NULL)
    {
      vp_error_refuse (error, spec->text,
                       "stands for %u devices of an IOMMU group, which cannot all be called %s",
                       functions->len, spec->id);
      return NULL;
    }
  return g_steal_pointer (&functions);
}

gboolean
vp_host_devices_check (VpSysfs *sysfs,
                       const VpInventory *inventory,
                       const VpPciFunction *function,
                       const GPtrArray *taken,
                       gboolean look_at_node,
                       GError **error)
{
  if (!vp_inventory_check_assignable (inventory, function, taken, error))
    return FALSE;

  /* Before it is bound there is no node to look at. */
  return !look_at_node || !vp_vfio_is_vfio_driver (function->driver) ||
         vp_vfio_node_check (sysfs, function->group, error);
}
