#pragma once

#include "launcher/config/disk.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_disk_protocol:
 * @disk: a disk that was checked
 *
 * Returns: (transfer none): QEMU's driver for what holds its bytes
 */
const char *vp_disk_protocol (const VpDisk *disk);

/**
 * vp_disk_node_make_name:
 * @id: QEMU id of a disk
 *
 * Returns: (transfer full): the name of its node: @id, or when that is longer than the 31 bytes
 *   that QEMU takes, as many of its hash
 */
char *vp_disk_node_make_name (const char *id);

/**
 * vp_disk_node_new:
 * @disk: a disk that was checked, no snapshot
 * @name: node name
 *
 * One named node, its format over the file or block device, so that one blockdev-del takes both.
 *
 * Returns: (transfer full): the arguments of -blockdev and of blockdev-add
 */
JsonObject *vp_disk_node_new (const VpDisk *disk, const char *name);

G_END_DECLS
