#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_visible_line:
 * @text: anything: from a guest, a file or a peer
 *
 * Returns: (transfer full): one line of valid UTF-8 that does nothing to a terminal: what is not
 *   printable is there as \xNN or \uNNNN
 */
char *vp_visible_line (const char *text);

G_END_DECLS
