#include "launcher/boottest/test-process.h"

#include "launcher/error.h"
#include "launcher/vm/fd-watch.h"
#include "launcher/vm/qemu-process.h"
#include "qmp/framer.h"
#include "qmp/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's fd 3 is what it is told to write to. */
#define EVENTS "fd:3"

/* A document has 40 lines of a console, each up to 8 KiB and each byte up to six letters. */
#define MAX_LINE (16u << 20)

#define SELF "/proc/self/exe"

struct _VpTestProcess
{
  const VpTestProcessHooks *hooks;
  VpQemuProcess *process; /* it does all that a child of ours needs, whatever the child is */
  int events_fd;
  GSource *events;
  VpFramer *framer;
  JsonObject *document; /* nullable */
  char *fault;          /* nullable: why its events cannot be read */
};

void
vp_test_process_free (VpTestProcess *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->events);
  g_clear_object (&self->process);
  if (self->events_fd >= 0)
    close (self->events_fd);
  vp_framer_free (self->framer);
  g_clear_pointer (&self->document, json_object_unref);
  g_free (self->fault);
  g_free (self);
}

void
vp_test_process_signal (VpTestProcess *self, int signal_number)
{
  vp_qemu_process_signal (self->process, signal_number);
}

static void
take_event (VpTestProcess *self, JsonObject *event)
{
  JsonObject *document = NULL;

  if (g_strcmp0 (vp_qmp_message_get_string (event, "event"), "end") != 0)
    {
      self->hooks->event (event, self->hooks->user_data);
      return;
    }
  document = vp_qmp_message_get_object (event, "document");
  if (document == NULL)
    return;
  g_clear_pointer (&self->document, json_object_unref);
  self->document = json_object_ref (document);
}

/* Takes what it wrote; returns whether it can be understood. */
static gboolean
take (VpTestProcess *self, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = vp_framer_push (self->framer, data, size, &error);
  char *line;

  while (self->fault == NULL && (line = vp_framer_pop (self->framer)) != NULL)
    {
      g_autofree char *owned = line;
      g_autoptr (JsonObject) event = vp_qmp_message_parse (line, ok ? &error : NULL);

      if (event != NULL)
        take_event (self, event);
      ok = ok && event != NULL;
    }
  if (!ok)
    self->fault = g_strdup_printf ("its events cannot be read: %s", error->message);
  return ok;
}

/* Returns whether there may be more at once. */
static gboolean
read_events (VpTestProcess *self)
{
  guint8 buffer[65536];
  gssize n = read (self->events_fd, buffer, sizeof buffer);

  if (n < 0)
    return errno == EINTR;
  return n > 0 && take (self, buffer, (gsize) n);
}

static gboolean
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  VpTestProcess *self = user_data;

  if (read_events (self) || (self->fault == NULL && !(condition & (G_IO_HUP | G_IO_ERR))))
    return G_SOURCE_CONTINUE;

  if (self->fault != NULL)
    vp_test_process_signal (self, SIGKILL);
  vp_fd_watch_clear (&self->events);
  return G_SOURCE_REMOVE;
}

static char *
describe_end (VpTestProcess *self, int wait_status)
{
  g_autofree char *words = vp_qemu_process_get_last_words (self->process);
  g_autofree char *end = WIFSIGNALED (wait_status)
                             ? g_strdup_printf ("was ended by signal %d", WTERMSIG (wait_status))
                             : g_strdup_printf ("ended with status %d", WEXITSTATUS (wait_status));

  return g_strdup_printf ("vmplug boot %s without a verdict%s%s", end, words != NULL ? ": " : "",
                          words != NULL ? words : "");
}

static void
on_exited (VpQemuProcess *process, int wait_status, gpointer user_data)
{
  VpTestProcess *self = user_data;
  g_autoptr (JsonObject) document = NULL;
  g_autofree char *why = NULL;

  while (self->events != NULL && read_events (self))
    ;
  vp_fd_watch_clear (&self->events);

  if (self->fault != NULL)
    why = g_steal_pointer (&self->fault);
  else if (self->document != NULL)
    document = json_object_ref (self->document);
  else
    why = describe_end (self, wait_status);
  self->hooks->ended (document, why, self->hooks->user_data); /* may free @self */
}

char *
vp_test_process_find_program (void)
{
  g_autofree char *path = g_file_read_link (SELF, NULL);

  /* Its name is what ps shows, but it may have been replaced meanwhile. */
  return path != NULL && g_file_test (path, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer (&path)
                                                                       : g_strdup (SELF);
}

static char **
make_argv (const char *program, char **argv, const char *artifacts)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  g_strv_builder_add (words, program);
  g_strv_builder_add (words, argv[1]);
  g_strv_builder_add (words, "--events=" EVENTS);
  if (artifacts != NULL)
    {
      g_autofree char *option = g_strconcat ("--artifacts=", artifacts, NULL);

      g_strv_builder_add (words, option);
    }
  g_strv_builder_addv (words, (const char **) argv + 2);
  return g_strv_builder_end (words);
}

VpTestProcess *
vp_test_process_spawn (const char *program,
                       char **argv,
                       const char *artifacts,
                       const VpTestProcessHooks *hooks,
                       GError **error)
{
  g_autoptr (VpTestProcess) self = g_new0 (VpTestProcess, 1);
  g_auto (GStrv) words = make_argv (program, argv, artifacts);
  int fds[2];

  self->hooks = hooks;
  self->events_fd = -1;
  self->framer = vp_framer_new (MAX_LINE);
  if (pipe2 (fds, O_CLOEXEC) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_START, "pipe: %s", g_strerror (errno));
      return NULL;
    }

  self->events_fd = fds[0];
  self->process = vp_qemu_process_spawn (words, &fds[1], 1, -1, error);
  close (fds[1]);
  if (self->process == NULL)
    return NULL;

  g_unix_set_fd_nonblocking (self->events_fd, TRUE, NULL);
  self->events = vp_fd_watch_new (self->events_fd, G_IO_IN, on_events, self);
  g_signal_connect (self->process, "exited", G_CALLBACK (on_exited), self);
  return g_steal_pointer (&self);
}
