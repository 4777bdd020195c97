#include "devices/error.h"
#include "launcher/background.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/commands/own-console.h"
#include "launcher/config/option-group.h"
#include "launcher/error.h"
#include "launcher/rehearse.h"
#include "launcher/supervisor.h"
#include "launcher/vm/replay.h"

#include <unistd.h>

#define SIGNAL_STATUS 128

typedef struct
{
  VpOwnConsole *console; /* nullable: in the background */
  int report_fd;         /* -1: in the foreground, or reported */
} Run;

static char *
describe_start (JsonObject *status)
{
  return g_strdup_printf ("%s runs with %s (%s), QEMU is pid %" G_GINT64_FORMAT,
                          json_object_get_string_member (status, "name"),
                          json_object_get_string_member (status, "accel"),
                          json_object_get_string_member (status, "accel_reason"),
                          json_object_get_int_member (status, "pid"));
}

static void
on_started (VpMachine *machine, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (JsonObject) status = vp_machine_get_status (machine);
  g_autofree char *text = NULL;

  if (run->report_fd >= 0)
    {
      vp_background_report (g_steal_fd (&run->report_fd), status, NULL);
      return;
    }
  text = describe_start (status);
  g_printerr ("vmplug: %s\n", text);
  vp_own_console_take_keys (run->console, machine);
}

static void
on_console (GBytes *output, gpointer user_data)
{
  Run *run = user_data;

  vp_own_console_print (run->console, output);
}

/* Takes the blueprint. */
static gboolean
start (VpBlueprint *blueprint,
       const char *root,
       gboolean rehearse,
       const VpSupervisorHooks *hooks,
       int *signal_number,
       GError **error)
{
  if (rehearse && !vp_rehearse_first (blueprint, signal_number, error))
    {
      vp_blueprint_free (blueprint);
      return FALSE;
    }
  return vp_supervisor_run (blueprint, root, hooks, signal_number, error);
}

static int
run_in_foreground (VpBlueprint *blueprint, const char *root, gboolean rehearse, GError **error)
{
  g_autoptr (VpOwnConsole) console = vp_own_console_new (STDOUT_FILENO);
  Run run = { .console = console, .report_fd = -1 };
  const VpSupervisorHooks hooks = { .started = on_started,
                                    .console = on_console,
                                    .user_data = &run };
  int signal_number = 0;

  if (start (blueprint, root, rehearse, &hooks, &signal_number, error) || signal_number != 0)
    {
      /* Whoever sent the signal knows why the VM ended, but not that a host device stayed behind.
       */
      if (*error != NULL && (*error)->domain == VP_DEVICE_ERROR)
        g_printerr ("vmplug: %s\n", (*error)->message);
      g_clear_error (error);
      return signal_number != 0 ? SIGNAL_STATUS + signal_number : 0;
    }
  return -1;
}

/* The new process: its exit status is nobody's, its report is. */
static void
run_in_background (VpBlueprint *blueprint, const char *root, gboolean rehearse, int report_fd)
{
  Run run = { .report_fd = report_fd };
  const VpSupervisorHooks hooks = { .started = on_started, .user_data = &run };
  g_autoptr (GError) error = NULL;
  int signal_number = 0;

  start (blueprint, root, rehearse, &hooks, &signal_number, &error);
  if (run.report_fd >= 0)
    vp_background_report (g_steal_fd (&run.report_fd), NULL, error);
}

static int
detach (
    VpBlueprint *blueprint, const char *root, gboolean rehearse, gboolean as_json, GError **error)
{
  g_autoptr (JsonObject) status = NULL;
  int report_fd;
  pid_t pid = vp_background_fork (&report_fd, error);

  if (pid == 0)
    {
      run_in_background (blueprint, root, rehearse, report_fd);
      _exit (0);
    }
  vp_blueprint_free (blueprint);
  if (pid < 0)
    return -1;

  status = vp_background_wait (report_fd, error);
  if (status == NULL)
    return -1;
  if (as_json)
    vp_output_json (g_steal_pointer (&status));
  else
    {
      g_autofree char *text = describe_start (status);

      g_print ("%s\n", text);
    }
  return 0;
}

int
vp_command_run (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBlueprint) blueprint = NULL;
  gboolean detached = FALSE, dry_run = FALSE, rehearse = FALSE;
  const GOptionEntry entries[] = {
    { "detach", 'd', 0, G_OPTION_ARG_NONE, &detached,
      "Return once the control socket answers; the VM goes on", NULL },
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run,
      "Print QEMU's command line and change nothing", NULL },
    { "rehearse", 0, 0, G_OPTION_ARG_NONE, &rehearse,
      "Start only when vmplug rehearse finds a place for every device", NULL },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "[-- QEMU-ARG…]",
    .summary = "Boots a VM and stays with it: its console is on this terminal, where Ctrl-] "
               "asks the guest to power off.",
    .entries = entries,
    .group = vp_config_option_group (config),
    .config = config,
    .max_args = 0,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;

  if (args == NULL)
    return -1;
  if (args[0] != NULL && !vp_config_set_qemu_args (config, args + 1, error))
    return -1;
  if (*as_json && !detached && !dry_run)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "--json: stdout is the guest's console; use it with --detach");
      return -1;
    }

  if (!dry_run)
    vp_replay_clear_up (root);
  blueprint = vp_blueprint_new (g_steal_pointer (&config), root, error);
  if (blueprint == NULL)
    return -1;
  for (guint i = 0; i < blueprint->plan->warnings->len; i++)
    g_printerr ("vmplug: warning: %s\n", (char *) blueprint->plan->warnings->pdata[i]);

  if (dry_run)
    {
      vp_output_print_command (blueprint, *as_json);
      return 0;
    }
  if (detached)
    return detach (g_steal_pointer (&blueprint), root, rehearse, *as_json, error);
  return run_in_foreground (g_steal_pointer (&blueprint), root, rehearse, error);
}
