#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** How much longer than the supervisor a client waits for its answer. */
#define VP_TIMEOUT_MARGIN_MS 10000

/**
 * vp_timeout_parse:
 * @text: (nullable): value of --timeout: seconds from 0 to a day, with or without a fraction
 * @timeout_ms: (inout): the default; untouched when @text is %NULL
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_timeout_parse (const char *text, guint *timeout_ms, GError **error);

G_END_DECLS
