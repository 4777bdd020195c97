#include "launcher/vm/console.h"

#include "launcher/vm/autofd.h"
#include "launcher/vm/capped-log.h"
#include "launcher/vm/console-client.h"
#include "launcher/vm/fd-watch.h"

#include <errno.h>
#include <sys/socket.h>

#define LOG_LIMIT       (64u * 1024u * 1024u)
#define MAX_TYPED       (64u * 1024u)
#define MAX_CLIENTS     32u
#define ACCEPT_PAUSE_MS 1000

/* One read per turn of the main loop: a guest that prints for ever cannot starve the other sources.
 */
#define READ_BYTES (64u * 1024u)

/* More than the socket buffer of a guest that is gone can hold, and still an end. */
#define LAST_READS 64

struct _VpConsole
{
  GObject parent_instance;

  int guest_fd;
  int listen_fd;
  GSource *guest_in;
  GSource *guest_out; /* only while something typed is unsent */
  GSource *listener;
  GSource *pause; /* instead of the listener, while there are no descriptors for more clients */
  VpCappedLog *log;
  GByteArray *backlog; /* at most twice what is shown, so that it is seldom cut */
  GByteArray *typed;
  GPtrArray *clients; /* (element-type VpConsoleClient) */
  guint8 *buffer;
  gboolean closed;
};

G_DEFINE_FINAL_TYPE (VpConsole, vp_console, G_TYPE_OBJECT)

enum
{
  SIGNAL_OUTPUT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
keep_in_backlog (VpConsole *self, gsize size)
{
  g_byte_array_append (self->backlog, self->buffer, (guint) size);
  if (self->backlog->len > 2 * VP_CONSOLE_BACKLOG)
    g_byte_array_remove_range (self->backlog, 0, self->backlog->len - VP_CONSOLE_BACKLOG);
}

/* Hands on one piece of what the guest prints. Returns whether there may be more: FALSE with
   @ended set when there never will be. */
static gboolean
take_output (VpConsole *self, gboolean *ended)
{
  g_autoptr (GBytes) bytes = NULL;
  ssize_t n = recv (self->guest_fd, self->buffer, READ_BYTES, MSG_DONTWAIT);

  *ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  if (n <= 0)
    return n < 0 && errno == EINTR;

  vp_capped_log_append (self->log, self->buffer, (gsize) n);
  keep_in_backlog (self, (gsize) n);
  for (guint i = 0; i < self->clients->len; i++)
    vp_console_client_show (self->clients->pdata[i], self->buffer, (gsize) n);

  bytes = g_bytes_new (self->buffer, (gsize) n);
  g_signal_emit (self, signals[SIGNAL_OUTPUT], 0, bytes);
  return TRUE;
}

static gboolean
on_guest_output (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VpConsole) self = g_object_ref (VP_CONSOLE (user_data));
  gboolean ended;

  take_output (self, &ended);
  if (!ended)
    return G_SOURCE_CONTINUE;

  vp_fd_watch_clear (&self->guest_in);
  return G_SOURCE_REMOVE;
}

static gboolean
on_guest_writable (int fd, GIOCondition condition, gpointer user_data)
{
  VpConsole *self = user_data;
  ssize_t n =
      send (self->guest_fd, self->typed->data, self->typed->len, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;

  /* a guest that is gone reads nothing any more: its end is seen by the reading side */
  g_byte_array_remove_range (self->typed, 0, n < 0 ? self->typed->len : (guint) n);
  for (guint i = 0; i < self->clients->len; i++)
    vp_console_client_resume (self->clients->pdata[i]);
  if (self->typed->len > 0)
    return G_SOURCE_CONTINUE;

  vp_fd_watch_clear (&self->guest_out);
  return G_SOURCE_REMOVE;
}

void
vp_console_write (VpConsole *self, const guint8 *data, gsize size)
{
  g_return_if_fail (VP_IS_CONSOLE (self));

  if (self->closed)
    return;

  g_byte_array_append (self->typed, data, (guint) MIN (size, MAX_TYPED - self->typed->len));
  if (self->guest_out == NULL && self->typed->len > 0)
    self->guest_out = vp_fd_watch_new (self->guest_fd, G_IO_OUT, on_guest_writable, self);
}

static gsize
room_for_typing (gpointer user_data)
{
  return MAX_TYPED - VP_CONSOLE (user_data)->typed->len;
}

static void
on_client_typed (VpConsoleClient *client, const guint8 *data, gsize size, gpointer user_data)
{
  vp_console_write (VP_CONSOLE (user_data), data, size);
}

static void
on_client_gone (VpConsoleClient *client, gpointer user_data)
{
  g_ptr_array_remove (VP_CONSOLE (user_data)->clients, client);
}

/* Who types on a console may be root in the guest. */
static gboolean
is_allowed (int fd)
{
  struct ucred peer;
  socklen_t size = sizeof peer;

  return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == geteuid ());
}

