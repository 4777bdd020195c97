#include "launcher/vm/host-node.h"

#include "devices/error.h"
#include "devices/vfio-cdev.h"
#include "devices/vfio-node.h"

#define LOOK_AGAIN_MS 20

VpHostNode
vp_host_node_of (const VpDeviceSpec *spec)
{
  return vp_device_spec_is_by_iommufd (spec) ? VP_HOST_NODE_CDEV : VP_HOST_NODE_GROUP;
}

static gboolean
check (VpSysfs *sysfs, const VpPciFunction *function, VpHostNode node, GError **error)
{
  g_autofree char *address = NULL;
  g_autofree char *folder = NULL;

  if (node == VP_HOST_NODE_NONE)
    return TRUE;
  if (node == VP_HOST_NODE_GROUP)
    return vp_vfio_node_check (sysfs, function->group, error);

  address = vp_pci_address_to_string (&function->address);
  folder = g_strconcat ("sys/bus/pci/devices/", address, NULL);
  return vp_vfio_cdev_check (sysfs, folder, error);
}

gboolean
vp_host_node_wait (VpSysfs *sysfs,
                   const VpPciFunction *function,
                   VpHostNode node,
                   guint patience_ms,
                   GError **error)
{
  gint64 end_us = g_get_monotonic_time () + (gint64) patience_ms * G_TIME_SPAN_MILLISECOND;
  g_autoptr (GError) obstacle = NULL;

  while (!check (sysfs, function, node, &obstacle))
    {
      if (!g_error_matches (obstacle, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY) ||
          g_get_monotonic_time () >= end_us)
        {
          g_propagate_error (error, g_steal_pointer (&obstacle));
          return FALSE;
        }
      g_clear_error (&obstacle);
      g_usleep (LOOK_AGAIN_MS * G_TIME_SPAN_MILLISECOND);
    }
  return TRUE;
}
