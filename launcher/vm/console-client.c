#include "launcher/vm/console-client.h"

#include "launcher/vm/autofd.h"
#include "launcher/vm/fd-watch.h"

#include <errno.h>
#include <sys/socket.h>

struct _VpConsoleClient
{
  int fd;
  const VpConsoleClientFuncs *funcs;
  gpointer user_data;

  GSource *in;  /* typing; NULL while there is no room for it */
  GSource *out; /* only while something is unsent */
  GByteArray *unsent;
  guint64 lost; /* bytes that were not queued since the last notice */
};

static gboolean on_typing (int fd, GIOCondition condition, gpointer user_data);

static gboolean
is_transient (int err)
{
  return err == EAGAIN || err == EINTR;
}

/* The last thing that happens in any of the callbacks below: it may free the client. */
static gboolean
hang_up (VpConsoleClient *self)
{
  vp_fd_watch_clear (&self->in);
  vp_fd_watch_clear (&self->out);
  self->funcs->gone (self, self->user_data);
  return G_SOURCE_REMOVE;
}

/* Returns FALSE when the peer is gone. */
static gboolean
send_unsent (VpConsoleClient *self)
{
  ssize_t n;

  if (self->unsent->len == 0)
    return TRUE;

  n = send (self->fd, self->unsent->data, self->unsent->len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0)
    return is_transient (errno);

  g_byte_array_remove_range (self->unsent, 0, (guint) n);
  if (self->unsent->len == 0)
    {
      /* a queue that was long once gives its memory back */
      g_byte_array_unref (self->unsent);
      self->unsent = g_byte_array_new ();
    }
  return TRUE;
}

static void
note_lost (VpConsoleClient *self)
{
  g_autofree char *notice = NULL;

  if (self->lost == 0)
    return;

  notice = g_strdup_printf ("\r\n[vmplug: %" G_GUINT64_FORMAT " bytes lost: read too slowly]\r\n",
                            self->lost);
  g_byte_array_append (self->unsent, (const guint8 *) notice, (guint) strlen (notice));
  self->lost = 0;
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer user_data)
{
  VpConsoleClient *self = user_data;

  if (!send_unsent (self))
    return hang_up (self);

  /* told only after the whole queue is out, or a client that is a little too slow reads notices */
  if (self->unsent->len == 0)
    note_lost (self);
  if (self->unsent->len > 0)
    return G_SOURCE_CONTINUE;

  vp_fd_watch_clear (&self->out);
  return G_SOURCE_REMOVE;
}

void
vp_console_client_show (VpConsoleClient *self, const guint8 *data, gsize size)
{
  if (self->lost > 0 || self->unsent->len + size > VP_CONSOLE_CLIENT_UNSENT)
    {
      self->lost += size;
      return;
    }

  g_byte_array_append (self->unsent, data, (guint) size);

  /* a peer that is gone is not reported from here, its caller walks over the clients: the watch
     does it */
  if (self->out == NULL && (!send_unsent (self) || self->unsent->len > 0))
    self->out = vp_fd_watch_new (self->fd, G_IO_OUT, on_writable, self);
}

static gboolean
on_half_closed (int fd, GIOCondition condition, gpointer user_data)
{
  return hang_up (user_data);
}

static gboolean
on_typing (int fd, GIOCondition condition, gpointer user_data)
{
  VpConsoleClient *self = user_data;
  guint8 buffer[4096];
  gsize room = MIN (sizeof buffer, self->funcs->room (self->user_data));
  ssize_t n;

  if (room == 0)
    {
      vp_fd_watch_clear (&self->in);
      return G_SOURCE_REMOVE;
    }

  n = recv (self->fd, buffer, room, MSG_DONTWAIT);
  if (n > 0)
    self->funcs->typed (self, buffer, (gsize) n, self->user_data);
  if (n > 0 || (n < 0 && is_transient (errno)))
    return G_SOURCE_CONTINUE;

  if (n < 0 || (condition & (G_IO_HUP | G_IO_ERR)) != 0)
    return hang_up (self);

  /* it has typed all it wants, as a script at its end, and still reads */
  vp_fd_watch_clear (&self->in);
  self->in = vp_fd_watch_new (self->fd, G_IO_HUP, on_half_closed, self);
  return G_SOURCE_REMOVE;
}

void
vp_console_client_resume (VpConsoleClient *self)
{
  if (self->in == NULL)
    self->in = vp_fd_watch_new (self->fd, G_IO_IN, on_typing, self);
}

VpConsoleClient *
vp_console_client_new (int fd, const VpConsoleClientFuncs *funcs, gpointer user_data)
{
  VpConsoleClient *self = g_new0 (VpConsoleClient, 1);

  self->fd = fd;
  self->funcs = funcs;
  self->user_data = user_data;
  self->unsent = g_byte_array_new ();
  vp_console_client_resume (self);
  return self;
}

void
vp_console_client_free (VpConsoleClient *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->in);
  vp_fd_watch_clear (&self->out);
  send_unsent (self);
  vp_autofd_close (&self->fd);
  g_byte_array_unref (self->unsent);
  g_free (self);
}
