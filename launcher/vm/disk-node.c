#include "launcher/vm/disk-node.h"

#include <string.h>

/* QEMU include/block/block_int-common.h: node_name[32]. */
#define MAX_NAME 31

const char *
vp_disk_protocol (const VpDisk *disk)
{
  return disk->is_block_device ? "host_device" : "file";
}

char *
vp_disk_node_make_name (const char *id)
{
  g_autofree char *hash = NULL;

  if (strlen (id) <= MAX_NAME)
    return g_strdup (id);

  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, id, -1);
  return g_strndup (hash, MAX_NAME);
}

JsonObject *
vp_disk_node_new (const VpDisk *disk, const char *name)
{
  JsonObject *file = json_object_new ();
  JsonObject *node = json_object_new ();

  g_return_val_if_fail (disk->format != NULL && !disk->snapshot, NULL);

  json_object_set_string_member (file, "driver", vp_disk_protocol (disk));
  json_object_set_string_member (file, "filename", disk->file);
  json_object_set_boolean_member (file, "read-only", disk->readonly);

  json_object_set_string_member (node, "driver", disk->format);
  json_object_set_string_member (node, "node-name", name);
  json_object_set_boolean_member (node, "read-only", disk->readonly);
  json_object_set_object_member (node, "file", file);
  return node;
}
