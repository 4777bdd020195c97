#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define VP_TYPE_QMP_CHANNEL (vp_qmp_channel_get_type ())
G_DECLARE_FINAL_TYPE (VpQmpChannel, vp_qmp_channel, VP, QMP_CHANNEL, GObject)

/** Most file descriptors that travel with one message; QEMU takes no more. */
#define VP_QMP_MAX_FDS 16

/**
 * vp_qmp_channel_new:
 * @socket: a connected stream socket; referenced, made non-blocking
 * @max_line: longest line accepted, in bytes
 * @max_unsent: most bytes kept for a peer that does not read
 *
 * One end of a stream of JSON lines: what client and server share. It reads as soon as it exists,
 * on the thread-default main context, and never blocks. File descriptors that the peer passes are
 * not received: the kernel closes them.
 *
 * Signals, all from the main context:
 * - "message" (JsonObject *message) for each object that arrives;
 * - "malformed" (const GError *fault), returns gboolean: a line that is no JSON object came; the
 *   channel goes on when a handler returns %TRUE, else it closes;
 * - "closed" (const GError *reason) once, when the peer hung up, sent no lines, did not read, or
 *   vp_qmp_channel_close() was called. What the peer said before it hung up comes first.
 *
 * A handler may close or drop the channel. While its source is attached the channel keeps itself
 * alive: close it to let go.
 *
 * Returns: (transfer full): a channel
 */
VpQmpChannel *vp_qmp_channel_new (GSocket *socket, gsize max_line, gsize max_unsent);

/**
 * vp_qmp_channel_send:
 * @self: a channel
 * @message: an object
 * @fds: (nullable): file descriptors to pass along with it (SCM_RIGHTS, at most %VP_QMP_MAX_FDS);
 *   referenced until they are sent
 *
 * Sends at once what the socket takes and queues the rest. On a closed channel it is dropped:
 * "closed" has said so. Emits nothing itself: a failure is reported later.
 */
void vp_qmp_channel_send (VpQmpChannel *self, JsonObject *message, GUnixFDList *fds);

/**
 * vp_qmp_channel_send_line:
 * @self: a channel
 * @line: (transfer full): a message as vp_qmp_message_to_line() prints it
 * @fds: (nullable): as for vp_qmp_channel_send()
 *
 * Like vp_qmp_channel_send(), for a caller that has the text already.
 */
void vp_qmp_channel_send_line (VpQmpChannel *self, char *line, GUnixFDList *fds);

/**
 * vp_qmp_channel_close:
 * @self: a channel
 *
 * Drops what the socket does not take at once and emits "closed". Closing twice is fine.
 */
void vp_qmp_channel_close (VpQmpChannel *self);

/**
 * vp_qmp_channel_is_closed:
 *
 * Returns: whether it is
 */
gboolean vp_qmp_channel_is_closed (VpQmpChannel *self);

G_END_DECLS
