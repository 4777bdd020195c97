#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_CONSOLE (vp_console_get_type ())
G_DECLARE_FINAL_TYPE (VpConsole, vp_console, VP, CONSOLE, GObject)

/** What a client that connects is shown of the past, in bytes. */
#define VP_CONSOLE_BACKLOG (64 * 1024)

/**
 * vp_console_new:
 * @guest_fd: (transfer full): our end of the socketpair behind the guest's serial port
 * @listen_fd: (transfer full): a listening socket for `vmplug console`
 * @log_fd: (transfer full): where all output goes too; after 64 MiB it is cut back to its last
 *   quarter, so that a guest that prints for ever does not fill the disk
 *
 * Always drains the guest's serial port, whoever listens, because a full one stops the guest. Each
 * client first gets the backlog, then what comes; all of them can type. A client that does not read
 * loses output (256 KiB unsent), never the guest. Only this process's uid and root are let in, 32
 * at a time. When there are no descriptors left for a client it waits for a second instead of
 * spinning.
 *
 * Signals: "output" (GBytes *bytes): each piece as it came.
 *
 * Returns: (transfer full): a console; vp_console_close() before dropping it
 */
VpConsole *vp_console_new (int guest_fd, int listen_fd, int log_fd);

/**
 * vp_console_write:
 * @self: a console
 * @data: (array length=size): what is typed
 * @size: bytes
 *
 * At most 64 KiB wait for the guest to read them; the rest is dropped.
 */
void vp_console_write (VpConsole *self, const guint8 *data, gsize size);

/**
 * vp_console_close:
 * @self: a console
 *
 * Takes what the guest has already written, hands on what the clients take at once, and hangs up on
 * everyone.
 */
void vp_console_close (VpConsole *self);

G_END_DECLS
