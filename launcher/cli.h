#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpCommandFunc:
 * @argc: number of strings in @argv, which starts with the command's name
 * @argv: its own arguments, changed as they are parsed
 * @as_json: (out): set when --json was given, also when the function fails later
 * @error: return location for a #GError
 *
 * Returns: the exit status, or -1 with @error set
 */
typedef int (*VpCommandFunc) (int argc, char **argv, gboolean *as_json, GError **error);

/**
 * VpCommand:
 * @name: what the user types
 * @summary: one line for the list of commands
 * @run: does it
 */
typedef struct
{
  const char *name;
  const char *summary;
  VpCommandFunc run;
} VpCommand;

/**
 * vp_cli_find:
 *
 * Returns: (nullable) (transfer none): the command called @name
 */
const VpCommand *vp_cli_find (const char *name);

/**
 * vp_cli_help:
 *
 * Returns: (transfer full): the list of commands and the common options
 */
char *vp_cli_help (void);

G_END_DECLS
