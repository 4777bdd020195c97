#include "devices/host-use.h"

#include "devices/error.h"

#include <string.h>

#define BLOCK_FOLDER "sys/class/block"
#define NET_FOLDER   "sys/class/net"
#define MAX_TABLE                                                                                  \
  (4 * 1024 * 1024) /* of mounts or routes; a host with containers has thousands                   \
                     */

/* Names in one folder of sys/class, and where each really is. */
typedef struct
{
  VpSysfs *sysfs;
  const char *folder;
  GHashTable *targets; /* name -> path */
} Class;

static void
class_clear (Class *klass)
{
  g_hash_table_unref (klass->targets);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Class, class_clear)

static Class
class_read (VpSysfs *sysfs, const char *folder)
{
  Class klass = { sysfs, folder, g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free) };
  g_auto (GStrv) names = vp_sysfs_list (sysfs, folder, NULL);

  for (char **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree char *path = g_build_filename (folder, *name, NULL);
      char *target = vp_sysfs_read_link_target (sysfs, path);

      if (target != NULL)
        g_hash_table_insert (klass.targets, g_strdup (*name), target);
    }
  return klass;
}

static gboolean
is_below (const char *target, const char *folder_name)
{
  g_auto (GStrv) parts = g_strsplit (target, "/", -1);

  return g_strv_contains ((const char *const *) parts, folder_name);
}

/* A path of a multipath NVMe disk has nobody on it: whoever uses the disk uses the head of it,
 * which is below no PCI function (drivers/nvme/host/multipath.c: nvme0c1n1 is a path to nvme0n1).
 */
static char *
head_of_path (const char *name)
{
  g_autoptr (GRegex) path = g_regex_new ("^(nvme[0-9]+)c[0-9]+(n[0-9]+)$", 0, 0, NULL);

  return g_regex_match (path, name, 0, NULL)
             ? g_regex_replace (path, name, -1, 0, "\\1\\2", 0, NULL)
             : NULL;
}

static void
add_name (GPtrArray *names, const char *name)
{
  if (name != NULL && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, g_strdup (name));
}

/* Adds each name whose folder is somewhere in that of @parent. */
static void
add_below (GPtrArray *names, const Class *klass, const char *parent)
{
  g_autoptr (GList) all =
      g_list_sort (g_hash_table_get_keys (klass->targets), (GCompareFunc) strcmp);

  for (GList *each = all; each != NULL; each = each->next)
    if (!g_str_equal (each->data, parent) &&
        is_below (g_hash_table_lookup (klass->targets, each->data), parent))
      {
        g_autofree char *head = head_of_path (each->data);

        add_name (names, each->data);
        add_name (names, head);
      }
}

/* Adds what is built of @name: entries of its folder @holders that begin with @prefix. */
static void
add_holders (
    GPtrArray *names, const Class *klass, const char *name, const char *holders, const char *prefix)
{
  g_autofree char *path = g_build_filename (klass->folder, name, holders, NULL);
  g_auto (GStrv) found = vp_sysfs_list (klass->sysfs, path, NULL);

  for (char **each = found; each != NULL && *each != NULL; each++)
    if (g_str_has_prefix (*each, prefix))
      add_name (names, *each + strlen (prefix));
}

/* The names of the devices that are gone when @bdf is. */
static GPtrArray *
list_blocks (const Class *klass, const char *bdf)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  add_below (names, klass, bdf);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *name = g_strdup (names->pdata[i]);

      add_below (names, klass, name); /* its partitions */
      add_holders (names, klass, name, "holders", "");
    }
  return names;
}

static GPtrArray *
list_interfaces (const Class *klass, const char *bdf)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  add_below (names, klass, bdf);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *name = g_strdup (names->pdata[i]);

      add_holders (names, klass, name, "", "upper_");
    }
  return names;
}

static gboolean
set_in_use (GError **error, const char *bdf, const char *what, const char *how, const char *name)
{
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IN_USE, "%s: the host lives on it: %s %s %s",
               bdf, what, how, name);
  return FALSE;
}

/* proc_pid_mountinfo(5): id, parent, major:minor, root, mount point, … */
static char *
find_mount (const char *mounts, const char *number)
{
  g_auto (GStrv) lines = g_strsplit (mounts, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, " ", 6);

      if (g_strv_length (fields) >= 5 && g_str_equal (fields[2], number))
        return g_strcompress (fields[4]); /* a blank is \\040 there */
    }
  return NULL;
}

