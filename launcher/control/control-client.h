#pragma once

#include "qmp/client.h"

G_BEGIN_DECLS

/**
 * vp_control_client_connect:
 * @root: where host paths start
 * @name: name of a VM
 * @error: return location for a #GError
 *
 * Connects to the VM's supervisor and shakes hands, within 5 s.
 *
 * Returns: (transfer full) (nullable): a client, or %NULL with %VP_ERROR_NO_VM
 */
VpQmpClient *vp_control_client_connect (const char *root, const char *name, GError **error);

/**
 * vp_control_client_call:
 * @client: a client
 * @command: a command of the control socket
 * @arguments: (transfer full) (nullable): its arguments
 * @timeout_ms: longest wait; 0 for ever
 * @error: return location for a #GError
 *
 * Like vp_qmp_client_execute(), but a refusal comes back as the error that the supervisor had, with
 * its domain and code.
 *
 * Returns: (transfer full) (nullable): the object that was returned
 */
JsonObject *vp_control_client_call (VpQmpClient *client,
                                    const char *command,
                                    JsonObject *arguments,
                                    guint timeout_ms,
                                    GError **error);

G_END_DECLS
