#include "launcher/config/kata-key.h"

#include "launcher/error.h"

#include <string.h>

#define QEMU    "hypervisor.qemu"
#define RUNTIME "runtime"

static const VpKataKey keys[] = {
  { QEMU, "block_device_aio", VP_KATA_TEXT, VP_KATA_IGNORED,
    "disks are virtio-blk, or what --device disk,model= says" },
  { QEMU, "block_device_cache_direct", VP_KATA_SWITCH, VP_KATA_IGNORED, "of containers' volumes" },
  { QEMU, "block_device_cache_noflush", VP_KATA_SWITCH, VP_KATA_IGNORED, "of containers' volumes" },
  { QEMU, "block_device_cache_set", VP_KATA_SWITCH, VP_KATA_IGNORED, "of containers' volumes" },
  { QEMU, "block_device_driver", VP_KATA_TEXT, VP_KATA_IGNORED,
    "disks are virtio-blk, or what --device disk,model= says" },
  { QEMU, "block_device_logical_sector_size", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers' volumes" },
  { QEMU, "block_device_physical_sector_size", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers' volumes" },
  { QEMU, "cold_plug_vfio", VP_KATA_TEXT, VP_KATA_HONOURED,
    "other than no-port: --plug cold; which port is vmplug's to choose" },
  { QEMU, "confidential_guest", VP_KATA_SWITCH, VP_KATA_REFUSED,
    "the guest's memory would not be protected from the host" },
  { QEMU, "cpu_features", VP_KATA_TEXT, VP_KATA_HONOURED, "--cpu-features" },
  { QEMU, "ctlpath", VP_KATA_TEXT, VP_KATA_IGNORED, "of other hypervisors" },
  { QEMU, "default_bridges", VP_KATA_INTEGER, VP_KATA_HONOURED, "--bridges: 0 is 1, 5 the most" },
  { QEMU, "default_maxmemory", VP_KATA_INTEGER, VP_KATA_HONOURED,
    "--max-memory, in MiB: 0 is the host's RAM, the most" },
  { QEMU, "default_maxvcpus", VP_KATA_INTEGER, VP_KATA_HONOURED,
    "--max-cpus: 0 is the host's, 240 the most" },
  { QEMU, "default_memory", VP_KATA_INTEGER, VP_KATA_HONOURED, "--memory, in MiB: 0 is 2048" },
  { QEMU, "default_vcpus", VP_KATA_NUMBER, VP_KATA_HONOURED,
    "--smp: 0 is 1, less than 0 is all of the host's, which are the most" },
  { QEMU, "disable_block_device_use", VP_KATA_SWITCH, VP_KATA_IGNORED, "of containers' volumes" },
  { QEMU, "disable_guest_selinux", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { QEMU, "disable_image_nvdimm", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "image is a virtio disk always" },
  { QEMU, "disable_nesting_checks", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "virtio devices are modern always" },
  { QEMU, "disable_seccomp", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of Firecracker; QEMU is in its sandbox always" },
  { QEMU, "disable_selinux", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "QEMU has the label of who starts vmplug" },
  { QEMU, "disable_vhost_net", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "vhost is used where the host has it; see --device nic,vhost=" },
  { QEMU, "disk_rate_limiter_bw_max_rate", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "disk_rate_limiter_bw_one_time_burst", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "disk_rate_limiter_ops_max_rate", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "disk_rate_limiter_ops_one_time_burst", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "enable_annotations", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "enable_debug", VP_KATA_SWITCH, VP_KATA_IGNORED, "of kata's own log" },
  { QEMU, "enable_guest_swap", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { QEMU, "enable_hugepages", VP_KATA_SWITCH, VP_KATA_MISSED, "memory is not from hugetlbfs" },
  { QEMU, "enable_iommu", VP_KATA_SWITCH, VP_KATA_REFUSED,
    "the guest would have no IOMMU and no protection from its devices" },
  { QEMU, "enable_iommu_platform", VP_KATA_SWITCH, VP_KATA_IGNORED, "of s390x, in kata too" },
  { QEMU, "enable_iothreads", VP_KATA_SWITCH, VP_KATA_MISSED, "disks share QEMU's main loop" },
  { QEMU, "enable_mem_prealloc", VP_KATA_SWITCH, VP_KATA_MISSED,
    "memory is taken when the guest touches it, or pinned by VFIO" },
  { QEMU, "enable_numa", VP_KATA_SWITCH, VP_KATA_HONOURED,
    "--numa with as many nodes as numa_mapping has, or as the host" },
  { QEMU, "enable_vhost_user_store", VP_KATA_SWITCH, VP_KATA_MISSED,
    "vhost-user devices are not looked for" },
  { QEMU, "enable_virtio_mem", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "memory that can be added is virtio-mem always" },
  { QEMU, "entropy_source", VP_KATA_TEXT, VP_KATA_IGNORED,
    "--device rng gives the guest the host's random numbers" },
  { QEMU, "extra_monitor_socket", VP_KATA_TEXT, VP_KATA_MISSED,
    "vmplug qmp is the way to QEMU's monitor" },
  { QEMU, "file_mem_backend", VP_KATA_TEXT, VP_KATA_MISSED, "memory is anonymous" },
  { QEMU, "firmware", VP_KATA_TEXT, VP_KATA_HONOURED, "--firmware" },
  { QEMU, "firmware_volume", VP_KATA_TEXT, VP_KATA_MISSED, "UEFI variables are not kept" },
  { QEMU, "guest_extension_images", VP_KATA_LIST, VP_KATA_MISSED, "give each with --disk" },
  { QEMU, "guest_hook_path", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { QEMU, "guest_memory_dump_paging", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "see guest_memory_dump_path" },
  { QEMU, "guest_memory_dump_path", VP_KATA_TEXT, VP_KATA_MISSED,
    "a guest that panics leaves no dump" },
  { QEMU, "hot_plug_vfio", VP_KATA_TEXT, VP_KATA_HONOURED,
    "other than no-port: --plug hot, and --hot-bus bridge for bridge-port" },
  { QEMU, "hotplug_vfio_on_root_bus", VP_KATA_SWITCH, VP_KATA_HONOURED,
    "false is --hot-bus bridge; true, or without the key, vmplug's own choice" },
  { QEMU, "hypervisor_loglevel", VP_KATA_INTEGER, VP_KATA_IGNORED, "of kata's own log" },
  { QEMU, "image", VP_KATA_TEXT, VP_KATA_HONOURED,
    "--disk, read-only and the first, and root=/dev/vda1 in --append" },
  { QEMU, "indep_iothreads", VP_KATA_INTEGER, VP_KATA_MISSED, "disks share QEMU's main loop" },
  { QEMU, "initrd", VP_KATA_TEXT, VP_KATA_HONOURED, "--initrd; excludes image" },
  { QEMU, "jailer_path", VP_KATA_TEXT, VP_KATA_IGNORED, "of other hypervisors" },
  { QEMU, "kernel", VP_KATA_TEXT, VP_KATA_HONOURED, "--kernel" },
  { QEMU, "kernel_params", VP_KATA_TEXT, VP_KATA_HONOURED, "--append" },
  { QEMU, "kernel_verity_params", VP_KATA_TEXT, VP_KATA_REFUSED,
    "the root file system would not be verified" },
  { QEMU, "machine_accelerators", VP_KATA_TEXT, VP_KATA_MISSED, "-machine is vmplug's own" },
  { QEMU, "machine_type", VP_KATA_TEXT, VP_KATA_HONOURED,
    "--machine: q35, and pc as kata 1 had it" },
  { QEMU, "measurement_algo", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of confidential guests, which are refused" },
  { QEMU, "memory_offset", VP_KATA_INTEGER, VP_KATA_MISSED,
    "there is no NVDIMM for it to make room for" },
  { QEMU, "memory_slots", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "memory that can be added is virtio-mem, which has no slots" },
  { QEMU, "msize_9p", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "net_rate_limiter_bw_max_rate", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "net_rate_limiter_bw_one_time_burst", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "net_rate_limiter_ops_max_rate", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "net_rate_limiter_ops_one_time_burst", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of other hypervisors" },
  { QEMU, "network_queues", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "queues are QEMU's own choice (runtime-rs)" },
  { QEMU, "num_queues", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "queues are QEMU's own choice (runtime-rs)" },
  { QEMU, "numa_mapping", VP_KATA_LIST, VP_KATA_HONOURED,
    "only how many: which node of the host each stands for is vmplug's to choose" },
  { QEMU, "overhead_memory", VP_KATA_INTEGER, VP_KATA_IGNORED, "of pods' cgroups (runtime-rs)" },
  { QEMU, "overhead_vcpus", VP_KATA_NUMBER, VP_KATA_IGNORED, "of pods' cgroups (runtime-rs)" },
  { QEMU, "path", VP_KATA_TEXT, VP_KATA_HONOURED, "--qemu" },
  { QEMU, "pcie_root_port", VP_KATA_INTEGER, VP_KATA_HONOURED,
    "--spare: 16 the most; 0 leaves vmplug's own" },
  { QEMU, "pcie_switch_port", VP_KATA_INTEGER, VP_KATA_HONOURED,
    "--spare, if it is more than pcie_root_port: switches are vmplug's to add" },
  { QEMU, "pflashes", VP_KATA_LIST, VP_KATA_REFUSED,
    "the guest would start with another firmware; firmware takes one in one file" },
  { QEMU, "queue_size", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "queues are QEMU's own choice (runtime-rs)" },
  { QEMU, "reclaim_guest_freed_memory", VP_KATA_SWITCH, VP_KATA_MISSED, "there is no balloon" },
  { QEMU, "remote_hypervisor_socket", VP_KATA_TEXT, VP_KATA_IGNORED, "of other hypervisors" },
  { QEMU, "remote_hypervisor_timeout", VP_KATA_INTEGER, VP_KATA_IGNORED, "of other hypervisors" },
  { QEMU, "rootfs_type", VP_KATA_TEXT, VP_KATA_HONOURED,
    "ext4, xfs or erofs: rootflags= and rootfstype= of image" },
  { QEMU, "rootless", VP_KATA_SWITCH, VP_KATA_REFUSED,
    "QEMU would have the rights of who starts vmplug" },
  { QEMU, "rx_rate_limiter_max_rate", VP_KATA_INTEGER, VP_KATA_MISSED,
    "a network card has no limit" },
  { QEMU, "seccomp_sandbox", VP_KATA_TEXT, VP_KATA_HONOURED, "as seccompsandbox (runtime-rs)" },
  { QEMU, "seccompsandbox", VP_KATA_TEXT, VP_KATA_HONOURED,
    "what vmplug denies itself is accepted; anything else is refused" },
  { QEMU, "sev_snp_guest", VP_KATA_SWITCH, VP_KATA_REFUSED,
    "the guest's memory would not be protected from the host" },
  { QEMU, "shared_fs", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "snp_guest_policy", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of confidential guests, which are refused" },
  { QEMU, "snp_id_auth", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of confidential guests, which are refused" },
  { QEMU, "snp_id_block", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of confidential guests, which are refused" },
  { QEMU, "tdx_quote_generation_service_socket_port", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of confidential guests, which are refused" },
  { QEMU, "tx_rate_limiter_max_rate", VP_KATA_INTEGER, VP_KATA_MISSED,
    "a network card has no limit" },
  { QEMU, "use_legacy_serial", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "the console is a serial port always" },
  { QEMU, "valid_ctlpaths", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_entropy_sources", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_file_mem_backends", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_hypervisor_paths", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_jailer_paths", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_vhost_user_store_paths", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "valid_virtio_fs_daemon_paths", VP_KATA_LIST, VP_KATA_IGNORED,
    "of what a pod may ask for by annotations" },
  { QEMU, "vhost_user_reconnect_timeout_sec", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "see enable_vhost_user_store" },
  { QEMU, "vhost_user_store_path", VP_KATA_TEXT, VP_KATA_IGNORED, "see enable_vhost_user_store" },
  { QEMU, "virtio_fs_cache", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "virtio_fs_cache_size", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "virtio_fs_daemon", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "virtio_fs_extra_args", VP_KATA_LIST, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "virtio_fs_queue_size", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers' root file systems; --share gives a folder" },
  { QEMU, "vm_rootfs_driver", VP_KATA_TEXT, VP_KATA_IGNORED,
    "image is a virtio disk always (runtime-rs)" },
  { RUNTIME, "agent_name", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "create_container_timeout", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "dan_conf", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "disable_guest_empty_dir", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "disable_guest_seccomp", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "disable_new_netns", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "emptydir_mode", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "enable_debug", VP_KATA_SWITCH, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "enable_pprof", VP_KATA_SWITCH, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "enable_tracing", VP_KATA_SWITCH, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "enable_vcpus_pinning", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "experimental", VP_KATA_LIST, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "experimental_force_guest_pull", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "guest_selinux_label", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "hypervisor_name", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "internetworking_model", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "jaeger_endpoint", VP_KATA_TEXT, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "jaeger_password", VP_KATA_TEXT, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "jaeger_user", VP_KATA_TEXT, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "keep_abnormal", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "kubelet_root_dir", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "log_level", VP_KATA_TEXT, VP_KATA_IGNORED, "of kata's own log" },
  { RUNTIME, "name", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "passfd_listener_port", VP_KATA_INTEGER, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "pod_resource_api_sock", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "sandbox_bind_mounts", VP_KATA_LIST, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "sandbox_cgroup_only", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "shared_mounts", VP_KATA_LIST, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "static_sandbox_resource_mgmt", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "use_passfd_io", VP_KATA_SWITCH, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
  { RUNTIME, "vfio_mode", VP_KATA_TEXT, VP_KATA_IGNORED,
    "of containers, which a VM of vmplug's has none of" },
};

const VpKataKey *
vp_kata_key_get (guint index)
{
  return index < G_N_ELEMENTS (keys) ? &keys[index] : NULL;
}

const VpKataKey *
vp_kata_key_find (const char *table, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].table, table) && g_str_equal (keys[i].name, name))
      return &keys[i];

  return NULL;
}

const char *
vp_kata_key_fate_to_string (VpKataFate fate)
{
  switch (fate)
    {
    case VP_KATA_HONOURED:
      return "honoured";
    case VP_KATA_IGNORED:
      return "ignored";
    case VP_KATA_MISSED:
      return "ignored with a warning";
    case VP_KATA_REFUSED:
      return "refused";
    }

  g_return_val_if_reached ("");
}

const char *
vp_kata_key_describe_type (JsonNode *value)
{
  if (JSON_NODE_HOLDS_OBJECT (value))
    return "a table";
  if (JSON_NODE_HOLDS_ARRAY (value))
    return "an array";
  switch (json_node_get_value_type (value))
    {
    case G_TYPE_STRING:
      return "a string";
    case G_TYPE_INT64:
      return "an integer";
    case G_TYPE_DOUBLE:
      return "a number with a fraction";
    default:
      return "a boolean";
    }
}

static gboolean
is_list_of_texts (JsonNode *value)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (value) ? json_node_get_array (value) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (json_node_get_value_type (json_array_get_element (array, i)) != G_TYPE_STRING)
      return FALSE;
  return array != NULL;
}

static gboolean
has_type (JsonNode *value, VpKataType type)
{
  GType is = JSON_NODE_HOLDS_VALUE (value) ? json_node_get_value_type (value) : G_TYPE_INVALID;

  switch (type)
    {
    case VP_KATA_TEXT:
      return is == G_TYPE_STRING;
    case VP_KATA_LIST:
      return is_list_of_texts (value);
    case VP_KATA_INTEGER:
      return is == G_TYPE_INT64;
    case VP_KATA_NUMBER:
      return is == G_TYPE_INT64 || is == G_TYPE_DOUBLE;
    case VP_KATA_SWITCH:
      return is == G_TYPE_BOOLEAN;
    }

  g_return_val_if_reached (FALSE);
}

gboolean
vp_kata_key_check_type (const VpKataKey *self, JsonNode *value, GError **error)
{
  static const char *const wanted[] = { "a string", "an array of strings", "an integer", "a number",
                                        "true or false" };

  g_return_val_if_fail (self != NULL && value != NULL, FALSE);

  if (has_type (value, self->type))
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s is %s, and must be %s", self->name,
               vp_kata_key_describe_type (value), wanted[self->type]);
  return FALSE;
}

gboolean
vp_kata_key_asks (const VpKataKey *self, JsonNode *value)
{
  g_autofree char *joined = NULL;

  g_return_val_if_fail (self != NULL && has_type (value, self->type), FALSE);

  switch (self->type)
    {
    case VP_KATA_TEXT:
      joined = vp_kata_key_join (json_node_get_string (value));
      return joined[0] != '\0';
    case VP_KATA_LIST:
      return json_array_get_length (json_node_get_array (value)) > 0;
    case VP_KATA_INTEGER:
    case VP_KATA_NUMBER:
      return json_node_get_double (value) != 0;
    case VP_KATA_SWITCH:
      return json_node_get_boolean (value);
    }

  g_return_val_if_reached (FALSE);
}

char *
vp_kata_key_join (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  g_autoptr (GString) joined = g_string_new (NULL);

  for (char **part = parts; *part != NULL; part++)
    {
      g_strstrip (*part);
      if ((*part)[0] != '\0')
        g_string_append_printf (joined, "%s%s", joined->len > 0 ? "," : "", *part);
    }
  return g_strdup (joined->str);
}

gboolean
vp_kata_key_sandbox_is_covered (const char *text)
{
  /* See argv.c. */
  static const char *const denied[] = { "on",
                                        "obsolete=deny",
                                        "elevateprivileges=deny",
                                        "spawn=deny",
                                        "resourcecontrol=deny",
                                        "obsolete=allow",
                                        "elevateprivileges=allow",
                                        "elevateprivileges=children",
                                        "spawn=allow",
                                        "resourcecontrol=allow",
                                        NULL };
  g_autofree char *joined = vp_kata_key_join (text);
  g_auto (GStrv) parts = g_strsplit (joined, ",", -1);

  for (char **part = parts; *part != NULL; part++)
    if (!g_strv_contains (denied, *part))
      return FALSE;
  return TRUE;
}
