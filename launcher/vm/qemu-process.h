#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_QEMU_PROCESS (vp_qemu_process_get_type ())
G_DECLARE_FINAL_TYPE (VpQemuProcess, vp_qemu_process, VP, QEMU_PROCESS, GObject)

/**
 * vp_qemu_process_spawn:
 * @argv: (array zero-terminated=1): QEMU's command line; argv[0] is looked up in PATH
 * @fds: (array length=n_fds): what QEMU inherits: they become VP_ARGV_FIRST_FD, which is
 *   VP_ARGV_QMP_FD, and those after it; they stay the caller's
 * @n_fds: how many
 * @log_fd: (transfer full): where QEMU's stderr is written, at most 1 MiB of it; -1 for nowhere
 * @error: return location for a #GError
 *
 * Starts QEMU in a process group of its own, so that Ctrl-C is ours alone, with a parent-death
 * signal, so that it never outlives us, and with no descriptor but 0 to 2 and @fds. Its stderr is
 * always drained: 64 KiB of unread stderr would hang its main loop.
 *
 * Signals: "exited" (int wait_status) once, after the last of its stderr has been read.
 *
 * Returns: (transfer full) (nullable): a process, or %NULL with %VP_ERROR_START
 */
VpQemuProcess *
vp_qemu_process_spawn (char **argv, const int *fds, guint n_fds, int log_fd, GError **error);

/**
 * vp_qemu_process_adopt:
 * @pid: a process that is about to become QEMU by exec(), and no child of ours
 * @error: return location for a #GError
 *
 * One that belongs to somebody else: its stderr and its exit status are theirs, and it outlives us.
 * "exited" tells a status of 0, but not before vp_qemu_process_follow() was called.
 *
 * Returns: (transfer full) (nullable): a process, or %NULL with %VP_ERROR_START: it is gone
 */
VpQemuProcess *vp_qemu_process_adopt (pid_t pid, GError **error);

/**
 * vp_qemu_process_follow:
 * @self: an adopted process
 * @pid: the one that QEMU lives on as: with -daemonize it is a child of the first
 *
 * From now on the end of @pid is its end.
 */
void vp_qemu_process_follow (VpQemuProcess *self, pid_t pid);

/**
 * vp_qemu_process_get_pid:
 *
 * Returns: its pid; 0 once it is gone
 */
pid_t vp_qemu_process_get_pid (VpQemuProcess *self);

/**
 * vp_qemu_process_signal:
 * @self: a process
 * @signal_number: SIGTERM, SIGKILL
 *
 * Goes through a pidfd: it can never hit another process that got the same pid.
 */
void vp_qemu_process_signal (VpQemuProcess *self, int signal_number);

/**
 * vp_qemu_process_get_last_words:
 *
 * Returns: (transfer full) (nullable): the last that it reported on stderr, with the hints that
 *   followed; or the last line there
 */
char *vp_qemu_process_get_last_words (VpQemuProcess *self);

G_END_DECLS
