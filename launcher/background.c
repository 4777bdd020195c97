#include "launcher/background.h"

#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/message.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

pid_t
vp_background_fork (int *report_fd, GError **error)
{
  int fds[2];
  pid_t pid;

  if (!g_unix_open_pipe (fds, FD_CLOEXEC, error))
    return -1;
  pid = fork ();
  if (pid < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "fork: %s", g_strerror (errno));
      close (fds[0]);
      close (fds[1]);
      return -1;
    }

  if (pid == 0)
    setsid ();
  *report_fd = fds[pid == 0 ? 1 : 0];
  close (fds[pid == 0 ? 0 : 1]);
  return pid;
}

static void
leave_terminal (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
    dup2 (null, fd);
  if (null > STDERR_FILENO)
    close (null);
}

void
vp_background_report (int report_fd, JsonObject *status, const GError *error)
{
  g_autoptr (JsonObject) report = json_object_new ();
  g_autofree char *line = NULL;

  if (error != NULL)
    json_object_set_object_member (report, "error", vp_failure_to_json (error));
  else
    json_object_set_object_member (report, "status", json_object_ref (status));
  line = vp_qmp_message_to_line (report);
  /* A caller that was killed meanwhile does not hear it; the VM goes on all the same. */
  if (write (report_fd, line, strlen (line)) < 0)
    g_debug ("nobody waits for the report: %s", g_strerror (errno));
  close (report_fd);
  leave_terminal ();
}

static char *
read_all (int fd)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0)
      g_string_append_len (text, buffer, n);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

JsonObject *
vp_background_wait (int report_fd, GError **error)
{
  g_autofree char *text = read_all (report_fd);
  g_autoptr (JsonObject) report = vp_qmp_message_parse (g_strchomp (text), NULL);
  JsonObject *status;

  close (report_fd);
  if (report == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_START,
                           "the supervisor died before it could say why");
      return NULL;
    }
  status = vp_qmp_message_get_object (report, "status");
  if (status != NULL)
    return json_object_ref (status);
  g_propagate_error (error, vp_failure_from_json (vp_qmp_message_get_object (report, "error")));
  return NULL;
}
