#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Deepest nesting accepted; QEMU's own replies stay below 20. */
#define VP_QMP_MAX_DEPTH 64

/** Most values in one message; the largest known reply, query-qmp-schema, has 33 times fewer. */
#define VP_QMP_MAX_VALUES (1u << 19)

/**
 * vp_qmp_message_parse:
 * @line: one line, NUL-terminated
 * @error: return location for a #GError
 *
 * Reads one JSON object, strictly by RFC 8259 (see vp_json_read()). json-glib gives the values but
 * not the parser: that of 1.6 crashes on deep nesting, misreads integers outside 64 signed bits,
 * cuts strings at \u0000 and accepts comments, assignments and trailing documents.
 *
 * Returns: (transfer full) (nullable): the object, or %NULL with %VP_QMP_ERROR_PROTOCOL
 */
JsonObject *vp_qmp_message_parse (const char *line, GError **error);

/**
 * vp_qmp_message_to_line:
 * @message: an object
 *
 * Returns: (transfer full): its text in one line, ended by CR LF
 */
char *vp_qmp_message_to_line (JsonObject *message);

/**
 * vp_qmp_message_get_string:
 * @message: an object
 * @name: a member
 *
 * json-glib aborts or warns when a member has another type than asked for; a peer must not be able
 * to cause that. The same holds for the functions below.
 *
 * Returns: (transfer none) (nullable): the string, or %NULL when there is no such string member
 */
const char *vp_qmp_message_get_string (JsonObject *message, const char *name);

/**
 * vp_qmp_message_get_object:
 *
 * Returns: (transfer none) (nullable): the object, or %NULL when there is no such object member
 */
JsonObject *vp_qmp_message_get_object (JsonObject *message, const char *name);

/**
 * vp_qmp_message_get_array:
 *
 * Returns: (transfer none) (nullable): the array, or %NULL when there is no such array member
 */
JsonArray *vp_qmp_message_get_array (JsonObject *message, const char *name);

/**
 * vp_qmp_message_get_int:
 * @message: an object
 * @name: a member
 * @fallback: what to return when there is no such integer member
 *
 * Returns: the integer
 */
gint64 vp_qmp_message_get_int (JsonObject *message, const char *name, gint64 fallback);

/**
 * vp_qmp_message_get_boolean:
 *
 * Returns: the boolean, or @fallback when there is no such boolean member
 */
gboolean vp_qmp_message_get_boolean (JsonObject *message, const char *name, gboolean fallback);

G_END_DECLS
