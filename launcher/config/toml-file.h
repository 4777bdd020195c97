#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Longest file that is read; kata's own, full of comments, has 30 KiB. */
#define VP_TOML_MAX_SIZE (G_GUINT64_CONSTANT (1) << 20)

/**
 * VpTomlFile:
 *
 * One parsed TOML file: its values as JSON, and where each of them stands.
 */
typedef struct _VpTomlFile VpTomlFile;

/**
 * vp_toml_file_read:
 * @path: a regular file of at most %VP_TOML_MAX_SIZE
 * @error: return location for a #GError
 *
 * Never waits: a FIFO or a device is refused, not opened for reading.
 *
 * Returns: (transfer full) (nullable): free with vp_toml_file_free(); %NULL with %VP_ERROR_USAGE,
 *   "FILE: why" or "FILE:LINE:COLUMN: why"
 */
VpTomlFile *vp_toml_file_read (const char *path, GError **error);

/**
 * vp_toml_file_parse:
 * @name: what the file is called in messages
 * @text: its content; need not be text
 * @size: its length in bytes
 * @error: return location for a #GError
 *
 * Dates and times become strings. Refused are inf and nan, U+0000, what is nested deeper than
 * %VP_TOML_MAX_DEPTH and what is no TOML 1.0; a byte order mark and CR LF are not.
 *
 * Returns: (transfer full) (nullable): free with vp_toml_file_free(); %NULL with %VP_ERROR_USAGE,
 *   "NAME:LINE:COLUMN: why"
 */
VpTomlFile *vp_toml_file_parse (const char *name, const char *text, gsize size, GError **error);
void vp_toml_file_free (VpTomlFile *self);

/**
 * vp_toml_file_get_name:
 *
 * Returns: (transfer none): what the file is called in messages
 */
const char *vp_toml_file_get_name (VpTomlFile *self);

/**
 * vp_toml_file_get_root:
 *
 * Returns: (transfer none): the root table
 */
JsonObject *vp_toml_file_get_root (VpTomlFile *self);

/**
 * vp_toml_file_where:
 * @self: a file
 * @path: "hypervisor.qemu.kernel" or "rule[0].address[1]"; a key with a dot in it is quoted as in
 *   TOML, see vp_toml_document_add_key()
 *
 * Returns: (transfer full): "FILE:LINE:COLUMN" of the value, or "FILE" when there is none
 */
char *vp_toml_file_where (VpTomlFile *self, const char *path);

/**
 * vp_toml_file_get_line:
 *
 * Returns: the line of the value at @path, or 0 when there is none
 */
guint vp_toml_file_get_line (VpTomlFile *self, const char *path);

/**
 * vp_toml_file_compare:
 * @self: a file
 * @a: a path in it
 * @b: another
 *
 * Returns: less than 0 when the value at @a stands before that at @b, more when after it
 */
int vp_toml_file_compare (VpTomlFile *self, const char *a, const char *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTomlFile, vp_toml_file_free)

G_END_DECLS
