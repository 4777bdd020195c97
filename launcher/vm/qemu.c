#include "launcher/vm/qemu.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/first-word.h"
#include "launcher/vm/stop-ladder.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <signal.h>
#include <unistd.h>

/* QMP ends with the process, at the same moment; whatever else holds QEMU's end of it open, or made
 * QEMU leave it, must not keep us. */
#define OTHER_END_MS 1000

struct _VpQemu
{
  GObject parent_instance;

  VpQemuProcess *process;
  GSocket *socket; /* nullable: the client has it */
  VpQmpClient *client;
  VpConsole *console;
  VpStopLadder *ladder; /* nullable: nothing left to stop */

  const VpQemuAdoption *adoption; /* nullable: it is our own */
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
  char *last_words;      /* nullable: it has none, or has not exited */
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

VpQemuEnd
vp_qemu_get_end (VpQemu *self)
{
  return (VpQemuEnd){ .wait_status = self->wait_status,
                      .words = self->last_words,
                      .panicked = self->panicked,
                      .stopping = self->stopping,
                      .shutdown_reason = self->shutdown_reason,
                      .failure = self->failure };
}

static void
tell_failed_start (VpQemu *self)
{
  g_autoptr (GTask) start = g_steal_pointer (&self->start);
  const VpQemuEnd end = vp_qemu_get_end (self);
  g_autofree char *text = vp_qemu_end_describe (&end);

  if (self->failure != NULL)
    g_task_return_error (start, g_steal_pointer (&self->failure));
  else
    g_task_return_new_error (start, VP_ERROR, VP_ERROR_START, "QEMU did not start: %s", text);
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
  self->last_words = vp_qemu_process_get_last_words (process);
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
  if (self->has_exited || self->stopping || self->shutdown_reason != NULL ||
      self->failure != NULL || self->adoption != NULL)
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
  if (self->adoption == NULL)
    vp_qemu_process_signal (self->process, SIGKILL);
}

static void
set_started (VpQemu *self, const char *state)
{
  g_autoptr (GTask) start = g_steal_pointer (&self->start);

  if (start == NULL) /* it exited between its reply and now */
    return;
  self->state = state;
  g_task_return_boolean (start, TRUE);
}

/* @reply: of query-status, or of cont */
static gboolean
says_paused (JsonNode *reply)
{
  return JSON_NODE_HOLDS_OBJECT (reply) &&
         !vp_qmp_message_get_boolean (json_node_get_object (reply), "running", TRUE);
}

/* Whether an adopted one runs is its owner's choice, and only asked; ours has been let run. */
static void
on_runs (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpQemu) self = VP_QEMU (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    abandon (self, error);
  else
    set_started (self, says_paused (reply) ? "paused" : "running");
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
  vp_qmp_client_execute_async (self->client, self->adoption != NULL ? "query-status" : "cont", NULL,
                               NULL, 0, NULL, on_runs, g_object_ref (self));
}

static void
close_inherited (VpQemu *self)
{
  for (guint i = 0; i < self->inherited->len; i++)
    close (g_array_index (self->inherited, int, i));
  g_array_set_size (self->inherited, 0);
}

void
vp_qemu_inherit (VpQemu *self, int fd)
{
  g_array_append_val (self->inherited, fd);
}

void
vp_qemu_adopt (VpQemu *self, const VpQemuAdoption *adoption)
{
  self->adoption = adoption;
}

/* Shakes hands with a process that is there. */
static void
talk (VpQemu *self)
{
  self->client = vp_qmp_client_new (self->socket);
  g_clear_object (&self->socket);
  g_signal_connect (self->client, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->client, "closed", G_CALLBACK (on_left), self);
  self->ladder = vp_stop_ladder_new (self->client, self->process);
  vp_qmp_client_handshake_async (self->client, 0, NULL, on_handshake, g_object_ref (self));
}

/* An adopted QEMU speaks, or has ended before it could. */
static void
on_first_word (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpQemu) self = VP_QEMU (user_data);
  pid_t pid = vp_first_word_wait_finish (result, NULL);

  if (self->start == NULL) /* it was let go of meanwhile */
    return;
  if (pid < 0)
    {
      self->has_left = TRUE;
      vp_qemu_process_follow (self->process, vp_qemu_process_get_pid (self->process));
      return;
    }
  vp_qemu_process_follow (self->process, pid);
  talk (self);
}

static gboolean
launch (VpQemu *self, char **argv, VpRunDir *run_dir, GError **error)
{
  vp_autofd int qmp_ours = -1;
  vp_autofd int qmp_theirs = -1;
  VpQemuLaunch input = { .argv = argv, .inherited = self->inherited };

  if (!vp_qemu_launch_make_socketpair (&qmp_ours, &qmp_theirs, error))
    return FALSE;
  self->socket = g_socket_new_from_fd (qmp_ours, error);
  if (self->socket == NULL)
    return FALSE;
  g_steal_fd (&qmp_ours); /* the socket has it */

  input.qmp_fd = qmp_theirs;
  if (self->adoption != NULL)
    {
      vp_first_word_prepare (g_socket_get_fd (self->socket));
      self->process = vp_qemu_launch_adopted (&input, self->adoption, error);
    }
  else
    self->process = vp_qemu_launch_own (&input, run_dir, &self->console, error);
  close_inherited (self);
  if (self->process == NULL)
    return FALSE;

  g_signal_connect (self->process, "exited", G_CALLBACK (on_exited), self);
  if (self->console != NULL)
    g_signal_connect (self->console, "output", G_CALLBACK (on_output), self);
  if (self->adoption == NULL)
    talk (self);
  else
    vp_first_word_wait_async (g_socket_get_fd (self->socket), on_first_word, g_object_ref (self));
  return TRUE;
}

void
vp_qemu_start_async (
    VpQemu *self, char **argv, VpRunDir *run_dir, GAsyncReadyCallback callback, gpointer user_data)
{
  GError *error = NULL;

  self->start = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->start, vp_qemu_start_async);
  if (!launch (self, argv, run_dir, &error))
    {
      g_autoptr (GTask) start = g_steal_pointer (&self->start);

      g_task_return_error (start, error);
    }
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
  if (self->process == NULL)
    return self->adoption != NULL ? self->adoption->pid : 0;
  return vp_qemu_process_get_pid (self->process);
}

const char *
vp_qemu_get_state (VpQemu *self)
{
  return self->state;
}

gboolean
vp_qemu_check_end (VpQemu *self, GError **error)
{
  const VpQemuEnd end = vp_qemu_get_end (self);

  return vp_qemu_end_check (&end, error);
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
  g_clear_object (&self->socket);
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
  g_free (self->last_words);

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
