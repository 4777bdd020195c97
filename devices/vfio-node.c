#include "devices/vfio-node.h"

#include "devices/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTAINER "dev/vfio/vfio"

static gboolean
has_open (VpSysfs *sysfs, const char *pid, const char *node)
{
  g_autofree char *folder = g_build_filename ("proc", pid, "fd", NULL);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, folder, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      g_autofree char *target = vp_sysfs_read_link_target (sysfs, path);

      if (g_strcmp0 (target, node) == 0)
        return TRUE;
    }
  return FALSE;
}

static char *
describe_process (VpSysfs *sysfs, const char *pid)
{
  g_autofree char *path = g_build_filename ("proc", pid, "comm", NULL);
  g_autofree char *comm = vp_sysfs_read (sysfs, path, NULL);
  g_autofree char *escaped = comm != NULL ? g_strescape (comm, NULL) : NULL;

  /* A process chooses its own name, so it is escaped; one that just ended has none. */
  return g_strdup_printf ("pid %s (%s)", pid, escaped != NULL ? escaped : "gone");
}

char *
vp_vfio_node_find_holder (VpSysfs *sysfs, int group)
{
  g_autofree char *node = g_strdup_printf ("/dev/vfio/%d", group);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, "proc", NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (names[i][strspn (names[i], "0123456789")] == '\0' && has_open (sysfs, names[i], node))
      return describe_process (sysfs, names[i]);

  return NULL;
}

static void
set_busy (GError **error, VpSysfs *sysfs, const char *node, int group)
{
  g_autofree char *holder = vp_vfio_node_find_holder (sysfs, group);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "%s: held by %s", node,
               holder != NULL ? holder : "another process");
}

static void
set_not_permitted (GError **error, VpSysfs *sysfs, const char *path, const char *node, int err)
{
  /* File permissions refuse with EACCES; EPERM on a device node is the work of a device cgroup. */
  const char *by_cgroup = err == EPERM ? ": the device cgroup forbids it" : "";
  int fd = vp_sysfs_open_file (sysfs, path, O_PATH);
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION,
                 "%s: uid %u may not open it (mode %04o, uid %u, gid %u)%s", node,
                 (guint) geteuid (), (guint) status.st_mode & 07777, (guint) status.st_uid,
                 (guint) status.st_gid, by_cgroup);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION, "%s: uid %u may not open it%s",
                 node, (guint) geteuid (), by_cgroup);

  if (fd >= 0)
    close (fd);
}

/* The group goes into a container, which QEMU makes by opening this. */
static gboolean
check_container (VpSysfs *sysfs, GError **error)
{
  g_autofree char *node = g_build_filename (vp_sysfs_get_root (sysfs), CONTAINER, NULL);
  int fd = vp_sysfs_open_file (sysfs, CONTAINER, O_RDWR);
  int err = errno;

  if (fd >= 0)
    {
      close (fd);
      return TRUE;
    }
  if (err == EACCES || err == EPERM)
    set_not_permitted (error, sysfs, CONTAINER, node, err);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s: %s", node, g_strerror (err));
  return FALSE;
}

gboolean
vp_vfio_node_check (VpSysfs *sysfs, int group, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *node = NULL;
  int fd, err;

  g_return_val_if_fail (sysfs != NULL && group >= 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  path = g_strdup_printf ("dev/vfio/%d", group);
  node = g_build_filename (vp_sysfs_get_root (sysfs), path, NULL);
  fd = vp_sysfs_open_file (sysfs, path, O_RDWR);
  if (fd >= 0)
    {
      close (fd);
      return check_container (sysfs, error);
    }

  err = errno;
  switch (err)
    {
    case EBUSY:
      set_busy (error, sysfs, node, group);
      break;
    case EACCES:
    case EPERM:
      set_not_permitted (error, sysfs, path, node, err);
      break;
    case ENOENT:
    case ENODEV:
    case ENXIO:
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
                   "%s: no such node, so nothing of group %d is bound to vfio-pci", node, group);
      break;
    default:
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s: %s", node, g_strerror (err));
    }
  return FALSE;
}
