#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** How much of what may be dropped waits for a reader that is slow, in bytes. */
#define VP_EVENT_STREAM_QUEUE (256 * 1024)

/**
 * VpEventStream:
 *
 * Events as lines of JSON on a file descriptor. A reader that is slow, or gone, never keeps a boot.
 */
typedef struct _VpEventStream VpEventStream;

/**
 * vp_event_stream_new:
 * @fd: a file descriptor that we were started with; stays open, and is not inherited by QEMU
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_event_stream_free(); %NULL with %VP_ERROR_USAGE
 *   when @fd cannot be written to
 */
VpEventStream *vp_event_stream_new (int fd, GError **error);

/**
 * vp_event_stream_free:
 *
 * Drops what still waits; see vp_event_stream_flush().
 */
void vp_event_stream_free (VpEventStream *self);

/**
 * vp_event_stream_send:
 * @self: a stream
 * @event: what happened
 * @may_drop: whether it is left out when there is no room in the queue; a caller bounds those that
 *   are never left out
 *
 * Never blocks: what is not taken at once goes on in the main loop.
 */
void vp_event_stream_send (VpEventStream *self, JsonObject *event, gboolean may_drop);

/**
 * vp_event_stream_flush:
 * @self: a stream
 * @timeout_ms: longest wait for the reader
 *
 * Waits until everything has been taken, or nobody reads any more.
 *
 * Returns: whether everything has been taken
 */
gboolean vp_event_stream_flush (VpEventStream *self, guint timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpEventStream, vp_event_stream_free)

G_END_DECLS
