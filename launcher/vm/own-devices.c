#include "launcher/vm/own-devices.h"

#include "launcher/config/memory-block.h"
#include "launcher/error.h"
#include "launcher/guest/guest-job.h"
#include "launcher/vm/argv-writer.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/disk-node.h"
#include "launcher/vm/nic-backend.h"
#include "launcher/vm/readiness.h"

#define READY_ID "ready"
#define PORTS_ID "guest-ports"

/* Those that the user lists; the others come behind them. */
static guint
n_listed (const VpConfig *config)
{
  return config->disks->len + config->nics->len + config->shares->len;
}

static gboolean
has_ready_port (const VpConfig *config)
{
  return config->ready.kind == VP_READY_PORT;
}

static gboolean
has_more_memory (const VpConfig *config)
{
  return config->max_memory > config->memory;
}

guint
vp_own_devices_count_ports (const VpConfig *config)
{
  static const guint n_ports[] = {
    [VP_GUEST_PORTS_NONE] = 0, [VP_GUEST_PORTS_RESULT] = 1, [VP_GUEST_PORTS_COMMAND] = 3
  };

  return n_ports[config->guest_ports];
}

/* Without those of a boot test, which come last. */
static guint
n_before_guest_ports (const VpConfig *config)
{
  return n_listed (config) + (has_ready_port (config) ? 1 : 0) + (has_more_memory (config) ? 1 : 0);
}

VpRootBus
vp_own_devices_root (const VpConfig *config)
{
  return (VpRootBus){ .machine = config->machine,
                      .is_native = config->hotplug_mode == VP_HOTPLUG_NATIVE,
                      .n_nodes = config->machine == VP_MACHINE_Q35 ? config->numa : 0,
                      .n_own = n_before_guest_ports (config) +
                               (config->guest_ports != VP_GUEST_PORTS_NONE ? 1 : 0) };
}

/* Makes the @index-th of them all. */
static JsonObject *
new_device (const VpConfig *config, const char *driver, const char *id, guint index)
{
  const VpRootBus root = vp_own_devices_root (config);
  JsonObject *device;
  guint8 slot = 0;

  if (!vp_topology_own_slot (&root, index, &slot))
    g_warn_if_reached ();

  device = vp_argv_new_device (driver, id, vp_topology_root_bus (root.machine), slot, 0);
  /* A transitional virtio device has an I/O BAR, and I/O space is what runs out first. */
  json_object_set_string_member (device, "disable-legacy", "on");
  return device;
}

/* -blockdev has no snapshot. And file.filename, not file, which would take "nbd:host" as a URL. */
static void
add_snapshot_drive (GPtrArray *argv, const VpDisk *disk, const char *id)
{
  g_autofree char *file = vp_argv_escape (disk->file);

  vp_argv_add_format (argv, "-drive",
                      "if=none,id=%s,format=%s,snapshot=on,file.driver=%s,file.filename=%s", id,
                      disk->format, vp_disk_protocol (disk), file);
}

static void
add_disk (GPtrArray *argv, const VpConfig *config, guint i)
{
  const VpDisk *disk = config->disks->pdata[i];
  g_autofree char *id = g_strdup_printf ("disk%u", i);
  JsonObject *device = new_device (config, "virtio-blk-pci", id, i);

  if (disk->snapshot)
    add_snapshot_drive (argv, disk, id);
  else
    vp_argv_add_json (argv, "-blockdev", vp_disk_node_new (disk, id));

  json_object_set_string_member (device, "drive", id);
  json_object_set_int_member (device, "bootindex", i + 1);
  vp_argv_add_json (argv, "-device", device);
}

static void
add_nic (GPtrArray *argv, const VpConfig *config, guint i)
{
  const VpNic *nic = config->nics->pdata[i];
  g_autofree char *id = g_strdup_printf ("nic%u", i);
  JsonObject *device = new_device (config, "virtio-net-pci", id, config->disks->len + i);

  vp_argv_add_json (argv, "-netdev", vp_nic_backend_new (nic, id));
  vp_nic_backend_set_device (device, nic, config->name, id);
  vp_argv_add_json (argv, "-device", device);
}

static void
add_share (GPtrArray *argv, const VpConfig *config, guint i)
{
  const VpShare *share = config->shares->pdata[i];
  g_autofree char *id = g_strdup_printf ("share%u", i);
  g_autofree char *dir = vp_argv_escape (share->dir);
  JsonObject *device =
      new_device (config, "virtio-9p-pci", id, config->disks->len + config->nics->len + i);

  /* mapped-xattr: what the guest's root creates gets its owner and mode in extended attributes, so
   * that no set-uid file, device node or symbolic link of the guest's making exists on the host. It
   * does not show the host's own links as links, and where nothing can be made it is not needed. */
  vp_argv_add_format (argv, "-fsdev", "local,id=%s,path=%s,security_model=%s,multidevs=remap", id,
                      dir, share->readonly ? "none,readonly=on" : "mapped-xattr");
  json_object_set_string_member (device, "fsdev", id);
  json_object_set_string_member (device, "mount_tag", share->tag);
  vp_argv_add_json (argv, "-device", device);
}

