#include "devices/vfio-cdev.h"

#include "devices/error.h"
#include "devices/vfio-node.h"

#include <string.h>
#include <unistd.h>

#define CDEV_NAME  "vfio"
#define IOMMU_PATH "dev/iommu"

/* Returns: N of "vfioN", or -1 */
static int
parse_name (const char *name)
{
  guint64 number;

  if (!g_str_has_prefix (name, CDEV_NAME) ||
      !g_ascii_string_to_unsigned (name + strlen (CDEV_NAME), 10, 0, G_MAXINT, &number, NULL))
    return -1;
  return (int) number;
}

int
vp_vfio_cdev_find (VpSysfs *sysfs, const char *device)
{
  g_autofree char *folder = g_build_filename (device, "vfio-dev", NULL);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, folder, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (parse_name (names[i]) >= 0)
      return parse_name (names[i]);

  return -1;
}

gboolean
vp_vfio_cdev_has_iommufd (VpSysfs *sysfs)
{
  return vp_sysfs_exists (sysfs, IOMMU_PATH);
}

/* Returns: (transfer full) (nullable): the path of the device's node */
static char *
find_node (VpSysfs *sysfs, const char *device, GError **error)
{
  int number = vp_vfio_cdev_find (sysfs, device);
  g_autofree char *path = g_strdup_printf ("dev/vfio/devices/" CDEV_NAME "%d", number);
  g_autofree char *name = g_path_get_basename (device);

  if (number >= 0 && vp_sysfs_exists (sysfs, path))
    return g_steal_pointer (&path);

  if (number < 0)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD,
                 "%s: the kernel has made no VFIO node of its own for it", name);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD,
                 "%s: /%s is not there: the kernel has no CONFIG_VFIO_DEVICE_CDEV", name, path);
  return NULL;
}

static gboolean
check_kernel (VpSysfs *sysfs, GError **error)
{
  if (vp_vfio_cdev_has_iommufd (sysfs))
    return TRUE;
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD,
               "/" IOMMU_PATH " is not there: the kernel has no CONFIG_IOMMUFD");
  return FALSE;
}

gboolean
vp_vfio_cdev_check_host (VpSysfs *sysfs, const char *device, GError **error)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (sysfs != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_kernel (sysfs, error))
    return FALSE;
  if (device == NULL)
    return TRUE;
  path = find_node (sysfs, device, error);
  return path != NULL;
}

static int
read_group (VpSysfs *sysfs, const char *device)
{
  g_autofree char *link = g_build_filename (device, "iommu_group", NULL);
  g_autofree char *name = vp_sysfs_read_link (sysfs, link);
  guint64 number;

  return name != NULL && g_ascii_string_to_unsigned (name, 10, 0, G_MAXINT, &number, NULL)
             ? (int) number
             : -1;
}

gboolean
vp_vfio_cdev_check (VpSysfs *sysfs, const char *device, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *holder = NULL;
  int iommu, cdev, group;

  g_return_val_if_fail (sysfs != NULL && device != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  iommu = vp_vfio_cdev_open_iommu (sysfs, error);
  if (iommu < 0)
    return FALSE;
  close (iommu);

  path = find_node (sysfs, device, error);
  cdev = path != NULL ? vp_vfio_node_open (sysfs, path, error) : -1;
  if (cdev < 0)
    return FALSE;
  close (cdev);

  group = read_group (sysfs, device);
  holder = vp_vfio_node_find_holder (sysfs, group);
  if (holder == NULL)
    return TRUE;
  vp_vfio_node_set_busy (sysfs, path, group, error);
  return FALSE;
}

int
vp_vfio_cdev_open (VpSysfs *sysfs, const char *device, GError **error)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (sysfs != NULL && device != NULL, -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  path = find_node (sysfs, device, error);
  return path != NULL ? vp_vfio_node_open (sysfs, path, error) : -1;
}

int
vp_vfio_cdev_open_iommu (VpSysfs *sysfs, GError **error)
{
  g_return_val_if_fail (sysfs != NULL, -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return check_kernel (sysfs, error) ? vp_vfio_node_open (sysfs, IOMMU_PATH, error) : -1;
}
