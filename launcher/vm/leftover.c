#include "launcher/vm/leftover.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#define NOTE_NAME   "qemu.pid"
#define MAX_WAIT_MS 5000

/* proc_pid_stat(5): starttime is field 22; the name, field 2, may hold anything but ends with the
 * last ")". */
#define FIELDS_FROM_NAME_TO_START 20

/* A process is the running kernel's, whatever root the host's other files have. */
static guint64
start_of (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (at = strrchr (text, ')')) == NULL)
    return 0;
  for (guint i = 0; i < FIELDS_FROM_NAME_TO_START && at != NULL; i++)
    at = strchr (at + 1, ' ');
  return at != NULL ? g_ascii_strtoull (at + 1, NULL, 10) : 0;
}

static gboolean
is_our_users (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d", pid);
  struct stat st;

  return stat (path, &st) == 0 && st.st_uid == geteuid ();
}

static char *
write_down (pid_t pid, guint64 start)
{
  return g_strdup_printf ("%d %" G_GUINT64_FORMAT "\n", pid, start);
}

void
vp_leftover_note (VpRunDir *run_dir, pid_t pid)
{
  guint64 start = start_of (pid);
  g_autofree char *text = write_down (pid, start);

  /* Without it only a QEMU that has lost its parent-death signal is not found. */
  if (start != 0)
    vp_run_dir_write (run_dir, NOTE_NAME, text, NULL);
}

static gboolean
read_note (VpRunDir *run_dir, pid_t *pid, guint64 *start)
{
  g_autofree char *text = vp_run_dir_read (run_dir, NOTE_NAME);
  g_autofree char *again = NULL;

  if (text == NULL || sscanf (text, "%9d %" G_GUINT64_FORMAT, pid, start) != 2)
    return FALSE;

  again = write_down (*pid, *start); /* what we have not written ourselves is no note */
  return *pid > 1 && *start != 0 && g_str_equal (again, text);
}

gboolean
vp_leftover_end (VpRunDir *run_dir, pid_t *pid, GError **error)
{
  struct pollfd process = { .events = POLLIN };
  vp_autofd int pidfd = -1;
  guint64 start;
  pid_t noted;

  *pid = 0;
  if (!read_note (run_dir, &noted, &start))
    return TRUE;
  pidfd = pidfd_open (noted, 0);
  if (pidfd < 0 || start_of (noted) != start || !is_our_users (noted))
    return TRUE;

  /* A process that has ended meanwhile is as good. */
  process.fd = pidfd;
  if (poll (&process, 1, 0) == 1)
    return TRUE;
  if (pidfd_send_signal (pidfd, SIGKILL, NULL, 0) == 0 &&
      TEMP_FAILURE_RETRY (poll (&process, 1, MAX_WAIT_MS)) == 1)
    {
      *pid = noted;
      return TRUE;
    }

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "its QEMU, pid %d, does not end", noted);
  return FALSE;
}
