#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_private_dir_open:
 * @parent_fd: the opened folder that holds it, or AT_FDCWD
 * @path: its absolute path; below @parent_fd only the last component is used
 * @create: whether to make it, mode 0700, when it is not there
 * @error: return location for a #GError
 *
 * Opens a folder that is this user's alone. /tmp is everybody's, so somebody may have put a link or
 * a folder of his own in the way: a link is not followed, and what another user owns, root's view
 * included, or others may write to, is refused.
 *
 * Returns: a descriptor, or -1 with %VP_ERROR_HOST, or with %G_IO_ERROR_NOT_FOUND when it is not
 *   there
 */
int vp_private_dir_open (int parent_fd, const char *path, gboolean create, GError **error);

/**
 * vp_private_dir_open_below:
 * @base: absolute path of a folder, see vp_run_dir_base(); its parents are not checked
 * @name: a folder in it
 * @create: whether to make both of them, and the parents that a test's root lacks
 * @error: return location for a #GError
 *
 * Like vp_private_dir_open(), first for @base and then for @name.
 *
 * Returns: a descriptor of @name, or -1 with an error as above
 */
int vp_private_dir_open_below (const char *base, const char *name, gboolean create, GError **error);

/**
 * vp_private_dir_list:
 * @fd: an opened folder
 *
 * Returns: (transfer full): the names in it, sorted; empty when it cannot be read
 */
char **vp_private_dir_list (int fd);

G_END_DECLS
