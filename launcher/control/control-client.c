#include "launcher/control/control-client.h"

#include "launcher/error.h"
#include "launcher/failure.h"
#include "launcher/vm/run-dir.h"
#include "qmp/error.h"

#include <unistd.h>

#define HANDSHAKE_MS 5000

void
vp_control_client_drop (VpControlClient *client)
{
  if (client == NULL)
    return;

  vp_qmp_client_close (client);
  g_object_unref (client);
}

VpControlClient *
vp_control_client_connect (const char *root, const char *name, GError **error)
{
  g_autoptr (VpControlClient) client = NULL;
  g_autoptr (JsonObject) greeting = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) local = NULL;
  int fd = vp_run_dir_connect (root, name, "control", error);

  if (fd < 0)
    return NULL;

  socket = g_socket_new_from_fd (fd, &local);
  if (socket == NULL)
    close (fd);
  else
    {
      client = vp_qmp_client_new (socket);
      greeting = vp_qmp_client_handshake (client, HANDSHAKE_MS, &local);
    }
  if (greeting != NULL)
    return g_steal_pointer (&client);

  g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "%s does not answer: %s", name, local->message);
  return NULL;
}

JsonNode *
vp_control_client_execute (VpControlClient *client,
                           const char *command,
                           JsonObject *arguments,
                           guint timeout_ms,
                           GError **error)
{
  g_autoptr (GError) local = NULL;
  JsonNode *value = vp_qmp_client_execute (client, command, arguments, NULL, timeout_ms, &local);
  JsonObject *failure;

  if (value != NULL)
    return value;

  failure = vp_qmp_error_get_object (local);
  g_propagate_error (error,
                     failure != NULL ? vp_failure_from_json (failure) : g_steal_pointer (&local));
  return NULL;
}

JsonObject *
vp_control_client_call (VpControlClient *client,
                        const char *command,
                        JsonObject *arguments,
                        guint timeout_ms,
                        GError **error)
{
  g_autoptr (JsonNode) value =
      vp_control_client_execute (client, command, arguments, timeout_ms, error);

  if (value == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (value))
    {
      g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "%s returned no object", command);
      return NULL;
    }
  return json_object_ref (json_node_get_object (value));
}