static void
add_port (GPtrArray *argv, const char *id, const char *bus, const char *chardev, const char *name)
{
  JsonObject *port = json_object_new ();

  json_object_set_string_member (port, "driver", "virtserialport");
  json_object_set_string_member (port, "id", id);
  json_object_set_string_member (port, "bus", bus);
  json_object_set_string_member (port, "chardev", chardev);
  json_object_set_string_member (port, "name", name);
  vp_argv_add_json (argv, "-device", port);
}

/* What the guest writes to the port is not looked at. But without a backend that counts as
 * connected, and QEMU's null does not, the writer would hang (chardev/char-null.c; measured). */
static void
add_ready_port (GPtrArray *argv, const VpConfig *config)
{
  vp_argv_add (argv, "-chardev", "ringbuf,size=4096,id=" READY_ID);
  vp_argv_add_json (argv, "-device",
                    new_device (config, "virtio-serial-pci", READY_ID, n_listed (config)));
  add_port (argv, VP_READINESS_PORT_ID, READY_ID ".0", READY_ID, config->ready.port);
}

static void
add_guest_ports (GPtrArray *argv, const VpConfig *config)
{
  static const char *const names[] = { VP_GUEST_PORT_RESULT, VP_GUEST_PORT_STDOUT,
                                       VP_GUEST_PORT_STDERR };

  vp_argv_add_json (
      argv, "-device",
      new_device (config, "virtio-serial-pci", PORTS_ID, n_before_guest_ports (config)));
  for (guint i = 0; i < vp_own_devices_count_ports (config); i++)
    {
      g_autofree char *id = g_strdup_printf ("guest-port%u", i);

      vp_argv_add_format (argv, "-chardev", "socket,id=%s,fd=%u", id, VP_ARGV_DEVICE_FD + i);
      add_port (argv, id, PORTS_ID ".0", id, names[i]);
    }
}

static void
add_debug_exit (GPtrArray *argv)
{
  JsonObject *device = json_object_new ();

  json_object_set_string_member (device, "driver", "isa-debug-exit");
  json_object_set_int_member (device, "iobase", 0xf4);
  json_object_set_int_member (device, "iosize", 4);
  vp_argv_add_json (argv, "-device", device);
}

/* Nothing of it is there at first. */
static void
add_more_memory (GPtrArray *argv, const VpConfig *config)
{
  guint index = n_listed (config) + (has_ready_port (config) ? 1 : 0);
  gboolean is_shared = vp_config_shares_memory (config);
  JsonObject *device = new_device (config, "virtio-mem-pci", VP_OWN_DEVICES_MEMORY_ID, index);
  JsonObject *backend = json_object_new ();

  json_object_set_string_member (backend, "qom-type",
                                 is_shared ? "memory-backend-memfd" : "memory-backend-ram");
  json_object_set_string_member (backend, "id", VP_OWN_DEVICES_MEMORY_ID);
  json_object_set_int_member (backend, "size", (gint64) (config->max_memory - config->memory));
  if (is_shared)
    json_object_set_boolean_member (backend, "share", TRUE);
  json_object_set_boolean_member (backend, "reserve", FALSE);
  vp_argv_add_json (argv, "-object", backend);

  json_object_set_string_member (device, "memdev", VP_OWN_DEVICES_MEMORY_ID);
  json_object_set_int_member (device, "block-size",
                              (gint64) vp_memory_block (config->memory, config->max_memory));
  vp_argv_add_json (argv, "-device", device);
}

gboolean
vp_own_devices_check (const VpConfig *config, GError **error)
{
  const VpRootBus root = vp_own_devices_root (config);
  guint n_slots = 0;
  guint8 slot;

  while (vp_topology_own_slot (&root, n_slots, &slot))
    n_slots++;
  if (root.n_own <= n_slots)
    return TRUE;

  g_set_error (
      error, VP_ERROR, VP_ERROR_USAGE,
      "%u emulated devices (disks, network cards, shares, the ready port, memory that can be "
      "added, the ports of a boot test): a %s machine has room for %u",
      root.n_own, vp_machine_type_to_string (config->machine), n_slots);
  return FALSE;
}

void
vp_own_devices_add (GPtrArray *argv, const VpConfig *config)
{
  g_return_if_fail (argv != NULL && config != NULL && config->name != NULL);

  for (guint i = 0; i < config->disks->len; i++)
    add_disk (argv, config, i);
  for (guint i = 0; i < config->nics->len; i++)
    add_nic (argv, config, i);
  for (guint i = 0; i < config->shares->len; i++)
    add_share (argv, config, i);
  if (has_ready_port (config))
    add_ready_port (argv, config);
  if (has_more_memory (config))
    add_more_memory (argv, config);
  if (config->guest_ports != VP_GUEST_PORTS_NONE)
    add_guest_ports (argv, config);
  if (config->has_debug_exit)
    add_debug_exit (argv);
}
