#include "launcher/vm/passt.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/child-setup.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where passt finds its end of the socketpair. */
#define PASST_FD 3

/* It does not say when it is ready, but what it cannot do it says at once and ends. */
#define EARLY_END_MS 200

/* All that is kept of what it says: a guest must not be able to fill our memory with it. */
#define MAX_WORDS 4096

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

/* Returns: a file in memory that takes %MAX_WORDS bytes and no more, or -1 */
static int
open_words (void)
{
  int fd = memfd_create ("passt", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd >= 0 &&
      (ftruncate (fd, MAX_WORDS) < 0 || fcntl (fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0))
    vp_autofd_close (&fd);
  return fd;
}

/* Returns: (transfer full): the last line that it said */
static char *
read_last_words (int words)
{
  char text[MAX_WORDS + 1] = "";
  g_auto (GStrv) lines = NULL;
  ssize_t n = pread (words, text, MAX_WORDS, 0);

  text[MAX (n, 0)] = '\0';
  g_strchomp (text);
  lines = g_strsplit (text, "\n", -1);
  return lines[0] != NULL ? g_strdup (lines[g_strv_length (lines) - 1])
                          : g_strdup ("without a word");
}

static gboolean
check_alive (VpPasst *self, int words, GError **error)
{
  struct pollfd end = { .fd = self->pidfd, .events = POLLIN };
  g_autofree char *said = NULL;

  if (poll (&end, 1, EARLY_END_MS) <= 0)
    return TRUE;

  reap (self);
  said = read_last_words (words);
  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "passt ended at once: %s", said);
  return FALSE;
}

static gboolean
spawn (VpPasst *self, int theirs, int words, GError **error)
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
  if (!g_spawn_async_with_pipes_and_fds (
          NULL, argv, NULL,
          G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
          vp_child_set_up, GINT_TO_POINTER (getpid ()), -1, -1, words, &theirs, &target, 1, &pid,
          NULL, NULL, NULL, &cause))
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
  vp_autofd int words = open_words ();
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "socketpair: %s", g_strerror (errno));
      return NULL;
    }
  ours = fds[0];
  theirs = fds[1];
  if (!spawn (self, theirs, words, error) || !check_alive (self, words, error))
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
