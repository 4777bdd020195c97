#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpQmpError:
 * @VP_QMP_ERROR_PROTOCOL: the peer sent something that is not QMP
 * @VP_QMP_ERROR_DISCONNECTED: the connection ended before the reply came
 * @VP_QMP_ERROR_TIMEOUT: no reply before the deadline; the command may still be carried out
 * @VP_QMP_ERROR_COMMAND: the peer refused the command (class GenericError or unknown)
 * @VP_QMP_ERROR_COMMAND_NOT_FOUND: the peer does not have the command
 * @VP_QMP_ERROR_DEVICE_NOT_FOUND: no device has that id
 *
 * Errors of both ends of QMP. Callers decide on the code, never on the text.
 */
typedef enum
{
  VP_QMP_ERROR_PROTOCOL,
  VP_QMP_ERROR_DISCONNECTED,
  VP_QMP_ERROR_TIMEOUT,
  VP_QMP_ERROR_COMMAND,
  VP_QMP_ERROR_COMMAND_NOT_FOUND,
  VP_QMP_ERROR_DEVICE_NOT_FOUND,
} VpQmpError;

#define VP_QMP_ERROR (vp_qmp_error_quark ())
GQuark vp_qmp_error_quark (void);

/**
 * vp_qmp_error_code_from_class:
 * @klass: (nullable): the "class" member of a QMP error
 *
 * Returns: the matching code; an unknown class is %VP_QMP_ERROR_COMMAND
 */
VpQmpError vp_qmp_error_code_from_class (const char *klass);

/**
 * vp_qmp_error_class_from_code:
 *
 * Returns: (transfer none): the QMP class to send for @code, "GenericError" where QMP has no better
 */
const char *vp_qmp_error_class_from_code (VpQmpError code);

/**
 * vp_qmp_error_set_from_reply:
 * @error: return location for a #GError
 * @failure: (nullable): the "error" member of a reply
 *
 * Makes a #GError of the peer's refusal: code from "class", message from "desc", the whole object
 * kept beside it.
 */
void vp_qmp_error_set_from_reply (GError **error, JsonObject *failure);

/**
 * vp_qmp_error_get_object:
 * @error: an error of %VP_QMP_ERROR, or of any other domain
 *
 * Returns: (transfer none) (nullable): the "error" object that the peer sent, whose further members
 *   (a vmplug supervisor adds "code") say more than the class; %NULL when the peer sent none
 */
JsonObject *vp_qmp_error_get_object (const GError *error);

G_END_DECLS
