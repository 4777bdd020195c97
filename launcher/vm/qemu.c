#include "launcher/vm/qemu.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/console.h"
#include "launcher/vm/leftover.h"
#include "launcher/vm/qemu-process.h"
#include "launcher/vm/stop-ladder.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* QMP ends with the process, at the same moment; whatever else holds QEMU's end of it open, or made
 * QEMU leave it, must not keep us. */
#define OTHER_END_MS 1000

struct _VpQemu
{
  GObject parent_instance;

  VpQemuProcess *process;
  VpQmpClient *client;
  VpConsole *console;
  VpStopLadder *ladder; /* nullable: nothing left to stop */

  GArray *inherited;   /* (element-type int): what its devices find open; ours until it starts */
  GTask *start;        /* nullable: who waits for the start */
  GError *failure;     /* nullable: why we ended it; told when the process is gone */
  guint last_timer;    /* from the end of the process or of QMP until that of the other */
  gboolean has_exited; /* the process is gone */
  gboolean has_left;   /* QMP is, and all that came over it has been handled */
  const char *state;
  gboolean stopping;
  gboolean panicked;
  char *shutdown_reason; /* nullable: no SHUTDOWN was seen */
  int wait_status;
};

G_DEFINE_FINAL_TYPE (VpQemu, vp_qemu, G_TYPE_OBJECT)

enum
{
  SIGNAL_EVENT,
  SIGNAL_OUTPUT,
  SIGNAL_EXITED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* What its end looks like from outside: how it ended, and its last words if it had any. */
static char *
describe_end (VpQemu *self)
{
  g_autofree char *words = vp_qemu_process_get_last_words (self->process);
  g_autofree char *how =
      WIFSIGNALED (self->wait_status)
          ? g_strdup_printf ("killed by signal %d", WTERMSIG (self->wait_status))
          : g_strdup_printf ("ended with status %d", WEXITSTATUS (self->wait_status));

  return words != NULL ? g_strdup_printf ("%s (%s)", words, how) : g_steal_pointer (&how);
}

static void
tell_failed_start (VpQemu *self)
{
  g_autoptr (GTask) start = g_steal_pointer (&self->start);
  g_autofree char *end = describe_end (self);

  if (self->failure != NULL)
    g_task_return_error (start, g_steal_pointer (&self->failure));
  else
    g_task_return_new_error (start, VP_ERROR, VP_ERROR_START, "QEMU did not start: %s", end);
}

static void
finish (VpQemu *self)
{
  g_object_ref (self);
  self->state = "ended";
  if (self->console != NULL)
    vp_console_close (self->console);
  if (self->start != NULL)
    tell_failed_start (self);
  else
    g_signal_emit (self, signals[SIGNAL_EXITED], 0);
  g_object_unref (self);
}

static void
on_held_open (gpointer user_data)
{
  VpQemu *self = VP_QEMU (user_data);

  self->last_timer = 0;
  vp_qmp_client_close (self->client);
}

/* Its last events, which say why it ended, may still be unread. */
static void
on_exited (VpQemuProcess *process, int wait_status, gpointer user_data)
{
  VpQemu *self = VP_QEMU (user_data);

  if (self->last_timer != 0) /* it left QMP first, and then ended by itself after all */
    g_clear_error (&self->failure);
  g_clear_handle_id (&self->last_timer, g_source_remove);
  g_clear_pointer (&self->ladder, vp_stop_ladder_free);
  self->wait_status = wait_status;
  self->has_exited = TRUE;
  if (self->has_left)
    finish (self);
  else
    self->last_timer = g_timeout_add_once (OTHER_END_MS, on_held_open, self);
}

static void
on_lives_on (gpointer user_data)
{
  VpQemu *self = VP_QEMU (user_data);

  self->last_timer = 0;
  vp_qemu_process_signal (self->process, SIGKILL);
}

/* A QEMU that leaves QMP and lives on can be neither asked nor told anything any more, and no
 * device could ever be unplugged from it. One that said SHUTDOWN, or was told to stop, is on its
 * way out, and may free its memory first. */
static void
on_left (VpQmpClient *client, const GError *reason, gpointer user_data)
{
  VpQemu *self = VP_QEMU (user_data);

  g_clear_handle_id (&self->last_timer, g_source_remove);
  self->has_left = TRUE;
  if (self->has_exited)
    finish (self);
  if (self->has_exited || self->stopping || self->shutdown_reason != NULL || self->failure != NULL)
    return;

  if (self->start != NULL)
    g_set_error (&self->failure, VP_ERROR, VP_ERROR_START,
                 "QEMU did not start: it has left QMP (%s)", reason->message);
  else
    g_set_error (&self->failure, VP_ERROR, VP_ERROR_NO_VM, "QEMU has left QMP (%s) and was killed",
                 reason->message);
  self->last_timer = g_timeout_add_once (OTHER_END_MS, on_lives_on, self);
}

static void
on_event (VpQmpClient *client, const char *name, JsonObject *data, gpointer user_data)
{
  VpQemu *self = VP_QEMU (user_data);

  if (g_str_equal (name, "STOP"))
    self->state = "paused";
  else if (g_str_equal (name, "RESUME"))
    self->state = "running";
  else if (g_str_equal (name, "GUEST_PANICKED"))
    {
      self->state = "guest-panicked";
      self->panicked = TRUE;
    }
  else if (g_str_equal (name, "SHUTDOWN"))
    {
      self->state = "shutdown";
      g_free (self->shutdown_reason);
      self->shutdown_reason = g_strdup (vp_qmp_message_get_string (data, "reason"));
    }
  g_signal_emit (self, signals[SIGNAL_EVENT], 0, name, data);
}

static void
on_output (VpConsole *console, GBytes *bytes, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_OUTPUT], 0, bytes);
}

