#include "qmp/client.h"

#include "qmp/channel.h"
#include "qmp/error.h"
#include "qmp/json-writer.h"
#include "qmp/message.h"
#include "qmp/pending.h"

/* query-qmp-schema is one line of 200 KB; nothing QEMU has to say is near the limit. */
#define MAX_LINE   (16u * 1024u * 1024u)
#define MAX_UNSENT (16u * 1024u * 1024u)

struct _VpQmpClient
{
  GObject parent_instance;

  GMainContext *context;
  VpQmpChannel *channel;
  VpPending *pending;
  gint64 last_id;
  gint64 handshake_id;  /* of the call that waits for the greeting, or 0 */
  JsonObject *greeting; /* once it came */
  guint n_late;
  gboolean in_message;
  gboolean closed;
  GError *reason; /* once closed */
};

G_DEFINE_FINAL_TYPE (VpQmpClient, vp_qmp_client, G_TYPE_OBJECT)

enum
{
  SIGNAL_EVENT,
  SIGNAL_CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
send_command (
    VpQmpClient *self, gint64 id, const char *command, JsonObject *arguments, GUnixFDList *fds)
{
  GString *line = g_string_new ("{\"execute\":");

  vp_json_write_string (line, command);
  if (arguments != NULL)
    {
      g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), arguments);

      g_string_append (line, ",\"arguments\":");
      vp_json_write (line, node);
    }
  g_string_append_printf (line, ",\"id\":%" G_GINT64_FORMAT "}\r\n", id);
  vp_qmp_channel_send_line (self->channel, g_string_free (line, FALSE), fds);
}

/* Returns: the id of the call that now waits, or 0 when @task has failed */
static gint64
begin_call (VpQmpClient *self, GTask *task, guint timeout_ms)
{
  /* a reply that came is told, even if the wait is cancelled a moment later */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return 0;
  if (self->closed)
    {
      g_task_return_error (task, g_error_copy (self->reason));
      return 0;
    }

  vp_pending_add (self->pending, ++self->last_id, task, timeout_ms);
  return self->last_id;
}

void
vp_qmp_client_execute_async (VpQmpClient *self,
                             const char *command,
                             JsonObject *arguments,
                             GUnixFDList *fds,
                             guint timeout_ms,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (JsonObject) owned_arguments = arguments;
  g_autoptr (GTask) task = NULL;
  gint64 id;

  g_return_if_fail (VP_IS_QMP_CLIENT (self));
  g_return_if_fail (command != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, vp_qmp_client_execute_async);
  g_task_set_name (task, command);
  id = begin_call (self, task, timeout_ms);
  if (id > 0)
    send_command (self, id, command, owned_arguments, fds);
}

