#include "launcher/vm/own-devices.h"

#include "launcher/error.h"
#include "launcher/vm/argv-writer.h"
#include "launcher/vm/disk-node.h"
#include "launcher/vm/nic-backend.h"

VpRootBus
vp_own_devices_root (const VpConfig *config)
{
  return (VpRootBus){ .machine = config->machine,
                      .n_nodes = config->machine == VP_MACHINE_Q35 ? config->numa : 0,
                      .n_own = config->disks->len + config->nics->len + config->shares->len };
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
   * that no set-uid file, device node or symbolic link of the guest's making exists on the host. */
  vp_argv_add_format (argv, "-fsdev",
                      "local,id=%s,path=%s,security_model=mapped-xattr,multidevs=remap", id, dir);
  json_object_set_string_member (device, "fsdev", id);
  json_object_set_string_member (device, "mount_tag", share->tag);
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

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
               "%u disks, network cards and shares: a %s machine has room for %u", root.n_own,
               vp_machine_type_to_string (config->machine), n_slots);
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
}
