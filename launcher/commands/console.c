#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/raw-terminal.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/fd-watch.h"
#include "launcher/vm/run-dir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define ESCAPE_KEY 0x1d /* Ctrl-] */

/* What a pipe that poll() calls writable takes without blocking: PIPE_BUF. */
#define PIECE_BYTES 4096

typedef enum
{
  END_NONE,
  END_ESCAPE, /* the user has left */
  END_VM,     /* the supervisor has hung up */
  END_SIGNAL,
  END_STDOUT, /* nobody reads what we print */
} End;

/* Each direction holds one piece: nothing is read before the piece ahead of it is written, so a
   slow side slows down the other, and takes no memory. */
typedef struct
{
  GMainLoop *loop;
  VpRawTerminal *terminal; /* nullable: stdin is none */
  int socket;
  GSource *keys;       /* stdin; NULL at its end, and while something typed is unsent */
  GSource *unsent;     /* the socket takes more */
  GSource *output;     /* the socket; NULL while something is not printed */
  GSource *unprinted;  /* stdout takes more */
  GByteArray *typed;   /* unsent */
  GByteArray *printed; /* not yet */
  End end;
  int signal_number;
} Session;

static gboolean on_keys (int fd, GIOCondition condition, gpointer user_data);
static gboolean on_output (int fd, GIOCondition condition, gpointer user_data);

