#include "launcher/config/share.h"

#include "launcher/config/params.h"
#include "launcher/error.h"

#define TAG_GRAMMAR "[A-Za-z0-9][A-Za-z0-9_.-]{0,30}" /* virtio-9p of QEMU takes 31 characters */

void
vp_share_free (VpShare *share)
{
  if (share == NULL)
    return;

  g_free (share->dir);
  g_free (share->tag);
  g_free (share);
}

VpShare *
vp_share_parse (const char *text, GError **error)
{
  g_autoptr (VpParams) params = vp_params_parse (text, error);
  g_autoptr (VpShare) share = g_new0 (VpShare, 1);

  if (params == NULL)
    return NULL;

  share->dir = g_strdup (params->head);
  for (guint i = 0; i < params->rest->len; i++)
    {
      const VpParam *param = params->rest->pdata[i];

      if (g_str_equal (param->key, "readonly") && param->value == NULL)
        {
          share->readonly = TRUE;
          continue;
        }
      if (!g_str_equal (param->key, "tag") || param->value == NULL)
        {
          vp_params_refuse (param, "tag=, readonly", error);
          return NULL;
        }
      if (!g_regex_match_simple ("^" TAG_GRAMMAR "$", param->value, G_REGEX_DOLLAR_ENDONLY, 0))
        {
          vp_error_refuse (error, param->value, "is not a tag: " TAG_GRAMMAR);
          return NULL;
        }
      share->tag = g_strdup (param->value);
    }

  if (share->tag == NULL)
    {
      vp_error_refuse (error, text, "needs tag=NAME, under which the guest mounts it");
      return NULL;
    }
  return g_steal_pointer (&share);
}
