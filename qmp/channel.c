#include "qmp/channel.h"

#include "qmp/error.h"
#include "qmp/framer.h"
#include "qmp/message.h"

#include <gio/gunixfdmessage.h>
#include <string.h>

/* One read per turn of the main loop: a peer that floods us cannot starve the other sources. */
#define READ_BYTES (64u * 1024u)

/* More than a socket buffer holds, and still an end. */
#define LAST_READS 64

typedef struct
{
  char *line;
  gsize len;
  gsize sent;
  GUnixFDList *fds; /* until the first byte is sent */
} Outgoing;

struct _VpQmpChannel
{
  GObject parent_instance;

  GSocket *socket;
  GMainContext *context;
  VpFramer *framer;
  guint8 *buffer;
  GSource *readable; /* until closed */
  GSource *writable; /* while something is unsent */
  GSource *failing;  /* from a failed send until closed */
  GError *failure;
  GQueue unsent; /* (element-type Outgoing) */
  gsize unsent_bytes;
  gsize max_unsent;
  gboolean closed;
};

G_DEFINE_FINAL_TYPE (VpQmpChannel, vp_qmp_channel, G_TYPE_OBJECT)

enum
{
  SIGNAL_MESSAGE,
  SIGNAL_MALFORMED,
  SIGNAL_CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
outgoing_free (gpointer data)
{
  Outgoing *self = data;

  g_free (self->line);
  g_clear_object (&self->fds);
  g_free (self);
}

static void
drop_unsent (VpQmpChannel *self)
{
  g_queue_clear_full (&self->unsent, outgoing_free);
  self->unsent_bytes = 0;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* @reason: (transfer full) */
static void
shut (VpQmpChannel *self, GError *reason)
{
  g_autoptr (GError) owned = reason;

  if (self->closed)
    return;

  g_object_ref (self); /* the sources hold the last references */
  self->closed = TRUE;
  clear_source (&self->readable);
  clear_source (&self->writable);
  clear_source (&self->failing);
  drop_unsent (self);
  g_socket_close (self->socket, NULL);
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0, owned);
  g_object_unref (self);
}

/* @source: (transfer full). It keeps the channel alive. */
static GSource *
attach (VpQmpChannel *self, GSource *source, GSourceFunc callback)
{
  g_source_set_callback (source, callback, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
  return source;
}

static void
deliver (VpQmpChannel *self, const char *line)
{
  g_autoptr (JsonObject) message = NULL;
  g_autoptr (GError) fault = NULL;
  gboolean go_on = FALSE;

  if (line[strspn (line, " \t\r")] == '\0')
    return;

  message = vp_qmp_message_parse (line, &fault);
  if (message != NULL)
    {
      g_signal_emit (self, signals[SIGNAL_MESSAGE], 0, message);
      return;
    }

  g_signal_emit (self, signals[SIGNAL_MALFORMED], 0, fault, &go_on);
  if (!go_on)
    shut (self, g_steal_pointer (&fault));
}

/* Returns: whether there may be more to read */
static gboolean
read_once (VpQmpChannel *self)
{
  g_autoptr (GError) error = NULL;
  gboolean pushed;
  gssize n = g_socket_receive_with_blocking (self->socket, (char *) self->buffer, READ_BYTES, FALSE,
                                             NULL, &error);

  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return FALSE;
  if (n == 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    shut (self, g_error_new_literal (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED, "the peer hung up"));
  else if (n < 0)
    shut (self, g_error_new (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED, "cannot receive: %s",
                             error->message));
  if (n <= 0)
    return FALSE;

  pushed = vp_framer_push (self->framer, self->buffer, (gsize) n, &error);
  while (!self->closed)
    {
      g_autofree char *line = vp_framer_pop (self->framer);

      if (line == NULL)
        break;
      deliver (self, line);
    }
  if (!pushed)
    shut (self, g_steal_pointer (&error));

  return !self->closed;
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VpQmpChannel) self = g_object_ref (VP_QMP_CHANNEL (user_data));

  read_once (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_failing (gpointer user_data)
{
  g_autoptr (VpQmpChannel) self = g_object_ref (VP_QMP_CHANNEL (user_data));

  /* a peer that ends writes its last reply and SHUTDOWN before it stops reading */
  for (int i = 0; i < LAST_READS && read_once (self); i++)
    ;
  shut (self, g_steal_pointer (&self->failure));
  return G_SOURCE_REMOVE;
}

/* Closes from the main loop, not here: who sends does not expect to be called back.
 * @failure: (transfer full) */
static void
fail (VpQmpChannel *self, GError *failure)
{
  drop_unsent (self);
  clear_source (&self->writable);
  self->failure = failure;
  self->failing = g_idle_source_new ();
  g_source_set_priority (self->failing, G_PRIORITY_DEFAULT);
  attach (self, self->failing, on_failing);
}

static gssize
send_some (VpQmpChannel *self, Outgoing *outgoing, GError **error)
{
  GOutputVector vector = { outgoing->line + outgoing->sent, outgoing->len - outgoing->sent };
  g_autoptr (GSocketControlMessage) rights = NULL;

  if (outgoing->fds == NULL)
    return g_socket_send_with_blocking (self->socket, vector.buffer, vector.size, FALSE, NULL,
                                        error);

  rights = g_unix_fd_message_new_with_fd_list (outgoing->fds);
  return g_socket_send_message (self->socket, NULL, &vector, 1, &rights, 1, 0, NULL, error);
}

/* Sends until all is sent or the socket is full. */
static gboolean
flush (VpQmpChannel *self, GError **error)
{
  Outgoing *head;

  while ((head = g_queue_peek_head (&self->unsent)) != NULL)
    {
      g_autoptr (GError) local = NULL;
      gssize n = send_some (self, head, &local);

      if (n < 0 && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return TRUE;
      if (n < 0)
        {
          g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED, "cannot send: %s",
                       local->message);
          return FALSE;
        }

      g_clear_object (&head->fds);
      head->sent += (gsize) n;
      self->unsent_bytes -= (gsize) n;
      if (head->sent == head->len)
        outgoing_free (g_queue_pop_head (&self->unsent));
    }
  return TRUE;
}

static gboolean
on_writable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VpQmpChannel) self = g_object_ref (VP_QMP_CHANNEL (user_data));
  GError *failure = NULL;

  if (!flush (self, &failure))
    fail (self, failure);
  else if (self->unsent_bytes == 0)
    clear_source (&self->writable);
  return G_SOURCE_CONTINUE;
}

void
vp_qmp_channel_send_line (VpQmpChannel *self, char *line, GUnixFDList *fds)
{
  g_autofree char *owned = line;
  Outgoing *outgoing;
  GError *failure = NULL;

  g_return_if_fail (VP_IS_QMP_CHANNEL (self));
  g_return_if_fail (line != NULL);
  g_return_if_fail (fds == NULL || g_unix_fd_list_get_length (fds) <= VP_QMP_MAX_FDS);

  if (self->closed || self->failure != NULL)
    return;

  outgoing = g_new0 (Outgoing, 1);
  outgoing->len = strlen (line);
  outgoing->line = g_steal_pointer (&owned);
  if (fds != NULL && g_unix_fd_list_get_length (fds) > 0)
    outgoing->fds = g_object_ref (fds);
  g_queue_push_tail (&self->unsent, outgoing);
  self->unsent_bytes += outgoing->len;

  if (self->writable == NULL && !flush (self, &failure))
    fail (self, failure);
  else if (self->unsent_bytes > self->max_unsent)
    fail (self, g_error_new (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED,
                             "the peer does not read: %" G_GSIZE_FORMAT " bytes unsent",
                             self->unsent_bytes));
  else if (self->writable == NULL && self->unsent_bytes > 0)
    self->writable = attach (self, g_socket_create_source (self->socket, G_IO_OUT, NULL),
                             G_SOURCE_FUNC (on_writable));
}

void
vp_qmp_channel_send (VpQmpChannel *self, JsonObject *message, GUnixFDList *fds)
{
  g_return_if_fail (VP_IS_QMP_CHANNEL (self));
  g_return_if_fail (message != NULL);

  if (!self->closed)
    vp_qmp_channel_send_line (self, vp_qmp_message_to_line (message), fds);
}

void
vp_qmp_channel_close (VpQmpChannel *self)
{
  g_return_if_fail (VP_IS_QMP_CHANNEL (self));

  if (self->closed)
    return;

  flush (self, NULL);
  shut (self, g_error_new_literal (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED, "closed on our side"));
}

gboolean
vp_qmp_channel_is_closed (VpQmpChannel *self)
{
  g_return_val_if_fail (VP_IS_QMP_CHANNEL (self), TRUE);

  return self->closed;
}

static void
vp_qmp_channel_finalize (GObject *object)
{
  VpQmpChannel *self = VP_QMP_CHANNEL (object);

  g_clear_object (&self->socket);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->framer, vp_framer_free);
  g_clear_pointer (&self->buffer, g_free);
  g_clear_error (&self->failure);

  G_OBJECT_CLASS (vp_qmp_channel_parent_class)->finalize (object);
}

static void
vp_qmp_channel_class_init (VpQmpChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_qmp_channel_finalize;

  signals[SIGNAL_MESSAGE] =
      g_signal_new ("message", VP_TYPE_QMP_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, JSON_TYPE_OBJECT | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_MALFORMED] = g_signal_new (
      "malformed", VP_TYPE_QMP_CHANNEL, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled,
      NULL, NULL, G_TYPE_BOOLEAN, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_CLOSED] =
      g_signal_new ("closed", VP_TYPE_QMP_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
vp_qmp_channel_init (VpQmpChannel *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->buffer = g_malloc (READ_BYTES);
  g_queue_init (&self->unsent);
}

VpQmpChannel *
vp_qmp_channel_new (GSocket *socket, gsize max_line, gsize max_unsent)
{
  VpQmpChannel *self;

  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);

  self = g_object_new (VP_TYPE_QMP_CHANNEL, NULL);
  self->socket = g_object_ref (socket);
  self->framer = vp_framer_new (max_line);
  self->max_unsent = max_unsent;
  g_socket_set_blocking (socket, FALSE);
  self->readable =
      attach (self, g_socket_create_source (socket, G_IO_IN, NULL), G_SOURCE_FUNC (on_readable));
  return self;
}
