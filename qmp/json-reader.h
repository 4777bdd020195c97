#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_json_read:
 * @text: NUL-terminated
 * @max_depth: deepest nesting accepted, at most 64
 * @max_values: most values accepted, which bounds the memory that @text can cost
 * @error: return location for a #GError
 *
 * A strict RFC 8259 reader: duplicate names, \u0000, lone surrogates, objects of more than 1024
 * members and integers below -2^63 or above 2^64 - 1 are refused as well. An integer above 2^63 - 1
 * becomes a double, because json-glib has no unsigned values and QEMU sends some that the guest
 * chooses. Never recurses.
 *
 * Returns: (transfer full) (nullable): the value, or %NULL with %VP_QMP_ERROR_PROTOCOL
 */
JsonNode *vp_json_read (const char *text, guint max_depth, guint max_values, GError **error);

G_END_DECLS
