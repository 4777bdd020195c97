#include "launcher/rehearse.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/commands/timeout.h"
#include "launcher/config/option-group.h"
#include "launcher/failure.h"

#include <stdio.h>

#define SIGNAL_STATUS 128

/* The verdict is what was asked for, so that --json has both in one document. */
static int
print_report (const VpRehearsalReport *report, gboolean as_json)
{
  g_autoptr (GError) error = NULL;

  vp_rehearsal_report_check (report, &error);
  if (as_json)
    {
      JsonObject *document = vp_rehearsal_report_to_json (report);

      if (error != NULL)
        json_object_set_object_member (document, "error", vp_failure_to_json (error));
      vp_output_json (document);
    }
  else
    {
      g_autofree char *text = vp_rehearsal_report_to_text (report);

      fputs (text, stdout);
      fflush (stdout);
    }
  return error != NULL ? vp_failure_print (error, FALSE) : 0;
}

int
vp_command_rehearse (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBlueprint) blueprint = NULL;
  g_autoptr (VpRehearsalReport) report = NULL;
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for firmware (default: 30, for OVMF 120, and more for many devices)",
      "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "[-- QEMU-ARG…]",
    .summary = "Boots the firmware of a VM with stand-ins for the host's devices, and shows where "
               "each BAR finds its place. Changes nothing, and needs no device to be there for it.",
    .entries = entries,
    .group = vp_config_option_group (config),
    .config = config,
    .max_args = 0,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  guint timeout_ms;
  int signal_number = 0;

  if (args == NULL)
    return -1;
  if (args[0] != NULL && !vp_config_set_qemu_args (config, args + 1, error))
    return -1;

  blueprint = vp_blueprint_new_for_rehearsal (g_steal_pointer (&config), root, error);
  if (blueprint == NULL)
    return -1;
  timeout_ms = vp_rehearsal_default_timeout (blueprint->plan);
  if (!vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  for (guint i = 0; i < blueprint->plan->warnings->len; i++)
    g_printerr ("vmplug: warning: %s\n", (char *) blueprint->plan->warnings->pdata[i]);

  report = vp_rehearse (blueprint, timeout_ms, &signal_number, error);
  if (signal_number != 0)
    {
      g_clear_error (error);
      return SIGNAL_STATUS + signal_number;
    }
  return report != NULL ? print_report (report, *as_json) : -1;
}
