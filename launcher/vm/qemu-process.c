#include "launcher/vm/qemu-process.h"

#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/child-setup.h"
#include "launcher/vm/output-tail.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_BYTES    8192
#define MAX_LOG_BYTES (1024 * 1024)

struct _VpQemuProcess
{
  GObject parent_instance;

  pid_t pid;
  int pidfd;
  gboolean is_adopted;
  int stderr_fd;
  int log_fd;
  gsize logged;
  guint exit_source;
  guint stderr_source;
  VpOutputTail *tail;
  char *prefix; /* of what it reports on stderr */
};

G_DEFINE_FINAL_TYPE (VpQemuProcess, vp_qemu_process, G_TYPE_OBJECT)

enum
{
  SIGNAL_EXITED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* Returns whether there may be more. */
static gboolean
read_stderr (VpQemuProcess *self)
{
  char buffer[4096];
  gssize n = read (self->stderr_fd, buffer, sizeof buffer);

  if (n < 0)
    return errno == EINTR;
  if (n == 0)
    return FALSE;

  vp_output_tail_push (self->tail, buffer, (gsize) n);
  if (self->log_fd >= 0 && self->logged < MAX_LOG_BYTES)
    {
      /* A log that cannot be written is lost; the VM is not. */
      if (write (self->log_fd, buffer, (gsize) n) > 0)
        self->logged += (gsize) n;
    }
  return TRUE;
}

static gboolean
on_stderr (int fd, GIOCondition condition, gpointer user_data)
{
  VpQemuProcess *self = VP_QEMU_PROCESS (user_data);

  if (read_stderr (self) || !(condition & (G_IO_HUP | G_IO_ERR)))
    return G_SOURCE_CONTINUE;

  self->stderr_source = 0;
  return G_SOURCE_REMOVE;
}

static gboolean
on_child_exit (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VpQemuProcess) self = g_object_ref (VP_QEMU_PROCESS (user_data));
  siginfo_t info = { 0 };
  int status;

  self->exit_source = 0;
  waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED);
  self->pid = 0;
  status = info.si_code == CLD_EXITED ? W_EXITCODE (info.si_status, 0) : info.si_status;

  /* Bounded: somebody who inherited the pipe could otherwise keep us here. */
  for (guint i = 0; i < 64 && read_stderr (self); i++)
    ;
  g_clear_handle_id (&self->stderr_source, g_source_remove);

  g_signal_emit (self, signals[SIGNAL_EXITED], 0, status);
  return G_SOURCE_REMOVE;
}

static gboolean
on_adopted_exit (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VpQemuProcess) self = g_object_ref (VP_QEMU_PROCESS (user_data));

  self->exit_source = 0;
  self->pid = 0;
  g_signal_emit (self, signals[SIGNAL_EXITED], 0, W_EXITCODE (0, 0));
  return G_SOURCE_REMOVE;
}

static gboolean
on_gone (gpointer user_data)
{
  return on_adopted_exit (-1, G_IO_IN, user_data);
}

static gboolean
spawn (VpQemuProcess *self, char **argv, const int *fds, guint n_fds, GError **error)
{
  g_autofree int *target_fds = g_new (int, n_fds);
  g_autoptr (GError) cause = NULL;
  GPid pid;

  for (guint i = 0; i < n_fds; i++)
    target_fds[i] = VP_ARGV_FIRST_FD + (int) i;
  if (!g_spawn_async_with_pipes_and_fds (
          NULL, (const char *const *) argv, NULL,
          G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
          vp_child_set_up, GINT_TO_POINTER (getpid ()), -1, -1, -1, fds, target_fds, n_fds, &pid,
          NULL, NULL, &self->stderr_fd, &cause))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_START, "%s could not be started: %s", argv[0],
                   cause->message);
      return FALSE;
    }

  self->pid = pid;
  self->pidfd = pidfd_open (pid, 0);
  if (self->pidfd >= 0)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_START, "pidfd_open: %s (Linux 5.3 or later is needed)",
               g_strerror (errno));
  kill (pid, SIGKILL); /* still our own unreaped child */
  waitpid (pid, NULL, 0);
  self->pid = 0;
  return FALSE;
}