JsonNode *
vp_qmp_client_execute_finish (VpQmpClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
negotiate (VpQmpClient *self)
{
  send_command (self, self->handshake_id, "qmp_capabilities", NULL, NULL);
  self->handshake_id = 0;
}

void
vp_qmp_client_handshake_async (VpQmpClient *self,
                               guint timeout_ms,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (VP_IS_QMP_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, vp_qmp_client_handshake_async);
  g_task_set_name (task, "the handshake");
  self->handshake_id = begin_call (self, task, timeout_ms);
  if (self->handshake_id > 0 && self->greeting != NULL)
    negotiate (self);
}

JsonObject *
vp_qmp_client_handshake_finish (VpQmpClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Returns: (transfer full) (nullable): the call that @message answers */
static GTask *
take_answered (VpQmpClient *self, JsonObject *message)
{
  gint64 id = vp_qmp_message_get_int (message, "id", 0);
  GTask *task = NULL;

  /* QEMU answers without an id what it could not read, and nothing else can be meant then */
  if (!json_object_has_member (message, "id") && json_object_has_member (message, "error"))
    id = vp_pending_get_only (self->pending);

  /* a call that still waits for the greeting has not been sent, so that cannot be its reply */
  if (id != self->handshake_id)
    task = vp_pending_take (self->pending, id);
  if (task != NULL)
    return task;

  self->n_late++;
  if (id > 0 && id <= self->last_id)
    vp_pending_forget_abandoned (self->pending);
  return NULL;
}

static void
handle_reply (VpQmpClient *self, JsonObject *message)
{
  g_autoptr (GTask) task = take_answered (self, message);
  GError *refusal = NULL;

  if (task == NULL)
    return;

  if (!json_object_has_member (message, "return"))
    {
      vp_qmp_error_set_from_reply (&refusal, vp_qmp_message_get_object (message, "error"));
      g_task_return_error (task, refusal);
    }
  else if (g_task_get_source_tag (task) == vp_qmp_client_handshake_async)
    g_task_return_pointer (task, json_object_ref (self->greeting),
                           (GDestroyNotify) json_object_unref);
  else
    g_task_return_pointer (task, json_object_dup_member (message, "return"),
                           (GDestroyNotify) json_node_unref);
}

/* Returns: %FALSE when it is not an event at all */
static gboolean
handle_event (VpQmpClient *self, JsonObject *message)
{
  g_autoptr (JsonObject) empty = NULL;
  const char *name = vp_qmp_message_get_string (message, "event");
  JsonObject *data = vp_qmp_message_get_object (message, "data");

  if (name == NULL)
    return FALSE;
  if (data == NULL)
    {
      empty = json_object_new ();
      data = empty;
    }
  g_signal_emit (self, signals[SIGNAL_EVENT], 0, name, data);
  return TRUE;
}

/* Returns: %FALSE when it cannot be one: a second greeting means that the peer began anew and has
 *   forgotten what was asked */
static gboolean
handle_greeting (VpQmpClient *self, JsonObject *message)
{
  JsonObject *greeting = vp_qmp_message_get_object (message, "QMP");

  if (greeting == NULL || self->greeting != NULL)
    return FALSE;
  self->greeting = json_object_ref (greeting);
  if (self->handshake_id > 0)
    negotiate (self);
  return TRUE;
}

static void
on_message (VpQmpChannel *channel, JsonObject *message, VpQmpClient *self)
{
  gboolean known = TRUE;

  self->in_message = TRUE;
  if (json_object_has_member (message, "event"))
    known = handle_event (self, message);
  else if (json_object_has_member (message, "return") || json_object_has_member (message, "error"))
    handle_reply (self, message);
  else
    known = handle_greeting (self, message);
  self->in_message = FALSE;

  if (!known && !self->closed)
    {
      self->reason =
          g_error_new_literal (VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL,
                               "the peer sent what is no reply, event or first greeting");
      vp_qmp_channel_close (channel);
    }
}

static gboolean
on_settle (gpointer user_data)
{
  VpQmpClient *self = VP_QMP_CLIENT (user_data);

  vp_pending_fail_all (self->pending, self->reason);
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0, self->reason);
  return G_SOURCE_REMOVE;
}

static void
on_channel_closed (VpQmpChannel *channel, const GError *reason, VpQmpClient *self)
{
  g_autoptr (GSource) settle = g_idle_source_new ();

  self->closed = TRUE;
  if (self->reason == NULL)
    self->reason = g_error_copy (reason);

  /* later, so that who closes is never called back from within */
  g_source_set_priority (settle, G_PRIORITY_DEFAULT);
  g_source_set_callback (settle, on_settle, g_object_ref (self), g_object_unref);
  g_source_attach (settle, self->context);
}

void
vp_qmp_client_close (VpQmpClient *self)
{
  g_return_if_fail (VP_IS_QMP_CLIENT (self));

  vp_qmp_channel_close (self->channel);
}

gboolean
vp_qmp_client_is_closed (VpQmpClient *self)
{
  g_return_val_if_fail (VP_IS_QMP_CLIENT (self), TRUE);

  return self->closed;
}

guint
vp_qmp_client_get_n_late (VpQmpClient *self)
{
  g_return_val_if_fail (VP_IS_QMP_CLIENT (self), 0);

  return self->n_late;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **slot = user_data;

  *slot = g_object_ref (result);
}

static void
wait_for (VpQmpClient *self, GAsyncResult **slot)
{
  while (*slot == NULL)
    g_main_context_iteration (self->context, TRUE);
}

JsonNode *
vp_qmp_client_execute (VpQmpClient *self,
                       const char *command,
                       JsonObject *arguments,
                       GUnixFDList *fds,
                       guint timeout_ms,
                       GError **error)
{
  g_autoptr (JsonObject) owned_arguments = arguments;
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (VP_IS_QMP_CLIENT (self), NULL);
  g_return_val_if_fail (!self->in_message, NULL);

  vp_qmp_client_execute_async (self, command, g_steal_pointer (&owned_arguments), fds, timeout_ms,
                               NULL, on_result, &result);
  wait_for (self, &result);
  return vp_qmp_client_execute_finish (self, result, error);
}

JsonObject *
vp_qmp_client_handshake (VpQmpClient *self, guint timeout_ms, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (VP_IS_QMP_CLIENT (self), NULL);
  g_return_val_if_fail (!self->in_message, NULL);

  vp_qmp_client_handshake_async (self, timeout_ms, NULL, on_result, &result);
  wait_for (self, &result);
  return vp_qmp_client_handshake_finish (self, result, error);
}

static void
vp_qmp_client_dispose (GObject *object)
{
  VpQmpClient *self = VP_QMP_CLIENT (object);

  if (self->channel != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->channel, self);
      vp_qmp_channel_close (self->channel);
    }
  g_clear_object (&self->channel);

  G_OBJECT_CLASS (vp_qmp_client_parent_class)->dispose (object);
}

static void
vp_qmp_client_finalize (GObject *object)
{
  VpQmpClient *self = VP_QMP_CLIENT (object);

  g_clear_pointer (&self->pending, vp_pending_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->greeting, json_object_unref);
  g_clear_error (&self->reason);

  G_OBJECT_CLASS (vp_qmp_client_parent_class)->finalize (object);
}

static void
vp_qmp_client_class_init (VpQmpClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = vp_qmp_client_dispose;
  object_class->finalize = vp_qmp_client_finalize;

  signals[SIGNAL_EVENT] = g_signal_new (
      "event", VP_TYPE_QMP_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
      G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, JSON_TYPE_OBJECT | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_CLOSED] =
      g_signal_new ("closed", VP_TYPE_QMP_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
vp_qmp_client_init (VpQmpClient *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->pending = vp_pending_new ();
}

VpQmpClient *
vp_qmp_client_new (GSocket *socket)
{
  VpQmpClient *self;

  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);

  self = g_object_new (VP_TYPE_QMP_CLIENT, NULL);
  self->channel = vp_qmp_channel_new (socket, MAX_LINE, MAX_UNSENT);
  g_signal_connect_object (self->channel, "message", G_CALLBACK (on_message), self, 0);
  g_signal_connect_object (self->channel, "closed", G_CALLBACK (on_channel_closed), self, 0);
  return self;
}
