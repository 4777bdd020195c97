#include "launcher/boottest/matrix.h"

guint
vp_matrix_size (const GArray *axes)
{
  guint size = 1;

  g_return_val_if_fail (axes != NULL, 0);

  for (guint i = 0; i < axes->len; i++)
    if (!g_uint_checked_mul (&size, size, g_array_index (axes, VpMatrixAxis, i).values->len))
      return G_MAXUINT;
  return size;
}

static guint
length_of (const GArray *axes, guint axis)
{
  return g_array_index (axes, VpMatrixAxis, axis).values->len;
}

guint
vp_matrix_choice (const GArray *axes, guint point, guint axis)
{
  g_return_val_if_fail (axes != NULL && axis < axes->len, 0);

  for (guint i = axes->len - 1; i > axis; i--)
    point /= length_of (axes, i);
  return point % length_of (axes, axis);
}

char *
vp_matrix_name (const GArray *axes, guint point, const char *name)
{
  GString *text = g_string_new (name);

  for (guint i = 0; i < axes->len; i++)
    {
      const VpMatrixAxis *axis = &g_array_index (axes, VpMatrixAxis, i);

      g_string_append_printf (text, "%c%s=%s", i == 0 ? '[' : ',', axis->key,
                              (char *) axis->values->pdata[vp_matrix_choice (axes, point, i)]);
    }
  if (axes->len > 0)
    g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}
