#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpGuestStream:
 *
 * Moves what a guest's command prints to a descriptor of ours. It holds one piece at a time: while
 * our reader is slow nothing more is taken, and the guest waits.
 */
typedef struct _VpGuestStream VpGuestStream;

/**
 * vp_guest_stream_new:
 * @from: (transfer full): a socket
 * @to: where it goes; not made non-blocking, since others may have it, too, and still never waited
 *   for. Stays the caller's
 * @seen: called with each piece that comes
 * @moved: called whenever something has been moved
 * @user_data: for both
 *
 * When nobody reads @to any more the rest is thrown away, and counts as moved.
 *
 * Returns: (transfer full): free with vp_guest_stream_free()
 */
VpGuestStream *vp_guest_stream_new (int from,
                                    int to,
                                    void (*seen) (const char *data, gsize size, gpointer user_data),
                                    void (*moved) (gpointer user_data),
                                    gpointer user_data);
void vp_guest_stream_free (VpGuestStream *self);

/**
 * vp_guest_stream_get_moved:
 *
 * Returns: how many bytes have been moved
 */
guint64 vp_guest_stream_get_moved (const VpGuestStream *self);

/**
 * vp_guest_stream_flush:
 * @self: a stream
 * @timeout_ms: longest wait for our reader
 *
 * Moves what a guest that is gone has left.
 */
void vp_guest_stream_flush (VpGuestStream *self, guint timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpGuestStream, vp_guest_stream_free)

G_END_DECLS