/* It is there but of no use; its end tells whoever waits. When it hung up first, it is ending by
 * itself, and what it says then is worth more than our error. */
static void
abandon (VpQemu *self, const GError *error)
{
  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED) || self->start == NULL)
    return;
  g_set_error (&self->failure, VP_ERROR, VP_ERROR_START, "QEMU did not start: %s", error->message);
  vp_qemu_process_signal (self->process, SIGKILL);
}

static void
on_cont (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpQemu) self = VP_QEMU (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTask) start = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    {
      abandon (self, error);
      return;
    }
  start = g_steal_pointer (&self->start);
  if (start == NULL) /* it exited between its reply and now */
    return;
  self->state = "running";
  g_task_return_boolean (start, TRUE);
}

static void
on_handshake (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpQemu) self = VP_QEMU (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) greeting =
      vp_qmp_client_handshake_finish (VP_QMP_CLIENT (source), result, &error);

  if (greeting != NULL && self->stopping)
    g_set_error_literal (&error, VP_ERROR, VP_ERROR_START, "it was stopped before its guest ran");
  if (error != NULL)
    {
      abandon (self, error);
      return;
    }
  vp_qmp_client_execute_async (self->client, "cont", NULL, NULL, 0, NULL, on_cont,
                               g_object_ref (self));
}

/* One end for us, close-on-exec, and one for QEMU, which the spawn hands over. */
static gboolean
make_socketpair (int *ours, int *theirs, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "socketpair: %s", g_strerror (errno));
      return FALSE;
    }
  *ours = fds[0];
  *theirs = fds[1];
  return TRUE;
}

static gboolean
open_console (VpQemu *self, VpRunDir *run_dir, int *guest_fd, GError **error)
{
  vp_autofd int ours = -1;
  vp_autofd int listener = -1;
  int log_fd;

  if (!make_socketpair (&ours, guest_fd, error))
    return FALSE;
  listener = vp_run_dir_listen (run_dir, "console", error);
  if (listener < 0)
    return FALSE;
  log_fd = vp_run_dir_open_log (run_dir, "console.log", error);
  if (log_fd < 0)
    return FALSE;

  self->console = vp_console_new (g_steal_fd (&ours), g_steal_fd (&listener), log_fd);
  g_signal_connect (self->console, "output", G_CALLBACK (on_output), self);
  return TRUE;
}

static void
close_inherited (VpQemu *self)
{
  for (guint i = 0; i < self->inherited->len; i++)
    close (g_array_index (self->inherited, int, i));
  g_array_set_size (self->inherited, 0);
}

static VpQemuProcess *
start_process (VpQemu *self, char **argv, int qmp_fd, int console_fd, int log_fd, GError **error)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  VpQemuProcess *process;

  g_array_append_val (fds, qmp_fd);
  if (console_fd >= 0)
    g_array_append_val (fds, console_fd);
  g_array_append_vals (fds, self->inherited->data, self->inherited->len);
  process = vp_qemu_process_spawn (argv, (const int *) (void *) fds->data, fds->len, log_fd, error);
  close_inherited (self);
  return process;
}

void
vp_qemu_inherit (VpQemu *self, int fd)
{
  g_array_append_val (self->inherited, fd);
}

