#include "qmp/connection.h"

#include "qmp/json-writer.h"
#include "qmp/message.h"

#define MAX_UNANSWERED 16

struct _VpQmpConnection
{
  VpQmpServer *server; /* unowned: it drops the connection before it ends */
  VpQmpChannel *channel;
  VpQmpServerHandler handler;
  gpointer user_data;
  gboolean negotiated;
  guint n_unanswered;
};

struct _VpQmpCall
{
  VpQmpConnection *connection;
  JsonObject *message;
  JsonObject *arguments;
};

static void
connection_clear (gpointer data)
{
  VpQmpConnection *self = data;

  g_clear_object (&self->channel);
}

static void
connection_unref (VpQmpConnection *self)
{
  g_rc_box_release_full (self, connection_clear);
}

static void
call_free (VpQmpCall *self)
{
  g_clear_pointer (&self->connection, connection_unref);
  g_clear_pointer (&self->message, json_object_unref);
  g_clear_pointer (&self->arguments, json_object_unref);
  g_free (self);
}

static VpQmpCall *
call_new (VpQmpConnection *connection, JsonObject *message)
{
  VpQmpCall *self = g_new0 (VpQmpCall, 1);
  JsonObject *arguments = vp_qmp_message_get_object (message, "arguments");

  self->connection = g_rc_box_acquire (connection);
  self->connection->n_unanswered++;
  self->message = json_object_ref (message);
  self->arguments = arguments != NULL ? json_object_ref (arguments) : json_object_new ();
  return self;
}

const char *
vp_qmp_call_get_command (VpQmpCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return vp_qmp_message_get_string (self->message, "execute");
}

JsonObject *
vp_qmp_call_get_arguments (VpQmpCall *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->arguments;
}

/* Takes @self. The id goes back as it came, whatever its type. */
static void
answer (VpQmpCall *self, const char *member, JsonNode *value)
{
  JsonNode *id = json_object_get_member (self->message, "id");
  GString *line = g_string_new ("{");

  vp_json_write_string (line, member);
  g_string_append_c (line, ':');
  vp_json_write (line, value);
  if (id != NULL)
    {
      g_string_append (line, ",\"id\":");
      vp_json_write (line, id);
    }
  g_string_append (line, "}\r\n");

  self->connection->n_unanswered--;
  vp_qmp_channel_send_line (self->connection->channel, g_string_free (line, FALSE), NULL);
  call_free (self);
}

void
vp_qmp_call_return (VpQmpCall *self, JsonNode *value)
{
  g_autoptr (JsonNode) owned = value;

  g_return_if_fail (self != NULL);

  if (owned == NULL)
    {
      g_autoptr (JsonObject) empty = json_object_new ();

      owned = json_node_init_object (json_node_alloc (), empty);
    }
  answer (self, "return", owned);
}

void
vp_qmp_call_fail (VpQmpCall *self, JsonObject *failure)
{
  g_autoptr (JsonObject) owned = failure;
  g_autoptr (JsonNode) node = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (failure != NULL);

  node = json_node_init_object (json_node_alloc (), owned);
  answer (self, "error", node);
}

/* Returns: (transfer full) */
static JsonObject *
failure_new (const char *klass, const char *desc)
{
  JsonObject *failure = json_object_new ();

  json_object_set_string_member (failure, "class", klass);
  json_object_set_string_member (failure, "desc", desc);
  return failure;
}

static void
refuse (VpQmpCall *call, const char *klass, const char *desc)
{
  vp_qmp_call_fail (call, failure_new (klass, desc));
}

void
vp_qmp_connection_complain (VpQmpChannel *channel, const char *desc)
{
  g_autoptr (JsonObject) message = json_object_new ();

  json_object_set_object_member (message, "error", failure_new ("GenericError", desc));
  vp_qmp_channel_send (channel, message, NULL);
}

/* Returns: (transfer full) (nullable): what is wrong with @message as a command, in QEMU's words */
static char *
find_fault (JsonObject *message)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, message);
  while (json_object_iter_next (&iter, &name, NULL))
    if (!g_str_equal (name, "execute") && !g_str_equal (name, "arguments") &&
        !g_str_equal (name, "id"))
      return g_strdup_printf ("QMP input member '%s' is unexpected", name);

  if (!json_object_has_member (message, "execute"))
    return g_strdup ("QMP input lacks member 'execute'");
  if (vp_qmp_message_get_string (message, "execute") == NULL)
    return g_strdup ("QMP input member 'execute' must be a string");
  if (json_object_has_member (message, "arguments") &&
      vp_qmp_message_get_object (message, "arguments") == NULL)
    return g_strdup ("QMP input member 'arguments' must be an object");
  return NULL;
}

static void
negotiate (VpQmpCall *call)
{
  JsonArray *enable = vp_qmp_message_get_array (call->arguments, "enable");

  if (enable != NULL && json_array_get_length (enable) > 0)
    {
      refuse (call, "GenericError", "this server has no capabilities to enable");
      return;
    }
  call->connection->negotiated = TRUE;
  vp_qmp_call_return (call, NULL);
}

static void
on_message (VpQmpChannel *channel, JsonObject *message, VpQmpConnection *self)
{
  g_autoptr (VpQmpServer) server = g_object_ref (self->server);
  g_autofree char *fault = find_fault (message);
  VpQmpCall *call = call_new (self, message);
  gboolean capabilities = g_strcmp0 (vp_qmp_call_get_command (call), "qmp_capabilities") == 0;

  if (fault != NULL)
    refuse (call, "GenericError", fault);
  else if (!self->negotiated && capabilities)
    negotiate (call);
  else if (!self->negotiated)
    refuse (call, "CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
  else if (capabilities)
    refuse (call, "CommandNotFound",
            "Capabilities negotiation is already complete, command 'qmp_capabilities' ignored");
  else if (self->n_unanswered > MAX_UNANSWERED)
    refuse (call, "GenericError", "too many commands of this client wait for their answers");
  else
    self->handler (server, call, self->user_data);
}

static gboolean
on_malformed (VpQmpChannel *channel, const GError *fault, VpQmpConnection *self)
{
  vp_qmp_connection_complain (channel, fault->message);
  return TRUE;
}

gboolean
vp_qmp_connection_is_negotiated (VpQmpConnection *self)
{
  return self->negotiated;
}

VpQmpChannel *
vp_qmp_connection_get_channel (VpQmpConnection *self)
{
  return self->channel;
}

VpQmpConnection *
vp_qmp_connection_new (VpQmpServer *server,
                       VpQmpChannel *channel,
                       VpQmpServerHandler handler,
                       gpointer user_data)
{
  VpQmpConnection *self = g_rc_box_new0 (VpQmpConnection);

  self->server = server;
  self->channel = g_object_ref (channel);
  self->handler = handler;
  self->user_data = user_data;
  g_signal_connect (channel, "message", G_CALLBACK (on_message), self);
  g_signal_connect (channel, "malformed", G_CALLBACK (on_malformed), self);
  return self;
}

void
vp_qmp_connection_drop (VpQmpConnection *self)
{
  g_signal_handlers_disconnect_by_data (self->channel, self);
  vp_qmp_channel_close (self->channel);
  connection_unref (self);
}
