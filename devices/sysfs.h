#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _VpSysfs VpSysfs;

/**
 * vp_sysfs_open:
 * @root: "/" on a host; a folder that holds sys/, dev/ and proc/ in a test
 * @error: return location for a #GError
 *
 * The one way to the host's files: every path below is relative to @root, without a leading slash
 * ("sys/bus/pci/devices"), and is reached with openat().
 *
 * Returns: (transfer full) (nullable): free with vp_sysfs_free(); %NULL with a %VP_DEVICE_ERROR
 */
VpSysfs *vp_sysfs_open (const char *root, GError **error);
void vp_sysfs_free (VpSysfs *self);

/**
 * vp_sysfs_open_folder:
 * @self: a host
 * @path: a folder
 * @error: return location for a #GError
 *
 * For reading much in one folder: the paths of the result start there, so that the kernel need not
 * walk to it each time. It goes on meaning the same folder when @path is replaced by another, and
 * holds nothing any more once its folder is gone. @self may be freed before it.
 *
 * Returns: (transfer full) (nullable): free with vp_sysfs_free(); %NULL with an error as in
 *   vp_sysfs_read()
 */
VpSysfs *vp_sysfs_open_folder (VpSysfs *self, const char *path, GError **error);

/**
 * vp_sysfs_get_root:
 *
 * Returns: (transfer none): the path of the folder it was opened with
 */
const char *vp_sysfs_get_root (VpSysfs *self);

/**
 * vp_sysfs_read:
 * @self: a host
 * @path: an attribute file
 * @error: return location for a #GError
 *
 * Reads at most 64 KiB (sysfs attributes are a page at most), in one read(), which is all that the
 * kernel needs for a regular file or an attribute (fs/seq_file.c); a longer file is an error.
 *
 * Returns: (transfer full) (nullable): the text without its last newline; %NULL with
 *   %VP_DEVICE_ERROR_NOT_FOUND, %VP_DEVICE_ERROR_PERMISSION or %VP_DEVICE_ERROR_IO naming @path
 */
char *vp_sysfs_read (VpSysfs *self, const char *path, GError **error);

/**
 * vp_sysfs_read_head:
 * @self: a host
 * @path: a file that may be of any length, such as "proc/cpuinfo"
 * @max: the most bytes to read
 *
 * Returns: (transfer full): the start of it, "" when it cannot be read
 */
char *vp_sysfs_read_head (VpSysfs *self, const char *path, gsize max);

/**
 * vp_sysfs_read_link:
 * @self: a host
 * @path: a symbolic link, such as ".../driver" or ".../iommu_group"
 *
 * Returns: (transfer full) (nullable): the last component of the link's target, or %NULL if there
 *   is no such link
 */
char *vp_sysfs_read_link (VpSysfs *self, const char *path);

/**
 * vp_sysfs_read_link_target:
 * @self: a host
 * @path: a symbolic link, such as "proc/4711/fd/12"
 *
 * Returns: (transfer full) (nullable): the whole target as the kernel tells it, or %NULL if there
 *   is no such link
 */
char *vp_sysfs_read_link_target (VpSysfs *self, const char *path);

/**
 * vp_sysfs_list:
 * @self: a host
 * @path: a folder
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the names in it, sorted by strcmp(), without "." and "..";
 *   %NULL with an error as in vp_sysfs_read()
 */
char **vp_sysfs_list (VpSysfs *self, const char *path, GError **error);

/**
 * vp_sysfs_exists:
 *
 * Returns: whether @path leads to anything
 */
gboolean vp_sysfs_exists (VpSysfs *self, const char *path);

/**
 * vp_sysfs_size:
 *
 * Returns: the size of the file @path in bytes, or -1
 */
gint64 vp_sysfs_size (VpSysfs *self, const char *path);

/**
 * vp_sysfs_write:
 * @self: a host
 * @path: an attribute file; it is never created
 * @text: written in one write()
 * @error: return location for a #GError
 *
 * Success says only that the kernel took the bytes: read the effect back.
 *
 * Returns: %FALSE with an error as in vp_sysfs_read()
 */
gboolean vp_sysfs_write (VpSysfs *self, const char *path, const char *text, GError **error);

/**
 * vp_sysfs_open_file:
 * @self: a host
 * @path: a file or device node
 * @flags: as for open(2); O_CLOEXEC is added
 *
 * Returns: a file descriptor that the caller owns, or -1 with errno set
 */
int vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpSysfs, vp_sysfs_free)

G_END_DECLS
