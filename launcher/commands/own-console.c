#include "launcher/commands/own-console.h"

#include "launcher/commands/raw-terminal.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/fd-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define ESCAPE_KEY 0x1d /* Ctrl-] */

/* What a pipe that poll() calls writable takes without blocking: PIPE_BUF. */
#define PIECE_BYTES 4096

#define PATIENCE_MS 1000

struct _VpOwnConsole
{
  VpMachine *machine;      /* nullable: no keys yet */
  VpRawTerminal *terminal; /* nullable: stdin is none */
  GSource *keys;           /* nullable */
  int terminal_fd;         /* the same, opened anew not to block; -1: it is no terminal */
  int fd;                  /* where to print */
  gboolean closed;         /* nobody reads there */
  gboolean stuck;          /* it took nothing the last time */
};

VpOwnConsole *
vp_own_console_new (int fd)
{
  VpOwnConsole *self = g_new0 (VpOwnConsole, 1);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

  /* A terminal takes less than a piece when poll() calls it writable, and blocks for the rest. The
   * flag is on an open file of our own: the one we were given is our shell's, too. */
  self->fd = fd;
  self->terminal_fd = isatty (fd) ? open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
  return self;
}

void
vp_own_console_free (VpOwnConsole *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->keys);
  g_clear_pointer (&self->terminal, vp_raw_terminal_free);
  vp_autofd_close (&self->terminal_fd);
  g_free (self);
}

static gboolean
on_keys (int fd, GIOCondition condition, gpointer user_data)
{
  VpOwnConsole *self = user_data;
  guint8 buffer[PIECE_BYTES];
  ssize_t n = read (fd, buffer, sizeof buffer);
  const guint8 *escape;

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      vp_fd_watch_clear (&self->keys);
      return G_SOURCE_REMOVE;
    }

  escape = self->terminal != NULL ? memchr (buffer, ESCAPE_KEY, (gsize) n) : NULL;
  vp_machine_console_write (self->machine, buffer,
                            escape != NULL ? (gsize) (escape - buffer) : (gsize) n);
  if (escape != NULL)
    vp_machine_stop (self->machine, FALSE);
  return G_SOURCE_CONTINUE;
}

void
vp_own_console_take_keys (VpOwnConsole *self, VpMachine *machine)
{
  self->machine = machine;
  /* A terminal that cannot be made raw still shows the guest, and types to it line by line. */
  if (isatty (STDIN_FILENO))
    self->terminal = vp_raw_terminal_new (STDIN_FILENO, NULL);
  self->keys = vp_fd_watch_new (STDIN_FILENO, G_IO_IN, on_keys, self);
}

static gboolean
is_writable (VpOwnConsole *self, int fd, gint64 deadline_us)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
  gint64 left_us = deadline_us - g_get_monotonic_time ();

  self->stuck = poll (&poll_fd, 1, (int) (MAX (left_us, 0) / G_TIME_SPAN_MILLISECOND)) != 1;
  return !self->stuck;
}

void
vp_own_console_print (VpOwnConsole *self, GBytes *output)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (output, &size);
  int fd = self->terminal_fd >= 0 ? self->terminal_fd : self->fd;
  gint64 patience_us = self->stuck ? 0 : PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  gint64 deadline_us = g_get_monotonic_time () + patience_us;

  while (size > 0 && !self->closed && is_writable (self, fd, deadline_us))
    {
      ssize_t n = write (fd, data, MIN (size, PIECE_BYTES));

      if (n < 0 && errno != EINTR && errno != EAGAIN)
        self->closed = TRUE;
      if (n > 0)
        {
          data += n;
          size -= (gsize) n;
        }
    }
}
