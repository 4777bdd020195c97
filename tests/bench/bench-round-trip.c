/* Round trips of query-status with one QEMU: first by the least that a client can do, then by
 * VpQmpClient. Prints the microseconds per call of both, "RAW OURS". */

#include "qmp/client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QMP_FD  3
#define WARM_UP 100

static pid_t
start_qemu (const char *program, int *qmp)
{
  int fds[2];
  pid_t pid;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return -1;
  pid = fork ();
  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      dup2 (fds[1], QMP_FD);
      execlp (program, program, "-machine", "none", "-nodefaults", "-display", "none", "-chardev",
              "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control", NULL);
      _exit (127);
    }
  close (fds[1]);
  *qmp = fds[0];
  return pid;
}

static gboolean
raw_call (int fd, const char *command)
{
  char buffer[4096];

  return write (fd, command, strlen (command)) > 0 && read (fd, buffer, sizeof buffer) > 0;
}

static double
measure_raw (const char *program, guint n)
{
  static const char query[] = "{\"execute\":\"query-status\",\"id\":1}\r\n";
  char buffer[4096];
  gint64 start;
  int fd;
  pid_t pid = start_qemu (program, &fd);

  if (pid < 0 || read (fd, buffer, sizeof buffer) <= 0 ||
      !raw_call (fd, "{\"execute\":\"qmp_capabilities\"}\r\n"))
    return -1;
  for (guint i = 0; i < WARM_UP; i++)
    raw_call (fd, query);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    if (!raw_call (fd, query))
      return -1;
  start = g_get_monotonic_time () - start;
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  return (double) start / n;
}

static gboolean
our_call (VpQmpClient *client)
{
  g_autoptr (JsonNode) reply = vp_qmp_client_execute (client, "query-status", NULL, NULL, 0, NULL);

  return reply != NULL;
}

static double
measure_ours (const char *program, guint n)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (VpQmpClient) client = NULL;
  g_autoptr (JsonObject) greeting = NULL;
  gint64 start;
  int fd;
  pid_t pid = start_qemu (program, &fd);

  socket = pid < 0 ? NULL : g_socket_new_from_fd (fd, NULL);
  if (socket == NULL)
    return -1;
  client = vp_qmp_client_new (socket);
  greeting = vp_qmp_client_handshake (client, 0, NULL);
  if (greeting == NULL)
    return -1;
  for (guint i = 0; i < WARM_UP; i++)
    our_call (client);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    if (!our_call (client))
      return -1;
  start = g_get_monotonic_time () - start;
  vp_qmp_client_close (client);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  return (double) start / n;
}

int
main (int argc, char **argv)
{
  const char *program = argc > 1 ? argv[1] : "qemu-system-x86_64";
  guint64 n = argc > 2 ? g_ascii_strtoull (argv[2], NULL, 10) : 2000;
  double raw = measure_raw (program, (guint) n);
  double ours = measure_ours (program, (guint) n);

  if (raw < 0 || ours < 0)
    return 1;
  printf ("%.2f %.2f\n", raw, ours);
  return 0;
}
