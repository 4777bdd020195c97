#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define VP_TYPE_QMP_CHANNEL (vp_qmp_channel_get_type ())
G_DECLARE_FINAL_TYPE (VpQmpChannel, vp_qmp_channel, VP, QMP_CHANNEL, GObject)

/**
 * vp_qmp_channel_new:
 * @socket: a connected, non-blocking stream socket; referenced
 * @max_line: longest line accepted, in bytes
 * @max_unsent: most bytes kept for a peer that does not read
 *
 * One end of a stream of JSON lines: what client and server share. It reads as soon as it exists,
 * on the thread-default main context, and never blocks.
 *
 * Signals: "message" (JsonObject *message) for each object that arrives; "closed" (GError *reason)
 * once, when the peer hung up, sent no QMP, did not read, or vp_qmp_channel_close() was called.
 * While its source is attached the channel keeps itself alive: close it to let go.
 *
 * Returns: (transfer full): a channel
 */
VpQmpChannel *vp_qmp_channel_new (GSocket *socket, gsize max_line, gsize max_unsent);

/**
 * vp_qmp_channel_send:
 * @self: a channel
 * @message: an object
 * @fds: (nullable): file descriptors to pass along with it (SCM_RIGHTS, at most 16); they are
 *   duplicated and stay the caller's
 *
 * Queues a message. On a closed channel it is dropped: "closed" has said so.
 */
void vp_qmp_channel_send (VpQmpChannel *self, JsonObject *message, GUnixFDList *fds);

/**
 * vp_qmp_channel_close:
 * @self: a channel
 *
 * Drops what is unsent and emits "closed". Closing twice is fine.
 */
void vp_qmp_channel_close (VpQmpChannel *self);

/**
 * vp_qmp_channel_is_closed:
 *
 * Returns: whether it is
 */
gboolean vp_qmp_channel_is_closed (VpQmpChannel *self);

G_END_DECLS
