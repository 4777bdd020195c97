#pragma once

#include "launcher/vm/blueprint.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_output_json:
 * @document: (transfer full): what --json prints
 *
 * Prints it on stdout, in one line.
 */
void vp_output_json (JsonObject *document);

/**
 * vp_output_print_command:
 * @blueprint: a VM
 * @as_json: whether to print its plan, of which the command line is a part
 *
 * Prints QEMU's command line on stdout, as a shell takes it.
 */
void vp_output_print_command (const VpBlueprint *blueprint, gboolean as_json);

/**
 * vp_output_table:
 * @rows: (element-type GStrv): the lines, the heading first, all of one length
 *
 * Prints them in columns, two blanks apart.
 */
void vp_output_table (const GPtrArray *rows);

/**
 * vp_output_has_colour:
 * @fd: where it goes: STDOUT_FILENO or STDERR_FILENO
 *
 * Returns: whether @fd is a terminal whose user wants colours (https://no-color.org)
 */
gboolean vp_output_has_colour (int fd);

G_END_DECLS
