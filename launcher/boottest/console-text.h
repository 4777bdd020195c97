#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpConsoleText:
 *
 * Makes text of what is meant for a terminal: without escape sequences and control characters,
 * except for tabs and newlines. CR LF is one newline and so is a CR alone; so is, within a line, a
 * sequence that puts the cursor elsewhere. All other bytes stay what they are, UTF-8 or not.
 *
 * It keeps no text. A sequence that is never ended goes no further than its line or a few KiB.
 */
typedef struct _VpConsoleText VpConsoleText;

/**
 * vp_console_text_new:
 *
 * Returns: (transfer full): free with vp_console_text_free()
 */
VpConsoleText *vp_console_text_new (void);
void vp_console_text_free (VpConsoleText *self);

/**
 * vp_console_text_push:
 * @self: a console's text
 * @data: (array length=size): output, cut anywhere
 * @size: bytes
 * @text: where what it says is appended: at most @size bytes
 */
void vp_console_text_push (VpConsoleText *self, const guint8 *data, gsize size, GString *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpConsoleText, vp_console_text_free)

G_END_DECLS
