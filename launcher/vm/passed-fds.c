#include "launcher/vm/passed-fds.h"

#include "devices/vfio-cdev.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/host-devices.h"

static void
passed_fd_free (gpointer data)
{
  VpPassedFd *fd = data;

  g_free (fd->folder);
  g_free (fd);
}

/* Takes @folder. */
static void
add (GPtrArray *fds, int index, char *folder)
{
  VpPassedFd *fd = g_new0 (VpPassedFd, 1);

  fd->number = VP_ARGV_PASSED_FD + (int) fds->len;
  fd->index = index;
  fd->folder = folder;
  g_ptr_array_add (fds, fd);
}

GPtrArray *
vp_passed_fds_new (const VpPlan *plan, const VpDeviceSpec *const *specs, const gboolean *by_iommufd)
{
  GPtrArray *fds = g_ptr_array_new_with_free_func (passed_fd_free);

  g_return_val_if_fail (plan != NULL, fds);

  for (guint i = 0; by_iommufd != NULL && i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (device->plug != VP_PLUG_COLD || !by_iommufd[i])
        continue;
      if (fds->len == 0)
        add (fds, -1, NULL);
      add (fds, (int) i, vp_host_devices_folder (specs[i], device->function));
    }
  return fds;
}

int
vp_passed_fds_find (const GPtrArray *fds, int index)
{
  for (guint i = 0; fds != NULL && i < fds->len; i++)
    {
      const VpPassedFd *fd = fds->pdata[i];

      if (fd->index == index)
        return fd->number;
    }
  return -1;
}

GUnixFDList *
vp_passed_fds_open (const GPtrArray *fds, VpSysfs *sysfs, GError **error)
{
  g_autoptr (GArray) open_fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GUnixFDList) list = NULL;

  g_return_val_if_fail (fds != NULL && sysfs != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (guint i = 0; i < fds->len; i++)
    {
      const VpPassedFd *passed = fds->pdata[i];
      int fd = passed->folder != NULL ? vp_vfio_cdev_open (sysfs, passed->folder, error)
                                      : vp_vfio_cdev_open_iommu (sysfs, error);

      if (fd >= 0)
        g_array_append_val (open_fds, fd);
      else
        break;
    }

  /* The list closes them, here too when one is missing. */
  list = g_unix_fd_list_new_from_array ((const int *) (void *) open_fds->data, (int) open_fds->len);
  return open_fds->len == fds->len ? g_steal_pointer (&list) : NULL;
}
