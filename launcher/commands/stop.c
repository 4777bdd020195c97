#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/timeout.h"
#include "launcher/commands/vm-state.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>

/* The whole ladder (30 s for the guest, 5 s for quit, 5 s for SIGTERM) and time to give devices
   back. */
#define DEFAULT_TIMEOUT_MS 60000
#define ANSWER_MS          10000

static gboolean
on_deadline (gpointer user_data)
{
  gboolean *is_over = user_data;

  *is_over = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Returns whether it did so in time. */
static gboolean
wait_for_hang_up (VpControlClient *client, guint timeout_ms)
{
  gboolean is_over = FALSE;
  guint timer = g_timeout_add (timeout_ms, on_deadline, &is_over);

  while (!vp_qmp_client_is_closed (client) && !is_over)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  return vp_qmp_client_is_closed (client);
}

/* Returns: a descriptor that is readable once the supervisor has exited; -1 when it cannot be had
 */
static int
watch_supervisor (JsonObject *reply)
{
  gint64 pid = vp_qmp_message_get_int (reply, "supervisor", 0);

  /* It still holds our connection, so the pid is its own. */
  return pid > 0 && pid <= G_MAXINT ? pidfd_open ((pid_t) pid, 0) : -1;
}

/* The very last that a supervisor does, after giving up its lock, is to remove its folder. */
static void
wait_for_exit (int supervisor, guint timeout_ms)
{
  struct pollfd poll_fd = { .fd = supervisor, .events = POLLIN };

  if (supervisor >= 0)
    poll (&poll_fd, 1, (int) MIN (timeout_ms, G_MAXINT));
}

static gboolean
ask_to_stop (VpControlClient *client, gboolean force, int *supervisor, GError **error)
{
  g_autoptr (JsonObject) reply = NULL;
  g_autoptr (GError) local = NULL;
  JsonObject *arguments = json_object_new ();

  json_object_set_boolean_member (arguments, "force", force);
  reply = vp_control_client_call (client, "vmplug-stop", arguments, ANSWER_MS, &local);
  if (reply != NULL)
    *supervisor = watch_supervisor (reply);
  /* it may have ended on its own at this moment */
  if (reply != NULL || g_error_matches (local, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

int
vp_command_stop (int argc, char **argv, gboolean *as_json, GError **error)
{
  gboolean force = FALSE;
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "force", 0, 0, G_OPTION_ARG_NONE, &force, "Do not ask the guest first", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for the VM to be gone (default 60)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM",
    .summary = "Asks the guest to power off, insists when it does not, and returns when the VM is "
               "gone and its devices are back.",
    .entries = entries,
    .min_args = 1,
    .max_args = 1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, NULL, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  vp_autofd int supervisor = -1;
  gint64 start = g_get_monotonic_time ();
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  guint waited_ms;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL || !ask_to_stop (client, force, &supervisor, error))
    return -1;

  wait_for_hang_up (client, timeout_ms);
  waited_ms = (guint) ((g_get_monotonic_time () - start) / G_TIME_SPAN_MILLISECOND);
  if (!vp_vm_state_wait_gone (root, args[0], timeout_ms > waited_ms ? timeout_ms - waited_ms : 0))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_PENDING, "%s has not ended after %.1f s", args[0],
                   timeout_ms / 1000.0);
      return -1;
    }
  wait_for_exit (supervisor, timeout_ms);

  printf ("%s has ended after %.1f s\n", args[0],
          (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
  return 0;
}
