#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** More than any program here has to say: "-device help" of QEMU is 40 KiB. */
#define VP_PROGRAM_OUTPUT_MAX ((gsize) 1 << 20)

/**
 * vp_program_output:
 * @argv: (array zero-terminated=1): a program, looked up in PATH when it has no slash, and its
 *   arguments
 * @milliseconds: how long it may take
 * @error: return location for a #GError
 *
 * Runs it to its end, without input, and kills it when it takes longer or says more than
 * %VP_PROGRAM_OUTPUT_MAX. Blocks until then.
 *
 * Returns: (transfer full) (nullable): what it wrote on stdout and stderr; %NULL with
 *   %VP_ERROR_HOST, also when it ended with another status than 0
 */
char *vp_program_output (const char *const *argv, guint milliseconds, GError **error);

G_END_DECLS
