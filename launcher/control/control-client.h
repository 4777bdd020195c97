#pragma once

#include "qmp/client.h"

G_BEGIN_DECLS

/**
 * VpControlClient:
 *
 * A #VpQmpClient that g_autoptr() closes before it drops it.
 */
typedef VpQmpClient VpControlClient;

/**
 * vp_control_client_drop:
 * @client: (nullable) (transfer full): a client
 *
 * Closes and drops it.
 */
void vp_control_client_drop (VpControlClient *client);

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
VpControlClient *vp_control_client_connect (const char *root, const char *name, GError **error);

/**
 * vp_control_client_execute:
 * @client: a client
 * @command: a command of the control socket
 * @arguments: (transfer full) (nullable): its arguments
 * @timeout_ms: longest wait; 0 for ever
 * @error: return location for a #GError
 *
 * Like vp_qmp_client_execute(), but a refusal comes back as the error that the supervisor had, with
 * its domain and code.
 *
 * Returns: (transfer full) (nullable): what was returned
 */
JsonNode *vp_control_client_execute (VpControlClient *client,
                                     const char *command,
                                     JsonObject *arguments,
                                     guint timeout_ms,
                                     GError **error);

/**
 * vp_control_client_call:
 *
 * Like vp_control_client_execute(), for the commands that return an object: vmplug's own.
 *
 * Returns: (transfer full) (nullable): the object that was returned
 */
JsonObject *vp_control_client_call (VpControlClient *client,
                                    const char *command,
                                    JsonObject *arguments,
                                    guint timeout_ms,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpControlClient, vp_control_client_drop)

G_END_DECLS
