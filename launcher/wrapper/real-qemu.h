#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_real_qemu_list:
 * @path: (nullable): value of PATH
 *
 * Pure. Folders of @path that are not absolute are left out: they would depend on where the caller
 * is.
 *
 * Returns: (transfer full): where a QEMU may be, the first choice first, each once
 */
char **vp_real_qemu_list (const char *path);

/**
 * vp_real_qemu_check:
 * @program: a path
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_HOST or %VP_ERROR_USAGE unless it is absolute, a program that can
 *   be run, and another one than this
 */
gboolean vp_real_qemu_check (const char *program, GError **error);

/**
 * vp_real_qemu_find:
 * @path: (nullable): value of PATH
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the first of vp_real_qemu_list() that passes the check, or
 *   %NULL with %VP_ERROR_HOST
 */
char *vp_real_qemu_find (const char *path, GError **error);

G_END_DECLS
