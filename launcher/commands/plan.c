#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/config/option-group.h"
#include "launcher/vm/blueprint.h"

#include <stdio.h>

int
vp_command_plan (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBlueprint) blueprint = NULL;
  VpCommandLine line = {
    .usage = "[-- QEMU-ARG…]",
    .summary = "Prints where each device goes, why, and QEMU's command line. Changes nothing.",
    .group = vp_config_option_group (config),
    .max_args = 0,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;

  if (args == NULL)
    return -1;
  if (args[0] != NULL && !vp_config_set_qemu_args (config, args + 1, error))
    return -1;

  blueprint = vp_blueprint_new (g_steal_pointer (&config), root, error);
  if (blueprint == NULL)
    return -1;

  if (*as_json)
    vp_output_json (vp_blueprint_to_json (blueprint));
  else
    {
      g_autofree char *text = vp_blueprint_to_text (blueprint, vp_output_has_colour ());

      fputs (text, stdout);
    }
  return 0;
}
