#include "launcher/config/host-size.h"

#include <string.h>

#define MOST       4096 /* that Linux has names for */
#define FIRST_LINE 64

/* "0-3,8" is 5 of them. */
static guint
count_list (const char *text)
{
  g_auto (GStrv) ranges = g_strsplit (text, ",", -1);
  guint64 n = 0;

  for (char **range = ranges; *range != NULL; range++)
    {
      char *dash = strchr (g_strstrip (*range), '-');
      guint64 first, last;

      if (dash != NULL)
        *dash = '\0';
      if (!g_ascii_string_to_unsigned (*range, 10, 0, MOST, &first, NULL) ||
          !g_ascii_string_to_unsigned (dash != NULL ? dash + 1 : *range, 10, first, MOST, &last,
                                       NULL))
        return 0;
      n += last - first + 1;
    }
  return (guint) MIN (n, MOST);
}

static guint
read_count (VpSysfs *sysfs, const char *path)
{
  g_autofree char *text = vp_sysfs_read (sysfs, path, NULL);

  return text != NULL ? count_list (text) : 0;
}

static guint64
read_memory (VpSysfs *sysfs)
{
  g_autofree char *text = vp_sysfs_read_head (sysfs, "proc/meminfo", FIRST_LINE);
  guint64 kib = 0;

  if (text != NULL && g_str_has_prefix (text, "MemTotal:"))
    kib = g_ascii_strtoull (text + strlen ("MemTotal:"), NULL, 10);
  return kib <= G_MAXUINT64 >> 10 ? kib << 10 : 0;
}

void
vp_host_size_read (VpSysfs *sysfs, VpHostSize *size)
{
  g_return_if_fail (sysfs != NULL && size != NULL);

  size->n_cpus = read_count (sysfs, "sys/devices/system/cpu/online");
  size->n_nodes = read_count (sysfs, "sys/devices/system/node/online");
  size->memory = read_memory (sysfs);
}
