#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpLineRing:
 *
 * The last lines of a text, however many come.
 */
typedef struct _VpLineRing VpLineRing;

/**
 * vp_line_ring_new:
 * @capacity: most lines kept
 *
 * Returns: (transfer full): free with vp_line_ring_free()
 */
VpLineRing *vp_line_ring_new (guint capacity);
void vp_line_ring_free (VpLineRing *self);

/**
 * vp_line_ring_push:
 * @self: a ring
 * @line: (array length=size): one line, any bytes
 * @size: its length
 */
void vp_line_ring_push (VpLineRing *self, const char *line, gsize size);

/**
 * vp_line_ring_get_n_pushed:
 *
 * Returns: how many lines have ever come
 */
guint64 vp_line_ring_get_n_pushed (const VpLineRing *self);

/**
 * vp_line_ring_append_last:
 * @self: a ring
 * @n: how many at most
 * @lines: (element-type utf8): where the last lines are appended, in their order; valid UTF-8
 */
void vp_line_ring_append_last (const VpLineRing *self, guint n, GPtrArray *lines);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpLineRing, vp_line_ring_free)

G_END_DECLS
