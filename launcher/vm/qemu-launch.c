#include "launcher/vm/qemu-launch.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/leftover.h"

#include <errno.h>
#include <sys/socket.h>

gboolean
vp_qemu_launch_make_socketpair (int *ours, int *theirs, GError **error)
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

static VpConsole *
open_console (VpRunDir *run_dir, int *guest_fd, GError **error)
{
  vp_autofd int ours = -1;
  vp_autofd int listener = -1;
  int log_fd;

  if (!vp_qemu_launch_make_socketpair (&ours, guest_fd, error))
    return NULL;
  listener = vp_run_dir_listen (run_dir, "console", error);
  if (listener < 0)
    return NULL;
  log_fd = vp_run_dir_open_log (run_dir, "console.log", error);
  if (log_fd < 0)
    return NULL;

  return vp_console_new (g_steal_fd (&ours), g_steal_fd (&listener), log_fd);
}

/* Returns: (element-type int): what QEMU inherits */
static GArray *
list_fds (const VpQemuLaunch *self, int console_fd)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  g_array_append_val (fds, self->qmp_fd);
  if (console_fd >= 0)
    g_array_append_val (fds, console_fd);
  g_array_append_vals (fds, self->inherited->data, self->inherited->len);
  return fds;
}

VpQemuProcess *
vp_qemu_launch_own (const VpQemuLaunch *self,
                    VpRunDir *run_dir,
                    VpConsole **console,
                    GError **error)
{
  vp_autofd int console_theirs = -1;
  g_autoptr (GArray) fds = NULL;
  VpQemuProcess *process;
  int log_fd = -1;

  if (run_dir != NULL)
    {
      *console = open_console (run_dir, &console_theirs, error);
      if (*console == NULL)
        return NULL;
      log_fd = vp_run_dir_open_log (run_dir, "qemu.log", error);
      if (log_fd < 0)
        return NULL;
    }

  fds = list_fds (self, console_theirs);
  process =
      vp_qemu_process_spawn (self->argv, (const int *) (void *) fds->data, fds->len, log_fd, error);
  if (process != NULL && run_dir != NULL)
    vp_leftover_note (run_dir, vp_qemu_process_get_pid (process));
  return process;
}

VpQemuProcess *
vp_qemu_launch_adopted (const VpQemuLaunch *self, const VpQemuAdoption *adoption, GError **error)
{
  g_autoptr (VpQemuProcess) process = vp_qemu_process_adopt (adoption->pid, error);
  g_autoptr (GArray) fds = list_fds (self, -1);
  g_autofree int *numbers = g_new (int, fds->len);

  if (process == NULL)
    return NULL;
  for (guint i = 0; i < fds->len; i++)
    numbers[i] = adoption->first_fd + (int) i;
  if (!adoption->launch (self->argv, (const int *) (void *) fds->data, numbers, fds->len,
                         adoption->user_data, error))
    return NULL;
  return g_steal_pointer (&process);
}
