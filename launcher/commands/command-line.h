#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * VpCommandLine:
 * @usage: what follows the command's name in its help, "VM ID"
 * @summary: one line
 * @entries: (nullable) (array): the command's own options, ended by a %NULL name
 * @main_group: (nullable) (transfer full): more of the command's own options, whose callbacks have
 *   data; those of its arguments may take all that is no option
 * @group: (nullable) (transfer full): a group of shared options
 * @min_args: fewest positional arguments
 * @max_args: most; -1 for any number
 * @root: (out) (transfer full): --root, else $VMPLUG_ROOT, else "/"
 * @config: (nullable): what @group fills; its file is read when all options are known
 *
 * What every command's command line has in common.
 */
typedef struct
{
  const char *usage;
  const char *summary;
  const GOptionEntry *entries;
  GOptionGroup *main_group;
  GOptionGroup *group;
  int min_args;
  int max_args;
  char *root;
  VpConfig *config;
} VpCommandLine;

/**
 * vp_command_line_parse:
 * @line: what the command accepts; @root is filled in
 * @argc: number of strings in @argv
 * @argv: the command's name and its arguments
 * @as_json: (nullable) (out): --json; %NULL when the command has no such option
 * @error: return location for a #GError
 *
 * Adds --root (hidden), --json and --help, which prints and exits 0. Where @usage shows a "--",
 * that and what follows it stays with the positional arguments and is not counted; elsewhere a "--"
 * only ends the options.
 *
 * Returns: (transfer full) (nullable): the positional arguments, or %NULL with %VP_ERROR_USAGE
 *   or with what a file of @config is wrong in
 */
char **vp_command_line_parse (
    VpCommandLine *line, int argc, char **argv, gboolean *as_json, GError **error);

G_END_DECLS
