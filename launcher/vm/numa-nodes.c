#include "launcher/vm/numa-nodes.h"

#include "launcher/vm/argv-writer.h"

#define MIB          (G_GUINT64_CONSTANT (1) << 20)
#define NODES_FOLDER "sys/devices/system/node"

guint
vp_numa_nodes_count (VpSysfs *sysfs)
{
  guint n = 0;

  for (;; n++)
    {
      g_autofree char *node = g_strdup_printf (NODES_FOLDER "/node%u", n);

      if (!vp_sysfs_exists (sysfs, node))
        return MAX (n, 1);
    }
}

/* In whole MiB, as the memory option is. */
static guint64
memory_of (const VpConfig *config, guint node)
{
  guint64 share = config->memory / MIB / config->numa * MIB;

  return node == 0 ? config->memory - (config->numa - 1) * share : share;
}

static void
add_memory (GPtrArray *argv, const VpConfig *config, guint node, gboolean is_bound)
{
  g_autofree char *id = g_strdup_printf ("mem%u", node);
  gboolean is_shared = vp_config_shares_memory (config);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "qom-type",
                                 is_shared ? "memory-backend-memfd" : "memory-backend-ram");
  json_object_set_string_member (object, "id", id);
  json_object_set_int_member (object, "size", (gint64) memory_of (config, node));
  if (is_shared)
    json_object_set_boolean_member (object, "share", TRUE);
  if (is_bound)
    {
      JsonArray *nodes = json_array_new ();

      json_array_add_int_element (nodes, node);
      json_object_set_array_member (object, "host-nodes", nodes);
      json_object_set_string_member (object, "policy", "bind");
    }
  vp_argv_add_json (argv, "-object", object);
}

/* With fewer CPUs than nodes, it is the last nodes that have none. */
static guint
first_cpu_of (const VpConfig *config, guint node)
{
  return (node * config->smp + config->numa - 1) / config->numa;
}

static void
add_node (GPtrArray *argv, const VpConfig *config, guint node)
{
  guint first = first_cpu_of (config, node);
  guint end = first_cpu_of (config, node + 1);

  if (first < end)
    vp_argv_add_format (argv, "-numa", "node,nodeid=%u,memdev=mem%u,cpus=%u-%u", node, node, first,
                        end - 1);
  else
    vp_argv_add_format (argv, "-numa", "node,nodeid=%u,memdev=mem%u", node, node);
}

void
vp_numa_nodes_add (GPtrArray *argv, const VpConfig *config, guint n_host_nodes)
{
  g_return_if_fail (argv != NULL && config != NULL);

  for (guint node = 0; config->numa > 1 && node < config->numa; node++)
    {
      add_memory (argv, config, node, n_host_nodes > 1 && node < n_host_nodes);
      add_node (argv, config, node);
    }
}
