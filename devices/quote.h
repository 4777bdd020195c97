#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_quote:
 * @text: anything, from a user or a file
 *
 * For error messages: one line whatever @text holds. Control and non-ASCII bytes are escaped as
 * in C, and what is longer than 64 bytes is cut.
 *
 * Returns: (transfer full): @text in double quotes
 */
char *vp_quote (const char *text);

G_END_DECLS