static gboolean
has_btrfs (VpSysfs *sysfs, const char *name)
{
  g_auto (GStrv) systems = vp_sysfs_list (sysfs, "sys/fs/btrfs", NULL);

  for (char **system = systems; system != NULL && *system != NULL; system++)
    {
      g_autofree char *path = g_build_filename ("sys/fs/btrfs", *system, "devices", name, NULL);

      if (vp_sysfs_exists (sysfs, path))
        return TRUE;
    }
  return FALSE;
}

/* proc_swaps(5): a heading, then a path in front of each line; /dev/mapper/NAME is a link. */
static gboolean
has_swap (VpSysfs *sysfs, const char *swaps, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (swaps, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *path = g_strndup (*line, strcspn (*line, " \t"));
      g_autofree char *target = path[0] == '/' ? vp_sysfs_read_link (sysfs, path + 1) : NULL;
      g_autofree char *base = g_path_get_basename (target != NULL ? target : path);

      if (g_str_has_prefix (path, "/dev/") && g_str_equal (base, name))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_disks (VpSysfs *sysfs, const char *bdf, GError **error)
{
  g_auto (Class) klass = class_read (sysfs, BLOCK_FOLDER);
  g_autoptr (GPtrArray) names = list_blocks (&klass, bdf);
  g_autofree char *mounts = NULL;
  g_autofree char *swaps = NULL;

  if (names->len == 0)
    return TRUE;

  mounts = vp_sysfs_read_head (sysfs, "proc/self/mountinfo", MAX_TABLE);
  swaps = vp_sysfs_read_head (sysfs, "proc/swaps", MAX_TABLE);
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *path = g_build_filename (BLOCK_FOLDER, name, "dev", NULL);
      g_autofree char *number = vp_sysfs_read (sysfs, path, NULL);
      g_autofree char *mount = number != NULL ? find_mount (mounts, number) : NULL;

      if (mount != NULL)
        return set_in_use (error, bdf, mount, "is mounted from", name);
      if (has_btrfs (sysfs, name))
        return set_in_use (error, bdf, "a btrfs file system", "is mounted from", name);
      if (has_swap (sysfs, swaps, name))
        return set_in_use (error, bdf, "swap", "is on", name);
    }
  return TRUE;
}

/* net/ipv4/fib_trie.c, fib_route_seq_show: interface, destination, gateway, flags, …, mask (7th) */
static gboolean
has_route4 (const char *routes, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (routes, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, "\t", -1);

      if (g_strv_length (fields) >= 8 && g_str_equal (fields[0], name) &&
          g_str_equal (fields[1], "00000000") && g_str_equal (fields[7], "00000000"))
        return TRUE;
    }
  return FALSE;
}

/* net/ipv6/route.c, rt6_info_route: destination, its prefix's length, …, interface last */
static gboolean
has_route6 (const char *routes, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (routes, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      const char *interface = strrchr (*line, ' ');

      if (interface != NULL && g_str_equal (interface + 1, name) &&
          g_str_has_prefix (*line, "00000000000000000000000000000000 00 "))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_network (VpSysfs *sysfs, const char *bdf, GError **error)
{
  g_auto (Class) klass = class_read (sysfs, NET_FOLDER);
  g_autoptr (GPtrArray) names = list_interfaces (&klass, bdf);
  g_autofree char *routes4 = NULL;
  g_autofree char *routes6 = NULL;

  if (names->len == 0)
    return TRUE;

  routes4 = vp_sysfs_read_head (sysfs, "proc/net/route", MAX_TABLE);
  routes6 = vp_sysfs_read_head (sysfs, "proc/net/ipv6_route", MAX_TABLE);
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];

      if (has_route4 (routes4, name))
        return set_in_use (error, bdf, "the default route (IPv4)", "goes over", name);
      if (has_route6 (routes6, name))
        return set_in_use (error, bdf, "the default route (IPv6)", "goes over", name);
    }
  return TRUE;
}

static gboolean
check_screen (VpSysfs *sysfs, const VpPciFunction *function, const char *bdf, GError **error)
{
  g_autofree char *path = g_build_filename ("sys/bus/pci/devices", bdf, "boot_vga", NULL);
  g_autofree char *is_boot_vga = vp_sysfs_read (sysfs, path, NULL);

  return function->driver == NULL || g_strcmp0 (is_boot_vga, "1") != 0 ||
         set_in_use (error, bdf, "it is the screen that the host booted with,", "driven by",
                     function->driver);
}

gboolean
vp_host_use_check (VpSysfs *sysfs, const VpPciFunction *function, GError **error)
{
  g_autofree char *bdf = NULL;

  g_return_val_if_fail (sysfs != NULL && function != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bdf = vp_pci_address_to_string (&function->address);
  return check_disks (sysfs, bdf, error) && check_network (sysfs, bdf, error) &&
         check_screen (sysfs, function, bdf, error);
}
