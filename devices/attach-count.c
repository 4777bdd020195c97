#include "devices/attach-count.h"

#include "devices/error.h"

gboolean
vp_attach_count_up (guint *count, GError **error)
{
  g_return_val_if_fail (count != NULL, FALSE);

  if (*count < VP_ATTACH_COUNT_MAX)
    {
      (*count)++;
      return TRUE;
    }
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE, "attached %u times already",
               *count);
  return FALSE;
}

gboolean
vp_attach_count_down (guint *count, gboolean *is_last, GError **error)
{
  g_return_val_if_fail (count != NULL && is_last != NULL, FALSE);

  *is_last = *count == 1;
  if (*count > 0)
    {
      (*count)--;
      return TRUE;
    }
  g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND, "not attached");
  return FALSE;
}
