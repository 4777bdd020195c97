#pragma once

#include "launcher/vm/console.h"
#include "launcher/vm/qemu-process.h"
#include "launcher/vm/run-dir.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * VpQemuAdoption:
 * @pid: the process that waits to become QEMU, by exec()
 * @first_fd: number under which it finds the first file descriptor; the next follow
 * @launch: makes it do so, with @argv, and with each of @fds under the number that stands beside it
 *   in @numbers; the file descriptors stay the caller's
 * @user_data: for @launch
 *
 * A QEMU that is somebody else's: it keeps their process, their files and their exit status, and
 * lives on when we are gone.
 */
typedef struct
{
  pid_t pid;
  int first_fd;
  gboolean (*launch) (char **argv,
                      const int *fds,
                      const int *numbers,
                      guint n_fds,
                      gpointer user_data,
                      GError **error);
  gpointer user_data;
} VpQemuAdoption;

/**
 * VpQemuLaunch:
 * @argv: QEMU's command line
 * @qmp_fd: its end of QMP
 * @inherited: (element-type int): what its devices find open
 *
 * What a QEMU starts with. All of it stays the caller's.
 */
typedef struct
{
  char **argv;
  int qmp_fd;
  GArray *inherited;
} VpQemuLaunch;

/**
 * vp_qemu_launch_make_socketpair:
 * @ours: (out): one end for us
 * @theirs: (out): one for QEMU; both close-on-exec
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_qemu_launch_make_socketpair (int *ours, int *theirs, GError **error);

/**
 * vp_qemu_launch_own:
 * @self: what it starts with
 * @run_dir: (nullable): where its console socket and its logs go; %NULL when it has neither
 * @console: (out) (transfer full): its console; untouched without @run_dir
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): a QEMU of our own, or %NULL with %VP_ERROR_START or
 *   %VP_ERROR_HOST
 */
VpQemuProcess *vp_qemu_launch_own (const VpQemuLaunch *self,
                                   VpRunDir *run_dir,
                                   VpConsole **console,
                                   GError **error);

/**
 * vp_qemu_launch_adopted:
 * @self: what it starts with
 * @adoption: whose it is
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): a QEMU of somebody else's, or %NULL with %VP_ERROR_START or
 *   the error of @adoption's launch
 */
VpQemuProcess *
vp_qemu_launch_adopted (const VpQemuLaunch *self, const VpQemuAdoption *adoption, GError **error);

G_END_DECLS
