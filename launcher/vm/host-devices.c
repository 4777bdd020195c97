#include "launcher/vm/host-devices.h"

#include "devices/host-use.h"
#include "devices/vfio-bind.h"
#include "launcher/error.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/run-dir.h"

#define PCI_FOLDER  "sys/bus/pci/devices/"
#define MDEV_FOLDER "sys/bus/mdev/devices/"

char *
vp_host_devices_folder (const VpDeviceSpec *spec, const VpPciFunction *function)
{
  g_autofree char *address = NULL;

  g_return_val_if_fail (spec != NULL && spec->kind == VP_DEVICE_SPEC_VFIO, NULL);
  g_return_val_if_fail (function != NULL || vp_device_spec_is_mediated (spec), NULL);

  if (function == NULL)
    return g_strconcat (MDEV_FOLDER, spec->ref.uuid, NULL);
  address = vp_pci_address_to_string (&function->address);
  return g_strconcat (PCI_FOLDER, address, NULL);
}

GPtrArray *
vp_host_devices_resolve (const VpInventory *inventory, const VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = NULL;

  if (vp_device_spec_is_mediated (spec) &&
      !vp_inventory_find_mdev (inventory, spec->ref.uuid, error))
    return NULL;
  if (vp_device_spec_is_emulated (spec) || vp_device_spec_is_mediated (spec))
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
                       const VpDeviceSpec *spec,
                       const GPtrArray *taken,
                       GError **error)
{
  return vp_inventory_check_assignable (inventory, function, taken, error) &&
         (!spec->bind || spec->force || vp_vfio_is_vfio_driver (function->driver) ||
          vp_host_use_check (sysfs, function, error));
}

gboolean
vp_host_devices_check_free (VpSysfs *sysfs,
                            const VpPciFunction *function,
                            VpHostNode node,
                            const char *vm,
                            guint patience_ms,
                            GError **error)
{
  g_autofree char *base = vp_run_dir_base (vp_sysfs_get_root (sysfs));

  if (function->group < 0)
    return TRUE;
  /* Before it is bound there is no node to look at. */
  return vp_group_lock_check (base, function->group, vm, error) &&
         (!vp_vfio_is_vfio_driver (function->driver) ||
          vp_host_node_wait (sysfs, function, node, patience_ms, error));
}
