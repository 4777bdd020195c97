#include "launcher/wrapper/relay.h"

#include "launcher/wrapper/fd-stream.h"
#include "launcher/wrapper/take-over-session.h"

#define READ_BYTES (64u * 1024u)

struct _VpRelay
{
  VpFdStream *client;
  VpFdStream *qemu;
  VpTakeOverSession *session;
  VpRelayEnded ended;
  gpointer user_data;
  GSource *timer; /* (nullable): runs after a while, or at once after the VM's answer */
  guint8 *buffer;
  gboolean is_client_over; /* the session knows that it says nothing more */
  gboolean is_qemu_told;   /* so does QEMU */
  gboolean is_over;
};

static void
drop_timer (VpRelay *self)
{
  if (self->timer == NULL)
    return;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static gboolean on_timer (gpointer user_data);

/* @when: of the monotonic clock; 0: at once */
static void
set_timer (VpRelay *self, gint64 when)
{
  if (self->timer == NULL)
    {
      self->timer = g_timeout_source_new (0);
      g_source_set_priority (self->timer, G_PRIORITY_DEFAULT);
      g_source_set_callback (self->timer, on_timer, self, NULL);
      g_source_attach (self->timer, g_main_context_get_thread_default ());
    }
  g_source_set_ready_time (self->timer, when);
}

static void
on_wake (gpointer user_data)
{
  set_timer (user_data, 0);
}

/* The session's output goes to the streams, which may take all of it at once. Returns: whether
 * there is room for more. */
static gboolean
send_output (VpRelay *self)
{
  GString *output = vp_take_over_session_get_client_output (self->session);
  VpTakeOverBytes *bytes;

  while (vp_fd_stream_get_unsent (self->qemu) < VP_TAKE_OVER_MAX_UNSENT &&
         (bytes = vp_take_over_session_pop_qemu_output (self->session)) != NULL)
    {
      vp_fd_stream_write (self->qemu, g_steal_pointer (&bytes->bytes), bytes->fds);
      bytes->bytes = g_string_new (NULL);
      vp_take_over_bytes_free (bytes);
    }
  if (output->len > 0 && vp_fd_stream_get_unsent (self->client) < VP_TAKE_OVER_MAX_UNSENT)
    {
      vp_fd_stream_write (self->client, g_string_new_len (output->str, (gssize) output->len), NULL);
      g_string_truncate (output, 0);
    }
  return output->len < VP_TAKE_OVER_MAX_UNSENT;
}

/* What the client said last reaches QEMU before the end does, and its answers reach the client
 * before it is hung up on. */
static void
end_client (VpRelay *self)
{
  if (vp_fd_stream_is_at_end (self->client) && !self->is_client_over)
    {
      self->is_client_over = TRUE;
      vp_take_over_session_end_client (self->session);
      send_output (self);
    }
  if (!self->is_qemu_told &&
      (vp_fd_stream_is_deaf (self->client) ||
       (self->is_client_over && vp_take_over_session_is_settled (self->session))))
    {
      self->is_qemu_told = TRUE;
      vp_fd_stream_shutdown (self->qemu);
    }
}

/* QEMU has hung up. Its last words are still delivered to a client that reads. */
static gboolean
is_over (const VpRelay *self)
{
  return vp_fd_stream_is_at_end (self->qemu) &&
         vp_take_over_session_get_client_output (self->session)->len == 0 &&
         (vp_fd_stream_is_deaf (self->client) || vp_fd_stream_get_unsent (self->client) == 0);
}

static void
advance (VpRelay *self)
{
  gint64 when =
      vp_take_over_session_tick (self->session, g_get_monotonic_time (), g_get_real_time ());
  gboolean has_room = send_output (self);

  end_client (self);
  if (is_over (self))
    {
      if (!self->is_over)
        {
          self->is_over = TRUE;
          self->ended (self, self->user_data);
        }
      return;
    }

  if (when >= 0)
    set_timer (self, when);
  vp_fd_stream_want_read (self->client,
                          vp_take_over_session_wants_client (self->session) &&
                              vp_fd_stream_get_unsent (self->qemu) < VP_TAKE_OVER_MAX_UNSENT);
  vp_fd_stream_want_read (self->qemu, has_room && vp_fd_stream_get_unsent (self->client) <
                                                      VP_TAKE_OVER_MAX_UNSENT);
}

static gboolean
on_timer (gpointer user_data)
{
  VpRelay *self = user_data;

  drop_timer (self);
  advance (self);
  return G_SOURCE_REMOVE;
}

static void
on_client_ready (VpFdStream *stream, gpointer user_data)
{
  VpRelay *self = user_data;

  if (vp_take_over_session_wants_client (self->session))
    {
      g_autoptr (GUnixFDList) fds = NULL;
      gssize n = vp_fd_stream_read (stream, self->buffer, READ_BYTES, &fds);

      if (n > 0)
        vp_take_over_session_push_client (self->session, self->buffer, (gsize) n, fds);
    }
  advance (self);
}

static void
on_qemu_ready (VpFdStream *stream, gpointer user_data)
{
  VpRelay *self = user_data;

  if (vp_fd_stream_get_unsent (self->client) < VP_TAKE_OVER_MAX_UNSENT)
    {
      g_autoptr (GUnixFDList) fds = NULL; /* QEMU sends none */
      gssize n = vp_fd_stream_read (stream, self->buffer, READ_BYTES, &fds);

      if (n > 0)
        vp_take_over_session_push_qemu (self->session, self->buffer, (gsize) n);
      else if (n == 0)
        vp_take_over_session_end_qemu (self->session);
    }
  advance (self);
}

VpRelay *
vp_relay_new (int client,
              int qemu,
              VpTakeOverDevices *devices,
              guint unplug_timeout_ms,
              VpRelayEnded ended,
              gpointer user_data)
{
  VpRelay *self = g_new0 (VpRelay, 1);

  self->client = vp_fd_stream_new (client, on_client_ready, self);
  self->qemu = vp_fd_stream_new (qemu, on_qemu_ready, self);
  self->session = vp_take_over_session_new (devices, unplug_timeout_ms, on_wake, self);
  self->ended = ended;
  self->user_data = user_data;
  self->buffer = g_malloc (READ_BYTES);
  vp_fd_stream_want_read (self->client, TRUE);
  vp_fd_stream_want_read (self->qemu, TRUE);
  return self;
}

void
vp_relay_free (VpRelay *self)
{
  if (self == NULL)
    return;

  drop_timer (self);
  vp_take_over_session_free (self->session);
  vp_fd_stream_free (self->client);
  vp_fd_stream_free (self->qemu);
  g_free (self->buffer);
  g_free (self);
}