VpQemuProcess *
vp_qemu_process_spawn (char **argv, const int *fds, guint n_fds, int log_fd, GError **error)
{
  g_autoptr (VpQemuProcess) self = g_object_new (VP_TYPE_QEMU_PROCESS, NULL);
  g_autofree char *name = g_path_get_basename (argv[0]);

  self->prefix = g_strconcat (name, ": ", NULL);
  self->log_fd = log_fd;
  /* Ignored by whoever started us, it would lose us the exit status: see wait(2), ECHILD. */
  signal (SIGCHLD, SIG_DFL);
  if (!spawn (self, argv, fds, n_fds, error))
    return NULL;

  g_unix_set_fd_nonblocking (self->stderr_fd, TRUE, NULL);
  self->stderr_source =
      g_unix_fd_add (self->stderr_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_stderr, self);
  self->exit_source = g_unix_fd_add (self->pidfd, G_IO_IN, on_child_exit, self);
  return g_steal_pointer (&self);
}

VpQemuProcess *
vp_qemu_process_adopt (pid_t pid, GError **error)
{
  g_autoptr (VpQemuProcess) self = g_object_new (VP_TYPE_QEMU_PROCESS, NULL);

  self->is_adopted = TRUE;
  self->prefix = g_strdup (""); /* we do not hear it */
  self->pidfd = pidfd_open (pid, 0);
  if (self->pidfd < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_START, "process %d: %s", pid, g_strerror (errno));
      return NULL;
    }
  self->pid = pid;
  return g_steal_pointer (&self);
}

void
vp_qemu_process_follow (VpQemuProcess *self, pid_t pid)
{
  g_return_if_fail (self->is_adopted);

  g_clear_handle_id (&self->exit_source, g_source_remove);
  if (pid != self->pid)
    {
      close_fd (&self->pidfd);
      self->pid = pid;
      self->pidfd = pidfd_open (pid, 0);
    }
  /* One that is gone already is told later, like any other. */
  if (self->pidfd >= 0)
    self->exit_source = g_unix_fd_add (self->pidfd, G_IO_IN, on_adopted_exit, self);
  else
    self->exit_source = g_idle_add (on_gone, self);
}

pid_t
vp_qemu_process_get_pid (VpQemuProcess *self)
{
  return self->pid;
}

void
vp_qemu_process_signal (VpQemuProcess *self, int signal_number)
{
  if (self->pid != 0)
    pidfd_send_signal (self->pidfd, signal_number, NULL, 0);
}

char *
vp_qemu_process_get_last_words (VpQemuProcess *self)
{
  return vp_output_tail_last_report (self->tail, self->prefix);
}

static void
vp_qemu_process_finalize (GObject *object)
{
  VpQemuProcess *self = VP_QEMU_PROCESS (object);

  if (self->pid != 0 && !self->is_adopted) /* nobody waited for its end: it must not outlive us */
    {
      siginfo_t info;

      vp_qemu_process_signal (self, SIGKILL);
      waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED);
    }
  g_clear_handle_id (&self->exit_source, g_source_remove);
  g_clear_handle_id (&self->stderr_source, g_source_remove);
  close_fd (&self->pidfd);
  close_fd (&self->stderr_fd);
  close_fd (&self->log_fd);
  vp_output_tail_free (self->tail);
  g_free (self->prefix);

  G_OBJECT_CLASS (vp_qemu_process_parent_class)->finalize (object);
}

static void
vp_qemu_process_class_init (VpQemuProcessClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_qemu_process_finalize;

  signals[SIGNAL_EXITED] = g_signal_new ("exited", VP_TYPE_QEMU_PROCESS, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
vp_qemu_process_init (VpQemuProcess *self)
{
  self->pidfd = -1;
  self->stderr_fd = -1;
  self->log_fd = -1;
  self->tail = vp_output_tail_new (TAIL_BYTES);
}
