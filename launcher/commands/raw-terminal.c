#include "launcher/commands/raw-terminal.h"

#include "launcher/error.h"

#include <errno.h>
#include <termios.h>

struct _VpRawTerminal
{
  int fd;
  struct termios before;
};

VpRawTerminal *
vp_raw_terminal_new (int fd, GError **error)
{
  g_autofree VpRawTerminal *self = g_new0 (VpRawTerminal, 1);
  struct termios raw;

  self->fd = fd;
  if (tcgetattr (fd, &self->before) == 0)
    {
      raw = self->before;
      cfmakeraw (&raw);
      if (tcsetattr (fd, TCSANOW, &raw) == 0)
        return g_steal_pointer (&self);
    }

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot change the terminal: %s",
               g_strerror (errno));
  return NULL;
}

void
vp_raw_terminal_free (VpRawTerminal *self)
{
  if (self == NULL)
    return;

  vp_raw_terminal_leave (self);
  g_free (self);
}

void
vp_raw_terminal_leave (VpRawTerminal *self)
{
  tcsetattr (self->fd, TCSANOW, &self->before);
}

void
vp_raw_terminal_enter (VpRawTerminal *self)
{
  struct termios raw = self->before;

  cfmakeraw (&raw);
  tcsetattr (self->fd, TCSANOW, &raw);
}
