#include "launcher/boottest/event-stream.h"

#include "launcher/error.h"
#include "launcher/vm/fd-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a pipe that poll() calls writable takes without blocking: PIPE_BUF. The flag that would
 * make any write safe belongs to the open file, which is our caller's, too. */
#define PIECE_BYTES 4096

struct _VpEventStream
{
  int fd;
  GByteArray *queue;
  GSource *watch; /* nullable: nothing waits */
  gboolean closed;
};

VpEventStream *
vp_event_stream_new (int fd, GError **error)
{
  VpEventStream *self;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--events fd:%d: cannot be written to: %s", fd,
                   flags < 0 ? g_strerror (errno) : "it is open for reading");
      return NULL;
    }
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  signal (SIGPIPE, SIG_IGN); /* a reader that goes must not end the test */

  self = g_new0 (VpEventStream, 1);
  self->fd = fd;
  self->queue = g_byte_array_new ();
  return self;
}

void
vp_event_stream_free (VpEventStream *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->watch);
  g_byte_array_unref (self->queue);
  g_free (self);
}

static void
hang_up (VpEventStream *self)
{
  self->closed = TRUE;
  g_byte_array_set_size (self->queue, 0);
}

/* Writes what is taken at once, after a wait for the first of it. */
static void
push (VpEventStream *self, int timeout_ms)
{
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLOUT };
  gsize done = 0;

  while (done < self->queue->len && poll (&poll_fd, 1, timeout_ms) == 1)
    {
      ssize_t n =
          write (self->fd, self->queue->data + done, MIN (self->queue->len - done, PIECE_BYTES));

      timeout_ms = 0;
      if (n > 0)
        done += (gsize) n;
      else if (n < 0 && errno != EINTR && errno != EAGAIN)
        {
          hang_up (self);
          return;
        }
    }
  if (done > 0)
    g_byte_array_remove_range (self->queue, 0, (guint) done);
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer user_data)
{
  VpEventStream *self = user_data;

  push (self, 0);
  if (self->queue->len > 0)
    return G_SOURCE_CONTINUE;
  vp_fd_watch_clear (&self->watch);
  return G_SOURCE_REMOVE;
}

void
vp_event_stream_send (VpEventStream *self, JsonObject *event, gboolean may_drop)
{
  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), event);
  g_autofree char *text = json_to_string (root, FALSE);
  gsize size = strlen (text);

  if (self->closed || (may_drop && self->queue->len + size + 1 > VP_EVENT_STREAM_QUEUE))
    return;
  g_byte_array_append (self->queue, (const guint8 *) text, (guint) size);
  g_byte_array_append (self->queue, (const guint8 *) "\n", 1);
  push (self, 0);
  if (self->queue->len > 0 && self->watch == NULL)
    self->watch = vp_fd_watch_new (self->fd, G_IO_OUT, on_writable, self);
}

gboolean
vp_event_stream_flush (VpEventStream *self, guint timeout_ms)
{
  gint64 end_us = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  gint64 left_us;

  while (self->queue->len > 0 && (left_us = end_us - g_get_monotonic_time ()) > 0)
    push (self, (int) (left_us / G_TIME_SPAN_MILLISECOND) + 1);
  return self->queue->len == 0 && !self->closed;
}