static gboolean
end_session (Session *self, End end)
{
  self->end = end;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_transient (ssize_t n)
{
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static gboolean
on_socket_writable (int fd, GIOCondition condition, gpointer user_data)
{
  Session *self = user_data;
  ssize_t n = send (fd, self->typed->data, self->typed->len, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (is_transient (n))
    return G_SOURCE_CONTINUE;
  if (n < 0)
    {
      /* nobody takes it any more, but the last words may be still to come: they end the session */
      vp_fd_watch_clear (&self->unsent);
      return G_SOURCE_REMOVE;
    }

  g_byte_array_remove_range (self->typed, 0, (guint) n);
  if (self->typed->len > 0)
    return G_SOURCE_CONTINUE;

  vp_fd_watch_clear (&self->unsent);
  self->keys = vp_fd_watch_new (STDIN_FILENO, G_IO_IN, on_keys, self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_keys (int fd, GIOCondition condition, gpointer user_data)
{
  Session *self = user_data;
  guint8 buffer[PIECE_BYTES];
  ssize_t n = read (fd, buffer, sizeof buffer);
  const guint8 *escape;

  if (is_transient (n))
    return G_SOURCE_CONTINUE;
  if (n <= 0 && self->terminal != NULL)
    return end_session (self, END_ESCAPE); /* the terminal is gone */
  if (n <= 0)
    {
      /* a script has typed all it wants; what comes of it is still to be seen */
      vp_fd_watch_clear (&self->keys);
      return G_SOURCE_REMOVE;
    }

  escape = self->terminal != NULL ? memchr (buffer, ESCAPE_KEY, (gsize) n) : NULL;
  if (escape != NULL)
    {
      send (self->socket, buffer, (gsize) (escape - buffer), MSG_NOSIGNAL | MSG_DONTWAIT);
      return end_session (self, END_ESCAPE);
    }

  g_byte_array_append (self->typed, buffer, (guint) n);
  vp_fd_watch_clear (&self->keys);
  self->unsent = vp_fd_watch_new (self->socket, G_IO_OUT, on_socket_writable, self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_stdout_writable (int fd, GIOCondition condition, gpointer user_data)
{
  Session *self = user_data;
  ssize_t n = write (fd, self->printed->data, self->printed->len);

  if (is_transient (n))
    return G_SOURCE_CONTINUE;
  if (n < 0)
    return end_session (self, END_STDOUT);

  g_byte_array_remove_range (self->printed, 0, (guint) n);
  if (self->printed->len > 0)
    return G_SOURCE_CONTINUE;

  vp_fd_watch_clear (&self->unprinted);
  self->output = vp_fd_watch_new (self->socket, G_IO_IN, on_output, self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_output (int fd, GIOCondition condition, gpointer user_data)
{
  Session *self = user_data;
  guint8 buffer[PIECE_BYTES];
  ssize_t n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (is_transient (n))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    return end_session (self, END_VM);

  g_byte_array_append (self->printed, buffer, (guint) n);
  vp_fd_watch_clear (&self->output);
  self->unprinted = vp_fd_watch_new (STDOUT_FILENO, G_IO_OUT, on_stdout_writable, self);
  return G_SOURCE_REMOVE;
}

/* Signals come through a descriptor, so that none of them ends us before the terminal is restored.
   In raw mode they do not come from the keyboard. */
static gboolean
on_signal (int fd, GIOCondition condition, gpointer user_data)
{
  Session *self = user_data;
  struct signalfd_siginfo info;

  if (read (fd, &info, sizeof info) != sizeof info)
    return G_SOURCE_CONTINUE;

  switch (info.ssi_signo)
    {
    case SIGTSTP:
      vp_raw_terminal_leave (self->terminal);
      raise (SIGSTOP);
      return G_SOURCE_CONTINUE;
    case SIGCONT:
      vp_raw_terminal_enter (self->terminal);
      return G_SOURCE_CONTINUE;
    default:
      self->signal_number = (int) info.ssi_signo;
      return end_session (self, END_SIGNAL);
    }
}

static int
open_signals (void)
{
  static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGCONT };
  sigset_t signals;

  sigemptyset (&signals);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaddset (&signals, numbers[i]);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  return signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Runs until one side ends it; the terminal is as before when this returns. */
static gboolean
run_session (Session *self, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GByteArray) typed = g_byte_array_new ();
  g_autoptr (GByteArray) printed = g_byte_array_new ();
  g_autoptr (VpRawTerminal) terminal = NULL;
  GSource *signals = NULL;
  vp_autofd int signal_fd = -1;

  if (isatty (STDIN_FILENO))
    {
      signal_fd = open_signals ();
      terminal = vp_raw_terminal_new (STDIN_FILENO, error);
      if (terminal == NULL)
        return FALSE;
      signals = vp_fd_watch_new (signal_fd, G_IO_IN, on_signal, self);
    }

  self->loop = loop;
  self->terminal = terminal;
  self->typed = typed;
  self->printed = printed;
  self->keys = vp_fd_watch_new (STDIN_FILENO, G_IO_IN, on_keys, self);
  self->output = vp_fd_watch_new (self->socket, G_IO_IN, on_output, self);
  g_main_loop_run (loop);

  vp_fd_watch_clear (&self->keys);
  vp_fd_watch_clear (&self->unsent);
  vp_fd_watch_clear (&self->output);
  vp_fd_watch_clear (&self->unprinted);
  vp_fd_watch_clear (&signals);
  return TRUE;
}

static int
tell_end (const Session *self, const char *name, gboolean is_terminal)
{
  switch (self->end)
    {
    case END_SIGNAL:
      return 128 + self->signal_number;
    case END_STDOUT:
      return 128 + SIGPIPE;
    case END_ESCAPE:
      fprintf (stderr, "\nvmplug: left the console of %s, which goes on running\n", name);
      return 0;
    case END_VM:
      if (is_terminal)
        fprintf (stderr, "\nvmplug: %s has ended\n", name);
      return 0;
    case END_NONE:
    default:
      return 0;
    }
}

int
vp_command_console (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = {
    .usage = "VM",
    .summary = "Shows the serial console of a VM, first the last of what it has printed, and types "
               "on it. On a terminal Ctrl-] leaves. From a pipe or file all of stdin is typed, and "
               "the console is shown until the VM ends.",
    .min_args = 1,
    .max_args = 1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, NULL, error);
  g_autofree char *root = line.root;
  gboolean is_terminal = isatty (STDIN_FILENO);
  vp_autofd int fd = -1;
  Session self = { .socket = -1 };

  if (args == NULL)
    return -1;
  fd = vp_run_dir_connect (root, args[0], "console", error);
  if (fd < 0)
    return -1;

  if (is_terminal)
    fprintf (stderr, "vmplug: console of %s; Ctrl-] leaves\n", args[0]);
  self.socket = fd;
  if (!run_session (&self, error))
    return -1;

  return tell_end (&self, args[0], is_terminal);
}
