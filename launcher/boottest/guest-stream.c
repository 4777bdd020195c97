#include "launcher/boottest/guest-stream.h"

#include "launcher/vm/autofd.h"
#include "launcher/vm/fd-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define READ_BYTES (64u * 1024u)

/* What a pipe that poll() calls writable takes without blocking: PIPE_BUF. */
#define PIECE_BYTES 4096u

struct _VpGuestStream
{
  int from;
  int to;
  int terminal_fd; /* @to, opened anew not to block; -1: it is no terminal */
  void (*seen) (const char *data, gsize size, gpointer user_data);
  void (*moved) (gpointer user_data);
  gpointer user_data;
  GSource *in;  /* nullable: something still waits, or no more will come */
  GSource *out; /* nullable: nothing waits */
  guint8 *buffer;
  gsize size, sent;
  guint64 n_moved;
  gboolean is_closed; /* nobody reads @to */
};

static void watch (VpGuestStream *self);

static gboolean
is_writable (VpGuestStream *self, int timeout_ms)
{
  struct pollfd fd = { .fd = self->to, .events = POLLOUT };

  return self->is_closed || poll (&fd, 1, timeout_ms) == 1;
}

/* Writes of what waits as much as is taken at once, or within @timeout_ms. */
static void
write_some (VpGuestStream *self, int timeout_ms)
{
  while (self->sent < self->size && is_writable (self, timeout_ms))
    {
      gsize left = self->size - self->sent;
      ssize_t n = self->is_closed ? (ssize_t) left
                                  : write (self->terminal_fd >= 0 ? self->terminal_fd : self->to,
                                           self->buffer + self->sent, MIN (left, PIECE_BYTES));

      if (n < 0 && errno == EAGAIN)
        return;
      if (n < 0 && errno != EINTR)
        self->is_closed = TRUE;
      if (n > 0)
        {
          self->sent += (gsize) n;
          self->n_moved += (guint64) n;
        }
    }
}

/* Returns whether something came. @ended: whether nothing will any more */
static gboolean
read_some (VpGuestStream *self, gboolean *ended)
{
  ssize_t n = recv (self->from, self->buffer, READ_BYTES, MSG_DONTWAIT);

  *ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  self->sent = 0;
  self->size = n > 0 ? (gsize) n : 0;
  if (n > 0)
    self->seen ((const char *) self->buffer, self->size, self->user_data);
  return n > 0;
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer user_data)
{
  VpGuestStream *self = user_data;
  gboolean ended;

  if (read_some (self, &ended))
    write_some (self, 0);
  if (ended)
    vp_fd_watch_clear (&self->in);
  else
    watch (self);
  self->moved (self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer user_data)
{
  VpGuestStream *self = user_data;

  write_some (self, 0);
  watch (self);
  self->moved (self->user_data);
  return G_SOURCE_CONTINUE;
}

/* Waits for the next piece, or for whoever is to take the rest of the last one. */
static void
watch (VpGuestStream *self)
{
  gboolean waits = self->sent < self->size;

  if (waits)
    vp_fd_watch_clear (&self->in);
  else
    vp_fd_watch_clear (&self->out);
  if (waits && self->out == NULL)
    self->out = vp_fd_watch_new (self->to, G_IO_OUT, on_writable, self);
  if (!waits && self->in == NULL)
    self->in = vp_fd_watch_new (self->from, G_IO_IN, on_input, self);
}

VpGuestStream *
vp_guest_stream_new (int from,
                     int to,
                     void (*seen) (const char *data, gsize size, gpointer user_data),
                     void (*moved) (gpointer user_data),
                     gpointer user_data)
{
  VpGuestStream *self = g_new0 (VpGuestStream, 1);

  self->from = from;
  self->to = to;
  self->seen = seen;
  self->moved = moved;
  self->user_data = user_data;
  self->buffer = g_malloc (READ_BYTES);
  self->terminal_fd = -1;
  /* A terminal takes less than a piece when poll() calls it writable, and blocks for the rest. */
  if (isatty (to))
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", to);

      self->terminal_fd = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
  watch (self);
  return self;
}

void
vp_guest_stream_free (VpGuestStream *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->in);
  vp_fd_watch_clear (&self->out);
  vp_autofd_close (&self->from);
  vp_autofd_close (&self->terminal_fd);
  g_free (self->buffer);
  g_free (self);
}

guint64
vp_guest_stream_get_moved (const VpGuestStream *self)
{
  return self->n_moved;
}

void
vp_guest_stream_flush (VpGuestStream *self, guint timeout_ms)
{
  gboolean ended = FALSE;

  do
    write_some (self, (int) timeout_ms);
  while (self->sent == self->size && read_some (self, &ended));
}
