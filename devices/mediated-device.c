#include "devices/mediated-device.h"

#include "devices/error.h"
#include "devices/vfio-node.h"

#define MDEV_DEVICES_FOLDER "sys/bus/mdev/devices"

/* Returns: the group's number, or -1 */
static int
read_group (VpSysfs *sysfs, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "iommu_group", NULL);
  g_autofree char *name = vp_sysfs_read_link (sysfs, path);
  guint64 number;

  if (name == NULL || !g_ascii_string_to_unsigned (name, 10, 0, G_MAXINT, &number, NULL))
    return -1;
  return (int) number;
}

gboolean
vp_mediated_device_check (VpSysfs *sysfs, const char *uuid, GError **error)
{
  g_autofree char *folder = NULL;
  int group;

  g_return_val_if_fail (sysfs != NULL && uuid != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  folder = g_build_filename (MDEV_DEVICES_FOLDER, uuid, NULL);
  group = read_group (sysfs, folder);
  if (group >= 0)
    return vp_vfio_node_check (sysfs, group, error);

  if (vp_sysfs_exists (sysfs, folder))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMU,
                 "mediated device %s is in no IOMMU group: no VFIO driver has it", uuid);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND,
                 "mediated device %s: the host has no such device", uuid);
  return FALSE;
}
