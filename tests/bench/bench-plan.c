/* What it costs to read a host with N functions and to plan the first of them: N of the arguments,
 * then the number of rounds. Prints how many devices are planned, then one line per round,
 * "RAW READ PLAN" in milliseconds, where RAW are the system calls that reading cannot do without.
 * The host is a temporary folder of files and links like the kernel's; the page cache is warm,
 * since what was just written is in it. */

#include "devices/inventory.h"
#include "devices/plan.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PLANNED 240 /* more than any q35 has root ports for */

#define EMPTY "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

/* Equal for all functions, so that each is written once and has many names. */
static const char *const attributes[][2] = {
  { "class", "0x020000\n" },
  { "vendor", "0x8086\n" },
  { "device", "0x1889\n" },
  { "numa_node", "0\n" },
  { "resource", "0x0000380000000000 0x0000380000ffffff 0x000000000014220c\n" EMPTY EMPTY
                "0x0000380001000000 0x000038000100ffff 0x000000000014220c\n" EMPTY EMPTY EMPTY },
  { "config", NULL }, /* 4096 bytes */
};

static void
make_link (const char *target, const char *root, const char *path)
{
  g_autofree char *full = g_build_filename (root, path, NULL);

  if (symlink (target, full) != 0)
    g_error ("%s: %s", full, g_strerror (errno));
}

static void
make_folder (const char *root, const char *path)
{
  g_autofree char *full = g_build_filename (root, path, NULL);

  if (g_mkdir_with_parents (full, 0755) != 0)
    g_error ("%s: %s", full, g_strerror (errno));
}

static void
make_attributes (const char *root)
{
  static const char config[4096];

  for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
    {
      g_autofree char *path = g_build_filename (root, attributes[i][0], NULL);
      g_autoptr (GError) error = NULL;
      const char *text = attributes[i][1];

      if (!g_file_set_contents (path, text != NULL ? text : config,
                                text != NULL ? -1 : (gssize) sizeof config, &error))
        g_error ("%s", error->message);
    }
}

static void
make_function (const char *root, guint i)
{
  g_autofree char *bdf =
      g_strdup_printf ("%04x:%02x:%02x.%x", i >> 16, i >> 8 & 0xff, i >> 3 & 31, i & 7);
  g_autofree char *folder = g_strdup_printf ("sys/devices/pci0000:00/0000:00:01.0/%s", bdf);
  g_autofree char *on_bus = g_strdup_printf ("sys/bus/pci/devices/%s", bdf);
  g_autofree char *bus_target =
      g_strdup_printf ("../../../devices/pci0000:00/0000:00:01.0/%s", bdf);
  g_autofree char *driver = g_strdup_printf ("%s/driver", folder);
  g_autofree char *group = g_strdup_printf ("%s/iommu_group", folder);
  g_autofree char *group_target = g_strdup_printf ("../../../../kernel/iommu_groups/%u", i);

  make_folder (root, folder);
  make_link (bus_target, root, on_bus);
  make_link ("../../../../bus/pci/drivers/vfio-pci", root, driver);
  make_link (group_target, root, group);
  for (guint k = 0; k < G_N_ELEMENTS (attributes); k++)
    {
      g_autofree char *old = g_build_filename (root, attributes[k][0], NULL);
      g_autofree char *new = g_build_filename (root, folder, attributes[k][0], NULL);

      if (link (old, new) != 0)
        g_error ("%s: %s", new, g_strerror (errno));
    }
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_unlink (child) != 0)
        remove_tree (child);
    }
  g_rmdir (path);
}

static VpPlan *
build_plan (const VpPlanRequest *requests, guint n)
{
  const VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                                .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, NULL),
                                .large_bar = VP_PLAN_DEFAULT_LARGE_BAR };

  return vp_plan_build (&policy, requests, n, NULL);
}

/* Returns: how many of @requests the planner takes, the first of them */
static guint
count_planned (const VpPlanRequest *requests, guint n)
{
  for (; n > 0; n--)
    {
      g_autoptr (VpPlan) plan = build_plan (requests, n);

      if (plan != NULL)
        break;
    }
  return n;
}

static void
read_raw_function (int bus, const char *name)
{
  int folder = openat (bus, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  char buffer[PATH_MAX];
  struct stat status;

  for (guint i = 0; attributes[i][1] != NULL; i++)
    {
      int fd = openat (folder, attributes[i][0], O_RDONLY | O_CLOEXEC);

      if (read (fd, buffer, sizeof buffer) <= 0)
        g_error ("%s: %s", attributes[i][0], g_strerror (errno));
      close (fd);
    }
  if (fstatat (folder, "config", &status, 0) != 0 ||
      readlinkat (folder, "driver", buffer, sizeof buffer) <= 0 ||
      readlinkat (folder, "iommu_group", buffer, sizeof buffer) <= 0 ||
      readlinkat (folder, "physfn", buffer, sizeof buffer) >= 0)
    g_error ("%s: %s", name, g_strerror (errno));
  close (folder);
}

/* Returns: microseconds */
static gint64
measure_raw (const char *root)
{
  g_autofree char *path = g_build_filename (root, "sys/bus/pci/devices", NULL);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  int bus = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    read_raw_function (bus, name);
  close (bus);
  return g_get_monotonic_time () - start;
}

static void
measure (VpSysfs *sysfs, guint n_rounds)
{
  guint n_planned = 0;

  /* The first round finds out what can be planned and warms up. */
  for (guint round = 0; round <= n_rounds; round++)
    {
      gint64 raw = measure_raw (vp_sysfs_get_root (sysfs));
      gint64 start = g_get_monotonic_time ();
      g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, NULL);
      gint64 end = g_get_monotonic_time ();
      const GPtrArray *functions = vp_inventory_get_functions (inventory);
      VpPlanRequest requests[MAX_PLANNED] = { 0 };
      guint n = MIN (functions->len, MAX_PLANNED);
      g_autoptr (VpPlan) plan = NULL;
      gint64 before_plan;

      for (guint i = 0; i < n; i++)
        requests[i] = (VpPlanRequest){ .ref = "device", .function = functions->pdata[i] };
      if (round == 0)
        {
          n_planned = count_planned (requests, n);
          printf ("%u\n", n_planned);
          continue;
        }

      before_plan = g_get_monotonic_time ();
      plan = build_plan (requests, n_planned);
      printf ("%.3f %.3f %.3f\n", (double) raw / 1000, (double) (end - start) / 1000,
              (double) (g_get_monotonic_time () - before_plan) / 1000);
    }
}

int
main (int argc, char **argv)
{
  guint n_functions = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 1000;
  guint n_rounds = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 10;
  g_autofree char *root = g_dir_make_tmp ("vmplug-bench-XXXXXX", NULL);
  g_autoptr (VpSysfs) sysfs = root != NULL ? vp_sysfs_open (root, NULL) : NULL;

  if (sysfs == NULL)
    return 1;
  make_folder (root, "sys/bus/pci/devices");
  make_attributes (root);
  for (guint i = 0; i < n_functions; i++)
    make_function (root, i);

  measure (sysfs, n_rounds);
  remove_tree (root);
  return 0;
}
