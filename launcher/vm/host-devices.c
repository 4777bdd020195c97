#include "launcher/vm/host-devices.h"

#include "devices/vfio-bind.h"
#include "devices/vfio-cdev.h"
#include "devices/vfio-node.h"
#include "launcher/error.h"

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

VpHostNode
vp_host_devices_node (const VpDeviceSpec *spec)
{
  return vp_device_spec_is_by_iommufd (spec) ? VP_HOST_NODE_CDEV : VP_HOST_NODE_GROUP;
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

static gboolean
check_node (VpSysfs *sysfs, const VpPciFunction *function, VpHostNode node, GError **error)
{
  g_autofree char *address = vp_pci_address_to_string (&function->address);
  g_autofree char *folder = g_strconcat (PCI_FOLDER, address, NULL);

  switch (node)
    {
    case VP_HOST_NODE_NONE:
      return TRUE;
    case VP_HOST_NODE_GROUP:
      return vp_vfio_node_check (sysfs, function->group, error);
    case VP_HOST_NODE_CDEV:
      return vp_vfio_cdev_check (sysfs, folder, error);
    }
  g_return_val_if_reached (FALSE);
}

gboolean
vp_host_devices_check (VpSysfs *sysfs,
                       const VpInventory *inventory,
                       const VpPciFunction *function,
                       const GPtrArray *taken,
                       VpHostNode node,
                       GError **error)
{
  if (!vp_inventory_check_assignable (inventory, function, taken, error))
    return FALSE;

  /* Before it is bound there is no node to look at. */
  return !vp_vfio_is_vfio_driver (function->driver) || check_node (sysfs, function, node, error);
}
