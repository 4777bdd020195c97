#pragma once

#include <json-glib/json-glib.h>

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_background_fork:
 * @report_fd: (out): the pipe between the two processes
 * @error: return location for a #GError
 *
 * Forks a process that goes on without a terminal, while the caller waits for its report. To be
 * called before anything is opened or started.
 *
 * Returns: 0 in the new process, its pid in the caller, -1 with %VP_ERROR_HOST
 */
pid_t vp_background_fork (int *report_fd, GError **error);

/**
 * vp_background_report:
 * @report_fd: (transfer full): the new process's end of the pipe
 * @status: (nullable): what it has to show when it is well under way
 * @error: (nullable): why it is not
 *
 * Tells the caller, who then ends; from now on nothing is printed any more.
 */
void vp_background_report (int report_fd, JsonObject *status, const GError *error);

/**
 * vp_background_wait:
 * @report_fd: (transfer full): the caller's end of the pipe
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the status that was reported, or %NULL with the error that
 *   was, or %VP_ERROR_START when the process died without a word
 */
JsonObject *vp_background_wait (int report_fd, GError **error);

G_END_DECLS
