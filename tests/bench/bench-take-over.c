/* Round trips of query-status with one QEMU by the least that a client can do: first straight, then
 * through the take-over in a process of its own, in turns. Prints the medians of both in
 * microseconds, "STRAIGHT TAKEN_OVER". */

#include "launcher/wrapper/take-over.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WARM_UP 100
#define N_TURNS 5

static struct sockaddr_un
address_of (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return address;
}

static int
listen_at (const char *path)
{
  struct sockaddr_un address = address_of (path);
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, 4) != 0)
    g_error ("%s: %s", path, g_strerror (errno));
  return fd;
}

static int
connect_to (const char *path)
{
  struct sockaddr_un address = address_of (path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    g_error ("%s: %s", path, g_strerror (errno));
  return fd;
}

static pid_t
start_qemu (const char *program, int listener)
{
  g_autofree char *chardev = g_strdup_printf ("socket,id=qmp,fd=%d,server=on,wait=off", listener);
  pid_t pid = fork ();

  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      execlp (program, program, "-machine", "none", "-nodefaults", "-display", "none", "-chardev",
              chardev, "-mon", "chardev=qmp,mode=control", NULL);
      _exit (127);
    }
  return pid;
}

static int
on_connect (gpointer user_data, GError **error)
{
  return connect_to (user_data);
}

static char *
on_find (JsonObject *arguments, gpointer user_data)
{
  return NULL;
}

static gboolean
on_has (const char *id, gpointer user_data)
{
  return FALSE;
}

static pid_t
start_take_over (int listener, char *qemu)
{
  const VpTakeOverHost host = {
    .connect_qemu = on_connect, .find_device = on_find, .has_device = on_has, .user_data = qemu
  };
  pid_t pid = fork ();

  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      vp_take_over_new (listener, vp_bus_map_new (), &host, 1000);
      for (;;)
        g_main_context_iteration (NULL, TRUE);
    }
  return pid;
}

static void
call (int fd, const char *command)
{
  char buffer[4096];

  if (write (fd, command, strlen (command)) <= 0 || read (fd, buffer, sizeof buffer) <= 0)
    g_error ("QEMU is gone");
}

/* Appends the microseconds of each of @n calls. */
static void
measure (const char *path, guint n, GArray *times)
{
  static const char query[] = "{\"execute\":\"query-status\"}\n";
  int fd = connect_to (path);
  char buffer[4096];

  if (read (fd, buffer, sizeof buffer) <= 0)
    g_error ("QEMU is gone");
  call (fd, "{\"execute\":\"qmp_capabilities\"}\n");
  for (guint i = 0; i < WARM_UP + n; i++)
    {
      gint64 time = g_get_monotonic_time ();

      call (fd, query);
      time = g_get_monotonic_time () - time;
      if (i >= WARM_UP)
        g_array_append_val (times, time);
    }
  close (fd);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 one = *(const gint64 *) a, other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

static gint64
median (GArray *times)
{
  g_array_sort (times, compare);
  return g_array_index (times, gint64, times->len / 2);
}

int
main (int argc, char **argv)
{
  const char *program = argc > 1 ? argv[1] : "qemu-system-x86_64";
  guint n = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 2000;
  g_autofree char *folder = g_dir_make_tmp ("vmplug-bench-XXXXXX", NULL);
  g_autofree char *qemu = g_build_filename (folder, "qemu.sock", NULL);
  g_autofree char *runtime = g_build_filename (folder, "runtime.sock", NULL);
  pid_t pids[2] = { start_qemu (program, listen_at (qemu)),
                    start_take_over (listen_at (runtime), qemu) };
  g_autoptr (GArray) straight = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) taken_over = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < N_TURNS; i++)
    {
      measure (qemu, n / N_TURNS, straight);
      measure (runtime, n / N_TURNS, taken_over);
    }
  for (guint i = 0; i < G_N_ELEMENTS (pids); i++)
    {
      kill (pids[i], SIGKILL);
      waitpid (pids[i], NULL, 0);
    }
  g_unlink (qemu);
  g_unlink (runtime);
  g_rmdir (folder);
  printf ("%.2f %.2f\n", (double) median (straight), (double) median (taken_over));
  return 0;
}
