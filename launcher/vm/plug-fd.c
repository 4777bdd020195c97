#include "launcher/vm/plug-fd.h"

#include "devices/vfio-cdev.h"
#include "launcher/error.h"
#include "launcher/vm/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* @path: begins with "/" */
static int
open_node (VpSysfs *sysfs, const char *path)
{
  return vp_sysfs_open_file (sysfs, path + 1, O_RDWR);
}

static int
open_file (VpSysfs *sysfs, const char *path, GError **error)
{
  int fd = open_node (sysfs, path);

  if (fd < 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", path, g_strerror (errno));
  return fd;
}

int
vp_plug_fd_open (const VpPlugFd *fd, GObject **keeper, gpointer sysfs, GError **error)
{
  VpPasst *passt;
  int opened = -1;

  *keeper = NULL;
  switch (fd->kind)
    {
    case VP_PLUG_FD_FILE:
      opened = open_file (sysfs, fd->path, error);
      break;
    case VP_PLUG_FD_IOMMU:
      opened = vp_vfio_cdev_open_iommu (sysfs, error);
      break;
    case VP_PLUG_FD_CDEV:
      opened = vp_vfio_cdev_open (sysfs, fd->path, error);
      break;
    case VP_PLUG_FD_PASST:
      passt = vp_passt_start (&opened, error);
      if (passt != NULL)
        *keeper = G_OBJECT (passt);
      break;
    }
  return opened;
}

gboolean
vp_plug_fd_has_vhost_net (VpSysfs *sysfs)
{
  int fd = open_node (sysfs, VP_NIC_VHOST_NODE);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}
