#pragma once

#include "launcher/config/params.h"

G_BEGIN_DECLS

/**
 * VpDisk:
 * @file: an image or a block device
 * @format: (nullable): "raw" or "qcow2"; %NULL until vp_disk_check() has looked
 * @readonly: the guest cannot write
 * @snapshot: what the guest writes is thrown away at the end
 * @is_block_device: seen by vp_disk_check()
 * @device: which file it is, seen by vp_disk_check(): the device it is on, or that it is
 * @inode: its number there; 0 of a block device
 */
typedef struct
{
  char *file;
  char *format;
  gboolean readonly;
  gboolean snapshot;
  gboolean is_block_device;
  guint64 device;
  guint64 inode;
} VpDisk;

/**
 * vp_disk_new:
 * @file: an image or a block device
 *
 * Returns: (transfer full): a disk that is written, of a format that is not known; free with
 *   vp_disk_free()
 */
VpDisk *vp_disk_new (const char *file);

/**
 * vp_disk_set:
 * @disk: a disk
 * @param: format=raw|qcow2 or readonly
 * @known: what there is, to be named when it is neither
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_disk_set (VpDisk *disk, const VpParam *param, const char *known, GError **error);

/**
 * vp_disk_parse:
 * @text: FILE[,format=raw|qcow2][,readonly][,snapshot]
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_disk_free(); %NULL with %VP_ERROR_USAGE
 */
VpDisk *vp_disk_parse (const char *text, GError **error);
void vp_disk_free (VpDisk *disk);

/**
 * vp_disk_check:
 * @disk: (inout): a disk; its format is filled in by its magic, when it is not given
 * @error: return location for a #GError
 *
 * Opens the file as QEMU will and closes it again. A guest can write the magic of qcow2, and the
 * name of any file of the host as its backing file, into a disk that was raw: so a qcow2 image that
 * leads to other files is only taken when its format was given.
 *
 * Returns: %FALSE with %VP_ERROR_HOST or %VP_ERROR_USAGE
 */
gboolean vp_disk_check (VpDisk *disk, GError **error);

/**
 * vp_disk_check_other:
 * @disk: a disk that was checked
 * @other: (nullable): one that the VM has, checked too
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when the two are one file, which QEMU could lock only once
 */
gboolean vp_disk_check_other (const VpDisk *disk, const VpDisk *other, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDisk, vp_disk_free)

G_END_DECLS
