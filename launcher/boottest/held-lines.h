#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpHeldLine:
 * @text: (array length=size): any bytes
 * @size: its length
 * @is_whole: whether the line ends with it; if not, the next one overlaps it
 *
 * A line to be looked at later.
 */
typedef struct
{
  char *text;
  gsize size;
  gboolean is_whole;
} VpHeldLine;

/**
 * VpHeldLines:
 *
 * Lines to be looked at later, in their order.
 */
typedef struct _VpHeldLines VpHeldLines;

/**
 * vp_held_lines_new:
 *
 * Returns: (transfer full): free with vp_held_lines_free()
 */
VpHeldLines *vp_held_lines_new (void);
void vp_held_lines_free (VpHeldLines *self);

void vp_held_lines_push (VpHeldLines *self, const char *text, gsize size, gboolean is_whole);

/**
 * vp_held_lines_peek:
 *
 * Returns: (transfer none) (nullable): the oldest line
 */
const VpHeldLine *vp_held_lines_peek (VpHeldLines *self);

/**
 * vp_held_lines_drop:
 *
 * Forgets the oldest line.
 */
void vp_held_lines_drop (VpHeldLines *self);

/**
 * vp_held_lines_get_cost:
 *
 * Returns: about how many bytes of memory the lines take
 */
gsize vp_held_lines_get_cost (const VpHeldLines *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpHeldLines, vp_held_lines_free)

G_END_DECLS
