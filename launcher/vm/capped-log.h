#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpCappedLog:
 *
 * A file that keeps the last part of what is written to it, so that a guest that prints for ever
 * does not fill the disk.
 */
typedef struct _VpCappedLog VpCappedLog;

/**
 * vp_capped_log_new:
 * @fd: (transfer full): a regular file, open for reading and writing; -1 for a log that keeps
 * nothing
 * @limit: size in bytes that it never exceeds; at least 8
 *
 * Returns: (transfer full): free with vp_capped_log_free()
 */
VpCappedLog *vp_capped_log_new (int fd, gsize limit);
void vp_capped_log_free (VpCappedLog *self);

/**
 * vp_capped_log_append:
 * @self: a log
 * @data: (array length=size): what to add
 * @size: bytes
 *
 * Before the file would grow over the limit it is cut back to its last quarter: at most a copy of
 * limit / 4 bytes, once in limit * 3/4 bytes. What a full disk does not take is lost: the log is
 * not worth a guest.
 */
void vp_capped_log_append (VpCappedLog *self, const guint8 *data, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpCappedLog, vp_capped_log_free)

G_END_DECLS
