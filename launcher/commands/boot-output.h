#pragma once

#include "launcher/boottest/boot-options.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_boot_output_print_progress:
 * @event: what has happened, as in --events
 *
 * Prints what a person wants to see of it on stderr.
 */
void vp_boot_output_print_progress (JsonObject *event);

/**
 * vp_boot_output_print_steps:
 * @document: the document of a boot test
 *
 * Prints on stderr when each step was done, if it has passed: the same lines as
 * vp_boot_output_print_progress(), where those were only drawn.
 */
void vp_boot_output_print_steps (JsonObject *document);

/**
 * vp_boot_output_print_verdict:
 * @document: the document of a boot test
 * @options: what was asked of it
 * @as_json: whether stdout is to be the document, and nothing else
 *
 * Prints it on stdout, and on stderr what there is to know of a failure; where stdout is that of a
 * command in the guest, nothing else.
 */
void
vp_boot_output_print_verdict (JsonObject *document, const VpBootOptions *options, gboolean as_json);

/**
 * vp_boot_output_publish:
 * @document: the document of a boot test
 * @options: what was asked of it
 * @error: return location for a #GError
 *
 * Writes it as JUnit where that was asked for, and for GitHub where that runs us; not when somebody
 * follows the events, who will do so.
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean
vp_boot_output_publish (JsonObject *document, const VpBootOptions *options, GError **error);

G_END_DECLS
