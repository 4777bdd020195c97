#include "launcher/config/kata-settings.h"

#include "launcher/config/params.h"

#include <math.h>
#include <string.h>

#define DEFAULT_MEMORY 2048 /* MiB */
#define MAX_CPUS       240
#define MAX_BRIDGES    5
#define MAX_PORTS      16

static void
add (GPtrArray *settings, const VpKataValue *from, const char *option, const char *value)
{
  VpSetting *setting = vp_setting_new (option, value, from->key->name, from->where);

  setting->level = from->level;
  g_ptr_array_add (settings, setting);
}

G_GNUC_PRINTF (4, 5)
static void
add_format (
    GPtrArray *settings, const VpKataValue *from, const char *option, const char *format, ...)
{
  g_autofree char *value = NULL;
  va_list args;

  va_start (args, format);
  value = g_strdup_vprintf (format, args);
  va_end (args);
  add (settings, from, option, value);
}

static void
add_texts (VpKataValues *values, GPtrArray *settings)
{
  static const struct
  {
    const char *key;
    const char *option;
  } same[] = {
    { "path", "qemu" },
    { "kernel", "kernel" },
    { "initrd", "initrd" },
    { "machine_type", "machine" },
    { "kernel_params", "append" },
    { "firmware", "firmware" },
  };
  const VpKataValue *features;
  const char *text;
  g_autofree char *joined = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    {
      const VpKataValue *value = vp_kata_values_get_text (values, same[i].key, &text);

      if (value != NULL)
        add (settings, value, same[i].option, text);
    }

  features = vp_kata_values_get_text (values, "cpu_features", &text);
  joined = vp_kata_key_join (text);
  if (features != NULL && joined[0] != '\0')
    add (settings, features, "cpu-features", joined);
}

static gboolean
check_image (VpKataValues *values, GError **error)
{
  static const char *const types[] = { "ext4", "xfs", "erofs", NULL };
  const char *text;
  const VpKataValue *initrd = vp_kata_values_get_text (values, "initrd", &text);
  const VpKataValue *image = vp_kata_values_get_text (values, "image", &text);
  const VpKataValue *type = vp_kata_values_get_text (values, "rootfs_type", &text);

  if (image != NULL && initrd != NULL)
    return vp_kata_value_refuse (image, error, "excludes initrd, which is in %s", initrd->where);
  if (type != NULL && !g_strv_contains (types, text))
    return vp_kata_value_refuse (type, error, "is none of ext4, xfs, erofs");
  return TRUE;
}

/* Kata's are 32 bits without a sign. */
static gboolean
get_number (VpKataValues *values,
            const char *name,
            const VpKataValue **value,
            guint64 *number,
            GError **error)
{
  gint64 is;

  *value = vp_kata_values_get (values, name);
  if (*value == NULL)
    return TRUE;

  is = json_node_get_int ((*value)->node);
  if (is < 0 || is > G_MAXUINT32)
    return vp_kata_value_refuse (*value, error, "is not from 0 to %u", G_MAXUINT32);
  *number = (guint64) is;
  return TRUE;
}

/* Of what the host has, or does not tell. */
static guint
bound_cpus (guint64 n, const VpHostSize *host)
{
  return (guint) MIN (MIN (n, MAX_CPUS), host->n_cpus > 0 ? host->n_cpus : MAX_CPUS);
}

static gboolean
add_cpus (VpKataValues *values, const VpHostSize *host, GPtrArray *settings, GError **error)
{
  const VpKataValue *cpus = vp_kata_values_get (values, "default_vcpus");
  const VpKataValue *max;
  guint64 n = 0;

  if (cpus != NULL)
    {
      double number = ceil (json_node_get_double (cpus->node));

      if (number < 0 && host->n_cpus == 0)
        return vp_kata_value_refuse (cpus, error, "it is not known how many CPUs the host has");
      n = number < 0 || number > MAX_CPUS ? MAX_CPUS : number < 1 ? 1 : (guint64) number;
      add_format (settings, cpus, "smp", "%u", bound_cpus (n, host));
    }

  if (!get_number (values, "default_maxvcpus", &max, &n, error))
    return FALSE;
  if (max != NULL && (n > 0 || host->n_cpus > 0))
    {
      add_format (settings, max, "max-cpus", "%u", bound_cpus (n > 0 ? n : MAX_CPUS, host));
      ((VpSetting *) settings->pdata[settings->len - 1])->is_limit = TRUE;
    }
  return TRUE;
}

static gboolean
add_memory (VpKataValues *values, const VpHostSize *host, GPtrArray *settings, GError **error)
{
  const VpKataValue *memory, *max;
  guint64 mib = 0, max_mib = 0, host_mib = host->memory >> 20;

  if (!get_number (values, "default_memory", &memory, &mib, error) ||
      !get_number (values, "default_maxmemory", &max, &max_mib, error))
    return FALSE;

  if (memory != NULL)
    add_format (settings, memory, "memory", "%" G_GUINT64_FORMAT "M",
                mib > 0 ? mib : DEFAULT_MEMORY);
  if (max == NULL || (max_mib == 0 && host_mib == 0))
    return TRUE;

  if (max_mib == 0 || (host_mib > 0 && max_mib > host_mib))
    max_mib = host_mib;
  add_format (settings, max, "max-memory", "%" G_GUINT64_FORMAT "M", max_mib);
  ((VpSetting *) settings->pdata[settings->len - 1])->is_limit = TRUE;
  return TRUE;
}

