#include "devices/vfio-node.h"

#include "devices/error.h"
#include "devices/vfio-cdev.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTAINER "dev/vfio/vfio"

static gboolean
has_open (VpSysfs *sysfs, const char *pid, const char *const *nodes)
{
  g_autofree char *folder = g_build_filename ("proc", pid, "fd", NULL);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, folder, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      g_autofree char *target = vp_sysfs_read_link_target (sysfs, path);

      if (target != NULL && g_strv_contains (nodes, target))
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

/* Returns: (transfer full): the nodes by which the group can be held */
static char **
list_nodes (VpSysfs *sysfs, int group)
{
  GPtrArray *nodes = g_ptr_array_new ();
  g_autofree char *folder = g_strdup_printf ("sys/kernel/iommu_groups/%d/devices", group);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, folder, NULL);

  g_ptr_array_add (nodes, g_strdup_printf ("/dev/vfio/%d", group));
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *device = g_build_filename (folder, names[i], NULL);
      int number = vp_vfio_cdev_find (sysfs, device);

      if (number >= 0)
        g_ptr_array_add (nodes, g_strdup_printf ("/dev/vfio/devices/vfio%d", number));
    }
  g_ptr_array_add (nodes, NULL);
  return (char **) g_ptr_array_free (nodes, FALSE);
}

char *
vp_vfio_node_find_holder (VpSysfs *sysfs, int group)
{
  g_auto (GStrv) nodes = list_nodes (sysfs, group);
  g_auto (GStrv) names = vp_sysfs_list (sysfs, "proc", NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (names[i][strspn (names[i], "0123456789")] == '\0' &&
        has_open (sysfs, names[i], (const char *const *) nodes))
      return describe_process (sysfs, names[i]);

  return NULL;
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

int
vp_vfio_node_open (VpSysfs *sysfs, const char *path, GError **error)
{
  g_autofree char *node = g_build_filename (vp_sysfs_get_root (sysfs), path, NULL);
  int fd = vp_sysfs_open_file (sysfs, path, O_RDWR);
  int err = errno;

  if (fd >= 0)
    return fd;

  switch (err)
    {
    case EBUSY:
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "%s: held by another process",
                   node);
      break;
    case EACCES:
    case EPERM:
      set_not_permitted (error, sysfs, path, node, err);
      break;
    case ENOENT:
    case ENODEV:
    case ENXIO:
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND, "%s: no such node", node);
      break;
    default:
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s: %s", node, g_strerror (err));
    }
  return -1;
}

void
vp_vfio_node_set_busy (VpSysfs *sysfs, const char *path, int group, GError **error)
{
  g_autofree char *node = g_build_filename (vp_sysfs_get_root (sysfs), path, NULL);
  g_autofree char *holder = vp_vfio_node_find_holder (sysfs, group);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "%s: held by %s", node,
               holder != NULL ? holder : "another process");
}

gboolean
vp_vfio_node_check (VpSysfs *sysfs, int group, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) why = NULL;
  int fd;

  g_return_val_if_fail (sysfs != NULL && group >= 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  path = g_strdup_printf ("dev/vfio/%d", group);
  fd = vp_vfio_node_open (sysfs, path, &why);
  if (fd >= 0)
    {
      close (fd);
      return check_container (sysfs, error);
    }

  if (g_error_matches (why, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY))
    vp_vfio_node_set_busy (sysfs, path, group, error);
  else if (g_error_matches (why, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
                 "%s, so nothing of group %d is bound to vfio-pci", why->message, group);
  else
    g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}
