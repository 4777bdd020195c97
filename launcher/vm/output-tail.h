#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpOutputTail:
 *
 * The last part of what a program printed, however much it prints.
 */
typedef struct _VpOutputTail VpOutputTail;

/**
 * vp_output_tail_new:
 * @capacity: most bytes kept
 *
 * Returns: (transfer full): an empty tail
 */
VpOutputTail *vp_output_tail_new (gsize capacity);
void vp_output_tail_free (VpOutputTail *self);

/**
 * vp_output_tail_push:
 * @self: a tail
 * @data: (array length=size): what was printed
 * @size: bytes
 */
void vp_output_tail_push (VpOutputTail *self, const char *data, gsize size);

/**
 * vp_output_tail_last_line:
 * @self: a tail
 *
 * Returns: (transfer full) (nullable): the last line that is not blank, valid UTF-8, without
 * control characters; %NULL when there is none
 */
char *vp_output_tail_last_line (VpOutputTail *self);

/**
 * vp_output_tail_last_report:
 * @self: a tail
 * @prefix: how the program begins what it reports: "qemu-system-x86_64: "
 *
 * What follows a report, at most three lines of it, are hints that say little without it.
 *
 * Returns: (transfer full) (nullable): the last report and its hints, in one line; the last line
 *   when no report is near the end; %NULL when there is no line at all
 */
char *vp_output_tail_last_report (VpOutputTail *self, const char *prefix);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpOutputTail, vp_output_tail_free)

G_END_DECLS
