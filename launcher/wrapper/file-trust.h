#pragma once

#include <sys/stat.h>

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_file_trust_is_safe:
 * @status: of a file or folder
 * @user: who is about to believe it
 *
 * Pure. A folder in which others may make files of their own, but not touch those of @user, as /tmp
 * with its sticky bit, is safe.
 *
 * Returns: whether nobody but root and @user could have changed it
 */
gboolean vp_file_trust_is_safe (const struct stat *status, uid_t user);

/**
 * vp_file_trust_check:
 * @path: a file or folder; of a link that to which it leads
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_HOST when it is not safe for this user, or with
 *   %G_IO_ERROR_NOT_FOUND when it is not there
 */
gboolean vp_file_trust_check (const char *path, GError **error);

G_END_DECLS
