#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_signals_open:
 *
 * From now on SIGINT, SIGTERM and SIGHUP come through a signalfd on the main loop, not through
 * GLib's worker thread, and end nothing by themselves; SIGPIPE and SIGXFSZ are ignored.
 *
 * Returns: a non-blocking signalfd, or -1
 */
int vp_signals_open (void);

/**
 * vp_signals_read:
 * @fd: what vp_signals_open() returned
 *
 * Returns: the number of the next signal that has come, or 0
 */
int vp_signals_read (int fd);

G_END_DECLS
