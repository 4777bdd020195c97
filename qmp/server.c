#include "qmp/server.h"

#include "qmp/channel.h"
#include "qmp/connection.h"
#include "qmp/message.h"

#include <unistd.h>

#define MAX_CLIENTS 32
#define MAX_LINE    (64u * 1024u)
#define MAX_UNSENT  (1024u * 1024u)
#define PAUSE_MS    1000

struct _VpQmpServer
{
  GObject parent_instance;

  GSocket *listener;
  GMainContext *context;
  GSource *accepting;     /* or, while there are no file descriptors, the end of the pause */
  GPtrArray *connections; /* (element-type VpQmpConnection) */
  JsonObject *greeting;
  VpQmpServerHandler handler;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (VpQmpServer, vp_qmp_server, G_TYPE_OBJECT)

static GPtrArray *
new_connections (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) vp_qmp_connection_drop);
}

static void
on_closed (VpQmpChannel *channel, const GError *reason, VpQmpServer *self)
{
  for (guint i = 0; i < self->connections->len; i++)
    if (vp_qmp_connection_get_channel (self->connections->pdata[i]) == channel)
      {
        g_ptr_array_remove_index_fast (self->connections, i);
        return;
      }
}

static gboolean
is_allowed (GSocket *socket)
{
  g_autoptr (GCredentials) peer = g_socket_get_credentials (socket, NULL);
  uid_t uid = peer != NULL ? g_credentials_get_unix_user (peer, NULL) : (uid_t) -1;

  return uid == 0 || (uid != (uid_t) -1 && uid == geteuid ());
}

static void
serve (VpQmpServer *self, GSocket *socket)
{
  g_autoptr (VpQmpChannel) channel = vp_qmp_channel_new (socket, MAX_LINE, MAX_UNSENT);
  g_autoptr (JsonObject) greeting = NULL;

  if (self->connections->len >= MAX_CLIENTS)
    {
      vp_qmp_connection_complain (channel, "too many clients");
      vp_qmp_channel_close (channel);
      return;
    }

  g_ptr_array_add (self->connections,
                   vp_qmp_connection_new (self, channel, self->handler, self->user_data));
  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), self);

  greeting = json_object_new ();
  json_object_set_object_member (greeting, "QMP", json_object_ref (self->greeting));
  vp_qmp_channel_send (channel, greeting, NULL);
}

static void start_accepting (VpQmpServer *self);

static gboolean
on_pause_over (gpointer user_data)
{
  start_accepting (VP_QMP_SERVER (user_data));
  return G_SOURCE_REMOVE;
}

static void
clear_accepting (VpQmpServer *self)
{
  if (self->accepting != NULL)
    g_source_destroy (self->accepting);
  g_clear_pointer (&self->accepting, g_source_unref);
}

static gboolean
on_connection (GSocket *listener, GIOCondition condition, gpointer user_data)
{
  VpQmpServer *self = VP_QMP_SERVER (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_accept (listener, NULL, &error);

  if (socket != NULL && is_allowed (socket))
    serve (self, socket);
  if (socket != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;

  /* out of file descriptors or memory: the client still waits, and the loop would spin */
  clear_accepting (self);
  self->accepting = g_timeout_source_new (PAUSE_MS);
  g_source_set_callback (self->accepting, on_pause_over, self, NULL);
  g_source_attach (self->accepting, self->context);
  return G_SOURCE_REMOVE;
}

static void
start_accepting (VpQmpServer *self)
{
  clear_accepting (self);
  self->accepting = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (self->accepting, G_SOURCE_FUNC (on_connection), self, NULL);
  g_source_attach (self->accepting, self->context);
}

void
vp_qmp_server_broadcast (VpQmpServer *self, const char *event, JsonObject *data)
{
  g_autoptr (JsonObject) message = NULL;
  g_autofree char *line = NULL;
  JsonObject *timestamp;
  gint64 now = g_get_real_time ();

  g_return_if_fail (VP_IS_QMP_SERVER (self));
  g_return_if_fail (event != NULL);

  timestamp = json_object_new ();
  json_object_set_int_member (timestamp, "seconds", now / G_USEC_PER_SEC);
  json_object_set_int_member (timestamp, "microseconds", now % G_USEC_PER_SEC);
  message = json_object_new ();
  json_object_set_object_member (message, "timestamp", timestamp);
  json_object_set_string_member (message, "event", event);
  if (data != NULL)
    json_object_set_object_member (message, "data", json_object_ref (data));
  line = vp_qmp_message_to_line (message);

  for (guint i = 0; i < self->connections->len; i++)
    {
      VpQmpConnection *connection = self->connections->pdata[i];

      if (vp_qmp_connection_is_negotiated (connection))
        vp_qmp_channel_send_line (vp_qmp_connection_get_channel (connection), g_strdup (line),
                                  NULL);
    }
}

void
vp_qmp_server_close (VpQmpServer *self)
{
  GPtrArray *connections;

  g_return_if_fail (VP_IS_QMP_SERVER (self));

  clear_accepting (self);
  g_socket_close (self->listener, NULL);

  /* taken out first: each says "closed", and would be looked for among its dropped neighbours */
  connections = g_steal_pointer (&self->connections);
  self->connections = new_connections ();
  g_ptr_array_unref (connections);
}

static void
vp_qmp_server_dispose (GObject *object)
{
  VpQmpServer *self = VP_QMP_SERVER (object);

  vp_qmp_server_close (self);

  G_OBJECT_CLASS (vp_qmp_server_parent_class)->dispose (object);
}

static void
vp_qmp_server_finalize (GObject *object)
{
  VpQmpServer *self = VP_QMP_SERVER (object);

  g_clear_pointer (&self->connections, g_ptr_array_unref);
  g_clear_pointer (&self->greeting, json_object_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_object (&self->listener);

  G_OBJECT_CLASS (vp_qmp_server_parent_class)->finalize (object);
}

static void
vp_qmp_server_class_init (VpQmpServerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_qmp_server_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_qmp_server_finalize;
}

static void
vp_qmp_server_init (VpQmpServer *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->connections = new_connections ();
}

VpQmpServer *
vp_qmp_server_new (GSocket *listener,
                   JsonObject *greeting,
                   VpQmpServerHandler handler,
                   gpointer user_data)
{
  VpQmpServer *self;

  g_return_val_if_fail (G_IS_SOCKET (listener), NULL);
  g_return_val_if_fail (greeting != NULL, NULL);
  g_return_val_if_fail (handler != NULL, NULL);

  self = g_object_new (VP_TYPE_QMP_SERVER, NULL);
  self->listener = g_object_ref (listener);
  self->greeting = greeting;
  self->handler = handler;
  self->user_data = user_data;
  g_socket_set_blocking (listener, FALSE);
  start_accepting (self);
  return self;
}
