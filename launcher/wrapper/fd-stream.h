#pragma once

#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/**
 * VpFdStream:
 *
 * One end of a connected Unix stream socket on the main loop: bytes both ways, each with the file
 * descriptors that came along. Never blocks, and reads and writes only when told.
 */
typedef struct _VpFdStream VpFdStream;

/** Told when @stream can be read or written, whichever it waits for, or is broken. */
typedef void (*VpFdStreamReady) (VpFdStream *stream, gpointer user_data);

/**
 * vp_fd_stream_new:
 * @fd: (transfer full): a connected socket; made non-blocking
 * @ready: called from the thread-default main context; may free the stream
 * @user_data: for @ready
 *
 * Returns: (transfer full): free with vp_fd_stream_free(), which hangs up
 */
VpFdStream *vp_fd_stream_new (int fd, VpFdStreamReady ready, gpointer user_data);
void vp_fd_stream_free (VpFdStream *self);

/**
 * vp_fd_stream_read:
 * @self: a stream
 * @buffer: (array length=size): where to
 * @size: its size
 * @fds: (out) (nullable): descriptors that came with the bytes, close-on-exec. If the process could
 *   not take all of them there are none
 *
 * Returns: how many bytes, 0 at the end of the stream, -1 if there is nothing to read now
 */
gssize vp_fd_stream_read (VpFdStream *self, guint8 *buffer, gsize size, GUnixFDList **fds);

/**
 * vp_fd_stream_write:
 * @self: a stream
 * @bytes: (transfer full): what to send, at once or later
 * @fds: (nullable): descriptors that go along with the first byte; referenced
 */
void vp_fd_stream_write (VpFdStream *self, GString *bytes, GUnixFDList *fds);

/**
 * vp_fd_stream_shutdown:
 * @self: a stream
 *
 * Nothing more will be written; what is unsent goes first.
 */
void vp_fd_stream_shutdown (VpFdStream *self);

/**
 * vp_fd_stream_want_read:
 * @self: a stream
 * @wanted: whether to be told that there is something to read; at first it is not
 */
void vp_fd_stream_want_read (VpFdStream *self, gboolean wanted);

/**
 * vp_fd_stream_get_unsent:
 *
 * Returns: how many bytes wait until the peer reads
 */
gsize vp_fd_stream_get_unsent (const VpFdStream *self);

/**
 * vp_fd_stream_is_at_end:
 *
 * Returns: whether all that the peer has sent is read and nothing more comes
 */
gboolean vp_fd_stream_is_at_end (const VpFdStream *self);

/**
 * vp_fd_stream_is_deaf:
 *
 * Returns: whether the peer reads nothing more: it is gone
 */
gboolean vp_fd_stream_is_deaf (const VpFdStream *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpFdStream, vp_fd_stream_free)

G_END_DECLS
