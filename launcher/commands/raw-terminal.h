#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpRawTerminal:
 *
 * A terminal whose every key goes to the program as it is, Ctrl-C too, until it is freed.
 */
typedef struct _VpRawTerminal VpRawTerminal;

/**
 * vp_raw_terminal_new:
 * @fd: a terminal; stays the caller's
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): a terminal in raw mode, or %NULL with %VP_ERROR_HOST
 */
VpRawTerminal *vp_raw_terminal_new (int fd, GError **error);

/**
 * vp_raw_terminal_free:
 * @self: (nullable): a terminal
 *
 * Makes it what it was before.
 */
void vp_raw_terminal_free (VpRawTerminal *self);

/**
 * vp_raw_terminal_leave:
 * @self: a terminal
 *
 * Makes it what it was before, for a while: the program is about to be stopped.
 */
void vp_raw_terminal_leave (VpRawTerminal *self);

/**
 * vp_raw_terminal_enter:
 * @self: a terminal
 *
 * Makes it raw again: the program goes on, and the shell had the terminal meanwhile.
 */
void vp_raw_terminal_enter (VpRawTerminal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRawTerminal, vp_raw_terminal_free)

G_END_DECLS