static void
welcome (VpConsole *self, int client_fd)
{
  static const VpConsoleClientFuncs funcs = { room_for_typing, on_client_typed, on_client_gone };
  vp_autofd int fd = client_fd;
  gsize shown = MIN (self->backlog->len, VP_CONSOLE_BACKLOG);
  VpConsoleClient *client;

  if (!is_allowed (fd) || self->clients->len == MAX_CLIENTS)
    return;

  client = vp_console_client_new (g_steal_fd (&fd), &funcs, self);
  g_ptr_array_add (self->clients, client);
  if (shown > 0)
    vp_console_client_show (client, self->backlog->data + self->backlog->len - shown, shown);
}

static gboolean on_knock (int fd, GIOCondition condition, gpointer user_data);

static gboolean
on_pause_over (gpointer user_data)
{
  VpConsole *self = user_data;

  vp_fd_watch_clear (&self->pause);
  self->listener = vp_fd_watch_new (self->listen_fd, G_IO_IN, on_knock, self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_knock (int fd, GIOCondition condition, gpointer user_data)
{
  VpConsole *self = user_data;
  int client_fd = accept4 (fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

  if (client_fd >= 0)
    {
      welcome (self, client_fd);
      return G_SOURCE_CONTINUE;
    }
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
    return G_SOURCE_CONTINUE;

  /* no descriptors (EMFILE, ENFILE) or memory: whoever knocks still knocks, and polling for it
     would spin */
  vp_fd_watch_clear (&self->listener);
  self->pause = g_timeout_source_new (ACCEPT_PAUSE_MS);
  g_source_set_callback (self->pause, on_pause_over, self, NULL);
  g_source_attach (self->pause, g_main_context_get_thread_default ());
  return G_SOURCE_REMOVE;
}

void
vp_console_close (VpConsole *self)
{
  g_autoptr (VpConsole) alive = NULL;
  gboolean ended = FALSE;

  g_return_if_fail (VP_IS_CONSOLE (self));

  if (self->closed)
    return;

  alive = g_object_ref (self);
  self->closed = TRUE;
  vp_fd_watch_clear (&self->guest_out);
  vp_fd_watch_clear (&self->listener);
  vp_fd_watch_clear (&self->pause);
  if (self->guest_in != NULL)
    for (guint i = 0; i < LAST_READS && !ended; i++)
      if (!take_output (self, &ended))
        break;
  vp_fd_watch_clear (&self->guest_in);

  g_ptr_array_set_size (self->clients, 0);
  vp_autofd_close (&self->guest_fd);
  vp_autofd_close (&self->listen_fd);
  self->guest_fd = self->listen_fd = -1;
}

static void
vp_console_finalize (GObject *object)
{
  VpConsole *self = VP_CONSOLE (object);

  vp_fd_watch_clear (&self->guest_in);
  vp_fd_watch_clear (&self->guest_out);
  vp_fd_watch_clear (&self->listener);
  vp_fd_watch_clear (&self->pause);
  g_ptr_array_unref (self->clients);
  vp_autofd_close (&self->guest_fd);
  vp_autofd_close (&self->listen_fd);
  vp_capped_log_free (self->log);
  g_byte_array_unref (self->backlog);
  g_byte_array_unref (self->typed);
  g_free (self->buffer);

  G_OBJECT_CLASS (vp_console_parent_class)->finalize (object);
}

static void
vp_console_class_init (VpConsoleClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_console_finalize;

  signals[SIGNAL_OUTPUT] = g_signal_new ("output", VP_TYPE_CONSOLE, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BYTES);
}

static void
vp_console_init (VpConsole *self)
{
  self->guest_fd = self->listen_fd = -1;
  self->backlog = g_byte_array_new ();
  self->typed = g_byte_array_new ();
  self->clients = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_console_client_free);
  self->buffer = g_malloc (READ_BYTES);
}

VpConsole *
vp_console_new (int guest_fd, int listen_fd, int log_fd)
{
  VpConsole *self = g_object_new (VP_TYPE_CONSOLE, NULL);

  self->guest_fd = guest_fd;
  self->listen_fd = listen_fd;
  self->log = vp_capped_log_new (log_fd, LOG_LIMIT);
  self->guest_in = vp_fd_watch_new (guest_fd, G_IO_IN, on_guest_output, self);
  self->listener = vp_fd_watch_new (listen_fd, G_IO_IN, on_knock, self);
  return self;
}
