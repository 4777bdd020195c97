#pragma once

#include <glib-unix.h>

G_BEGIN_DECLS

/**
 * vp_fd_watch_new:
 * @fd: a descriptor; stays the caller's, and open as long as the watch exists
 * @condition: what to wait for; %G_IO_HUP and %G_IO_ERR are always reported too
 * @callback: called whenever that is so
 * @user_data: for @callback
 *
 * Returns: (transfer full): a source, attached to the thread-default main context; drop it with
 *   vp_fd_watch_clear()
 */
GSource *
vp_fd_watch_new (int fd, GIOCondition condition, GUnixFDSourceFunc callback, gpointer user_data);

/**
 * vp_fd_watch_clear:
 * @watch: (inout) (nullable): a watch, also the one whose callback runs; becomes %NULL
 */
void vp_fd_watch_clear (GSource **watch);

G_END_DECLS
