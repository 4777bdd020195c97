#include "launcher/vm/passt.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/child-setup.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where passt finds its end of the socketpair. */
#define PASST_FD 3

struct _VpPasst
{
  GObject parent_instance;

  pid_t pid;
  int pidfd;
  guint exit_source;
};

G_DEFINE_FINAL_TYPE (VpPasst, vp_passt, G_TYPE_OBJECT)

static void
reap (VpPasst *self)
{
  siginfo_t info;

  waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED);
  self->pid = 0;
}

/* The guest sees its link go down; more than that nobody can do about it. */
static gboolean
on_child_exit (int fd, GIOCondition condition, gpointer user_data)
{
  VpPasst *self = VP_PASST (user_data);

  reap (self);
  self->exit_source = 0;
  return G_SOURCE_REMOVE;
}

static gboolean
spawn (VpPasst *self, int theirs, GError **error)
{
  static const char *const argv[] = { "passt", "--foreground", "--quiet", "--fd", "3", NULL };
  static const int target = PASST_FD;
  g_autofree char *program = g_find_program_in_path (argv[0]);
  g_autoptr (GError) cause = NULL;
  GPid pid;

  if (program == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST,
                           "passt: not in PATH: install the Debian package passt");
      return FALSE;
    }
  if (!g_spawn_async_with_pipes_and_fds (NULL, argv, NULL,
                                         G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                             G_SPAWN_STDOUT_TO_DEV_NULL |
                                             G_SPAWN_STDERR_TO_DEV_NULL,
                                         vp_child_set_up, GINT_TO_POINTER (getpid ()), -1, -1, -1,
                                         &theirs, &target, 1, &pid, NULL, NULL, NULL, &cause))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "passt could not be started: %s",
                   cause->message);
      return FALSE;
    }

  self->pid = pid;
  self->pidfd = pidfd_open (pid, 0);
  if (self->pidfd >= 0)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "pidfd_open: %s", g_strerror (errno));
  kill (pid, SIGKILL); /* still our own unreaped child */
  waitpid (pid, NULL, 0);
  self->pid = 0;
  return FALSE;
}

VpPasst *
vp_passt_start (int *fd, GError **error)
{
  g_autoptr (VpPasst) self = g_object_new (VP_TYPE_PASST, NULL);
  vp_autofd int ours = -1;
  vp_autofd int theirs = -1;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "socketpair: %s", g_strerror (errno));
      return NULL;
    }
  ours = fds[0];
  theirs = fds[1];
  if (!spawn (self, theirs, error))
    return NULL;

  self->exit_source = g_unix_fd_add (self->pidfd, G_IO_IN, on_child_exit, self);
  *fd = g_steal_fd (&ours);
  return g_steal_pointer (&self);
}

int
vp_passt_get_pid (VpPasst *self)
{
  return self->pid;
}

static void
vp_passt_finalize (GObject *object)
{
  VpPasst *self = VP_PASST (object);

  g_clear_handle_id (&self->exit_source, g_source_remove);
  if (self->pid != 0)
    {
      pidfd_send_signal (self->pidfd, SIGKILL, NULL, 0);
      reap (self);
    }
  if (self->pidfd >= 0)
    close (self->pidfd);

  G_OBJECT_CLASS (vp_passt_parent_class)->finalize (object);
}

static void
vp_passt_class_init (VpPasstClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_passt_finalize;
}

static void
vp_passt_init (VpPasst *self)
{
  self->pidfd = -1;
}
