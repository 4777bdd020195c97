#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Longest wait that a client may ask for, in seconds. */
#define VP_CALL_MAX_TIMEOUT 86400

/** Most strings in one list: more than a VM has places for. */
#define VP_CALL_MAX_STRINGS 1024

/**
 * vp_call_arguments_check:
 * @arguments: the arguments of a command
 * @names: (array zero-terminated=1): those that it knows
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE naming one that it does not know
 */
gboolean vp_call_arguments_check (JsonObject *arguments, const char *const *names, GError **error);

/**
 * vp_call_arguments_get_string:
 * @arguments: the arguments of a command
 * @name: one that must be there
 * @error: return location for a #GError
 *
 * Returns: (transfer none) (nullable): its value, or %NULL with %VP_ERROR_USAGE
 */
const char *vp_call_arguments_get_string (JsonObject *arguments, const char *name, GError **error);

/**
 * vp_call_arguments_get_strings:
 * @arguments: the arguments of a command
 * @name: one that must be there
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): its strings, one or more and no more than
 *   %VP_CALL_MAX_STRINGS, or %NULL with %VP_ERROR_USAGE
 */
GStrv vp_call_arguments_get_strings (JsonObject *arguments, const char *name, GError **error);

/**
 * vp_call_arguments_get_flag:
 * @arguments: the arguments of a command
 * @name: one that may be there
 * @value: (out): its value, or %FALSE
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when it is no boolean
 */
gboolean vp_call_arguments_get_flag (JsonObject *arguments,
                                     const char *name,
                                     gboolean *value,
                                     GError **error);

/**
 * vp_call_arguments_get_timeout:
 * @arguments: the arguments of a command
 * @timeout_ms: (inout): the default; replaced by "timeout" if that is there, in seconds from 0 to
 *   %VP_CALL_MAX_TIMEOUT, with or without a fraction
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_call_arguments_get_timeout (JsonObject *arguments, guint *timeout_ms, GError **error);

G_END_DECLS
