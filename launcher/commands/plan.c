#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/config/option-group.h"
#include "launcher/error.h"
#include "launcher/vm/blueprint.h"

#include <stdio.h>

int
vp_command_plan (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBlueprint) blueprint = NULL;
  gboolean as_dot = FALSE;
  const GOptionEntry entries[] = {
    { "dot", 0, 0, G_OPTION_ARG_NONE, &as_dot, "Print a graph; \"dot -Tsvg\" makes a picture of it",
      NULL },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "[-- QEMU-ARG…]",
    .summary = "Prints where each device goes, why, and QEMU's command line. Changes nothing.",
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

  if (as_dot && *as_json)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "--dot and --json exclude each other");
      return -1;
    }

  blueprint = vp_blueprint_new (g_steal_pointer (&config), root, error);
  if (blueprint == NULL)
    return -1;

  if (*as_json)
    vp_output_json (vp_blueprint_to_json (blueprint));
  else
    {
      g_autofree char *text =
          as_dot ? vp_blueprint_to_dot (blueprint)
                 : vp_blueprint_to_text (blueprint, vp_output_has_colour (STDOUT_FILENO));

      fputs (text, stdout);
    }
  return 0;
}