static gboolean
spawn (VpQemu *self, char **argv, VpRunDir *run_dir, GError **error)
{
  vp_autofd int qmp_ours = -1;
  vp_autofd int qmp_theirs = -1;
  vp_autofd int console_theirs = -1;
  g_autoptr (GSocket) socket = NULL;
  int log_fd = -1;

  if (!make_socketpair (&qmp_ours, &qmp_theirs, error) ||
      (run_dir != NULL && !open_console (self, run_dir, &console_theirs, error)))
    return FALSE;
  socket = g_socket_new_from_fd (qmp_ours, error);
  if (socket == NULL)
    return FALSE;
  g_steal_fd (&qmp_ours); /* the socket has it */
  if (run_dir != NULL)
    {
      log_fd = vp_run_dir_open_log (run_dir, "qemu.log", error);
      if (log_fd < 0)
        return FALSE;
    }

  self->process = start_process (self, argv, qmp_theirs, console_theirs, log_fd, error);
  if (self->process == NULL)
    return FALSE;
  if (run_dir != NULL)
    vp_leftover_note (run_dir, vp_qemu_process_get_pid (self->process));
  g_signal_connect (self->process, "exited", G_CALLBACK (on_exited), self);
  self->client = vp_qmp_client_new (socket);
  g_signal_connect (self->client, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->client, "closed", G_CALLBACK (on_left), self);
  self->ladder = vp_stop_ladder_new (self->client, self->process);
  return TRUE;
}

void
vp_qemu_start_async (
    VpQemu *self, char **argv, VpRunDir *run_dir, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, vp_qemu_start_async);
  if (!spawn (self, argv, run_dir, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  self->start = g_steal_pointer (&task);
  vp_qmp_client_handshake_async (self->client, 0, NULL, on_handshake, g_object_ref (self));
}

gboolean
vp_qemu_start_finish (VpQemu *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
vp_qemu_stop (VpQemu *self, gboolean force)
{
  self->stopping = TRUE;
  if (self->ladder != NULL)
    vp_stop_ladder_climb (self->ladder, force);
}

void
vp_qemu_kill (VpQemu *self)
{
  self->stopping = TRUE;
  if (self->process != NULL)
    vp_qemu_process_signal (self->process, SIGKILL);
}

void
vp_qemu_write_console (VpQemu *self, const guint8 *data, gsize size)
{
  if (self->console != NULL)
    vp_console_write (self->console, data, size);
}

VpQmpClient *
vp_qemu_get_client (VpQemu *self)
{
  return self->client;
}

pid_t
vp_qemu_get_pid (VpQemu *self)
{
  return self->process != NULL ? vp_qemu_process_get_pid (self->process) : 0;
}

const char *
vp_qemu_get_state (VpQemu *self)
{
  return self->state;
}

gboolean
vp_qemu_check_end (VpQemu *self, GError **error)
{
  g_autofree char *end = describe_end (self);
  gboolean failed = WIFSIGNALED (self->wait_status) || WEXITSTATUS (self->wait_status) != 0;

  if (self->panicked)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_GUEST, "the guest panicked");
      return FALSE;
    }
  if (self->stopping)
    return TRUE;
  if (self->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (self->failure));
      return FALSE;
    }
  /* QEMU also exits with 0 on SIGTERM and, without a SHUTDOWN, when its main loop is broken. */
  if (failed || self->shutdown_reason == NULL || g_str_equal (self->shutdown_reason, "host-signal"))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "QEMU is gone, and nobody asked it to: %s",
                   end);
      return FALSE;
    }
  return TRUE;
}

static void
vp_qemu_dispose (GObject *object)
{
  VpQemu *self = VP_QEMU (object);

  g_clear_handle_id (&self->last_timer, g_source_remove);
  g_clear_pointer (&self->ladder, vp_stop_ladder_free);
  if (self->client != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->client, self);
      vp_qmp_client_close (self->client);
    }
  g_clear_object (&self->client);
  if (self->console != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->console, self);
      vp_console_close (self->console);
    }
  g_clear_object (&self->console);
  if (self->process != NULL)
    g_signal_handlers_disconnect_by_data (self->process, self);
  g_clear_object (&self->process);
  g_clear_object (&self->start);

  G_OBJECT_CLASS (vp_qemu_parent_class)->dispose (object);
}

static void
vp_qemu_finalize (GObject *object)
{
  VpQemu *self = VP_QEMU (object);

  close_inherited (self);
  g_array_unref (self->inherited);
  g_clear_error (&self->failure);
  g_free (self->shutdown_reason);

  G_OBJECT_CLASS (vp_qemu_parent_class)->finalize (object);
}

static void
vp_qemu_class_init (VpQemuClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_qemu_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_qemu_finalize;

  signals[SIGNAL_EVENT] = g_signal_new ("event", VP_TYPE_QEMU, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 2, G_TYPE_STRING, JSON_TYPE_OBJECT);
  signals[SIGNAL_OUTPUT] = g_signal_new ("output", VP_TYPE_QEMU, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[SIGNAL_EXITED] =
      g_signal_new ("exited", VP_TYPE_QEMU, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_qemu_init (VpQemu *self)
{
  self->state = "starting";
  self->inherited = g_array_new (FALSE, FALSE, sizeof (int));
}

VpQemu *
vp_qemu_new (void)
{
  return g_object_new (VP_TYPE_QEMU, NULL);
}
