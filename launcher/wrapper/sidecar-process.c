#include "launcher/wrapper/sidecar-process.h"

#include "launcher/error.h"
#include "launcher/vm/qemu-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int
vp_sidecar_process_fork (int *socket, GError **error)
{
  int fds[2];
  pid_t pid;

  if (!vp_qemu_launch_make_socketpair (&fds[0], &fds[1], error))
    return -1;
  pid = fork ();
  if (pid < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "fork: %s", g_strerror (errno));
      close (fds[0]);
      close (fds[1]);
      return -1;
    }
  if (pid > 0)
    {
      close (fds[1]);
      TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0)); /* it has only forked once more */
      *socket = fds[0];
      return 1;
    }

  setsid ();
  pid = fork ();
  if (pid != 0)
    _exit (0); /* when that failed, the caller hears the end of the socket */
  close (fds[0]);
  *socket = fds[1];
  return 0;
}

void
vp_sidecar_process_detach (int *kept, guint n_kept)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  int next = STDERR_FILENO + 1;

  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
    dup2 (null, fd);
  /* First out of the way of each other's new numbers, then there. */
  for (guint i = 0; i < n_kept; i++)
    kept[i] = fcntl (kept[i], F_DUPFD_CLOEXEC, next + (int) n_kept);
  for (guint i = 0; i < n_kept; i++)
    kept[i] = dup3 (kept[i], next + (int) i, O_CLOEXEC);
  close_range ((guint) next + n_kept, G_MAXUINT, 0);
}

void
vp_sidecar_process_set_title (int argc, char **argv, const char *vm)
{
  g_autofree char *title = g_strdup_printf ("vmplug-sidecar %s", vm != NULL ? vm : "");
  gsize size = (gsize) (argv[argc - 1] + strlen (argv[argc - 1]) - argv[0]);

  memset (argv[0], 0, size);
  memcpy (argv[0], title, MIN (strlen (title), size));
  prctl (PR_SET_NAME, "vmplug-sidecar");
}

int
vp_sidecar_process_highest_fd (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  int highest = STDERR_FILENO;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    highest = MAX (highest, (int) g_ascii_strtoll (name, NULL, 10));
  return highest;
}
