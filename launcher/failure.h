#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpFailure:
 * @code: what scripts match on, "group-not-viable"
 * @hint: (nullable): what to do about it, one clause for a person
 * @exit_status: exit status of the program, from the table in vmplug(1)
 *
 * What a #GError means to somebody outside: one row of one table.
 */
typedef struct
{
  const char *code;
  const char *hint;
  int exit_status;
} VpFailure;

/**
 * vp_failure_of:
 * @error: an error of any domain
 *
 * Returns: (transfer none): its row; errors that are in no row of the table are "internal"
 */
const VpFailure *vp_failure_of (const GError *error);

/**
 * vp_failure_to_json:
 * @error: an error
 *
 * Returns: (transfer full): "code", "message" and "hint", as the contract's "error" has them, and
 *   "class" and "desc", as a QMP error has them, so that it can be sent as one
 */
JsonObject *vp_failure_to_json (const GError *error);

/**
 * vp_failure_from_json:
 * @object: (nullable): what vp_failure_to_json() made, possibly in another process
 *
 * Returns: (transfer full): an error that has the same row and message
 */
GError *vp_failure_from_json (JsonObject *object);

/**
 * vp_failure_to_line:
 *
 * Returns: (transfer full): "what: why; what to do", control characters made visible
 */
char *vp_failure_to_line (const GError *error);

/**
 * vp_failure_print:
 * @error: an error
 * @as_json: whether to print {"error": …} on stdout beside the line on stderr
 *
 * Prints "vmplug: " and vp_failure_to_line() on stderr.
 *
 * Returns: the exit status
 */
int vp_failure_print (const GError *error, gboolean as_json);

G_END_DECLS
