#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpMatrixAxis:
 * @key: what varies: "machine"
 * @values: (element-type utf8): what it is in turn; at least one
 */
typedef struct
{
  const char *key;
  const GPtrArray *values;
} VpMatrixAxis;

/**
 * vp_matrix_size:
 * @axes: (element-type VpMatrixAxis): what varies
 *
 * Returns: how many points the matrix has; 1 without axes, %G_MAXUINT for that many or more
 */
guint vp_matrix_size (const GArray *axes);

/**
 * vp_matrix_choice:
 * @axes: (element-type VpMatrixAxis): what varies
 * @point: which point, from 0 to vp_matrix_size() - 1
 * @axis: which of @axes
 *
 * The last axis varies fastest, as if each were a loop in the one before it. Pure.
 *
 * Returns: which of its values it has there
 */
guint vp_matrix_choice (const GArray *axes, guint point, guint axis);

/**
 * vp_matrix_name:
 * @axes: (element-type VpMatrixAxis): what varies
 * @point: which point
 * @name: what all of them are called
 *
 * Returns: (transfer full): "NAME[KEY=VALUE,KEY=VALUE]"; "NAME" without axes
 */
char *vp_matrix_name (const GArray *axes, guint point, const char *name);

G_END_DECLS