static gboolean
add_ports (VpKataValues *values, GPtrArray *settings, GError **error)
{
  const VpKataValue *bridges, *ports, *switch_ports;
  guint64 n = 0, n_ports = 0, n_switch_ports = 0;

  if (!get_number (values, "default_bridges", &bridges, &n, error) ||
      !get_number (values, "pcie_root_port", &ports, &n_ports, error) ||
      !get_number (values, "pcie_switch_port", &switch_ports, &n_switch_ports, error))
    return FALSE;

  if (bridges != NULL)
    add_format (settings, bridges, "bridges", "%u", (guint) CLAMP (n, 1, MAX_BRIDGES));
  if (MAX (n_ports, n_switch_ports) > 0)
    add_format (settings, n_ports >= n_switch_ports ? ports : switch_ports, "spare", "%u",
                (guint) MIN (MAX (n_ports, n_switch_ports), MAX_PORTS));
  return TRUE;
}

/* *port becomes NULL for no-port. */
static gboolean
get_port (VpKataValues *values, const char *name, const VpKataValue **port, GError **error)
{
  static const char *const words[] = { "no-port", "root-port", "switch-port", "bridge-port", NULL };
  const char *text;

  *port = vp_kata_values_get_text (values, name, &text);
  if (*port == NULL)
    return TRUE;
  if (!g_strv_contains (words, text))
    return vp_kata_value_refuse (*port, error,
                                 "is none of no-port, root-port, switch-port, bridge-port");
  if (g_str_equal (text, "no-port"))
    *port = NULL;
  return TRUE;
}

static gboolean
add_plug (VpKataValues *values, GPtrArray *settings, GError **error)
{
  const VpKataValue *on_root_bus = vp_kata_values_get (values, "hotplug_vfio_on_root_bus");
  const VpKataValue *cold, *hot;

  if (!get_port (values, "cold_plug_vfio", &cold, error) ||
      !get_port (values, "hot_plug_vfio", &hot, error))
    return FALSE;
  if (cold != NULL && hot != NULL)
    return vp_kata_value_refuse (cold, error, "excludes hot_plug_vfio, which is in %s", hot->where);

  if (cold != NULL)
    add (settings, cold, "plug", "cold");
  if (hot != NULL)
    add (settings, hot, "plug", "hot");
  if (hot != NULL && g_str_equal (json_node_get_string (hot->node), "bridge-port"))
    add (settings, hot, "hot-bus", "bridge");
  else if (hot == NULL && on_root_bus != NULL && !json_node_get_boolean (on_root_bus->node))
    add (settings, on_root_bus, "hot-bus", "bridge");
  return TRUE;
}

static void
add_numa (VpKataValues *values, const VpHostSize *host, GPtrArray *settings)
{
  const VpKataValue *numa = vp_kata_values_get (values, "enable_numa");
  const VpKataValue *mapping = vp_kata_values_get (values, "numa_mapping");
  guint n = mapping != NULL ? json_array_get_length (json_node_get_array (mapping->node)) : 0;

  if (n == 0)
    n = host->n_nodes;
  if (numa != NULL && json_node_get_boolean (numa->node) && n > 1)
    add_format (settings, numa, "numa", "%u", n);
}

static gboolean
check_sandbox (VpKataValues *values, const char *name, GError **error)
{
  const char *text;
  const VpKataValue *sandbox = vp_kata_values_get_text (values, name, &text);

  if (sandbox == NULL || vp_kata_key_sandbox_is_covered (text))
    return TRUE;
  return vp_kata_value_refuse (sandbox, error,
                               "refused: vmplug's own sandbox does not cover that; it denies "
                               "obsolete, elevateprivileges, spawn and resourcecontrol");
}

gboolean
vp_kata_settings_add (VpKataValues *values,
                      const VpHostSize *host,
                      GPtrArray *settings,
                      GError **error)
{
  g_return_val_if_fail (values != NULL && host != NULL && settings != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  add_texts (values, settings);
  add_numa (values, host, settings);
  return check_image (values, error) && check_sandbox (values, "seccompsandbox", error) &&
         check_sandbox (values, "seccomp_sandbox", error) &&
         add_cpus (values, host, settings, error) && add_memory (values, host, settings, error) &&
         add_ports (values, settings, error) && add_plug (values, settings, error);
}

VpSetting *
vp_kata_settings_get_image (VpKataValues *values, char **root)
{
  const char *path, *type;
  const VpKataValue *image = vp_kata_values_get_text (values, "image", &path);
  g_auto (GStrv) parts = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *disk = NULL;
  VpSetting *setting;

  g_return_val_if_fail (root != NULL, NULL);

  *root = NULL;
  if (image == NULL)
    return NULL;

  if (vp_kata_values_get_text (values, "rootfs_type", &type) == NULL)
    type = "ext4";
  *root =
      g_strdup_printf ("root=/dev/vda1 rootflags=%sro rootfstype=%s",
                       g_str_equal (type, "erofs") ? "" : "data=ordered,errors=remount-ro ", type);

  parts = g_strsplit (path, ",", -1);
  escaped = g_strjoinv (",,", parts);
  disk = g_strconcat (escaped, ",format=raw,readonly", NULL);
  setting = vp_setting_new ("disk", disk, image->key->name, image->where);
  setting->level = image->level;
  return setting;
}
