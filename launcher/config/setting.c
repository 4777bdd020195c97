#include "launcher/config/setting.h"

#include <string.h>

VpSetting *
vp_setting_new (const char *option, const char *value, const char *key, const char *where)
{
  VpSetting *setting = g_new0 (VpSetting, 1);

  setting->option = g_strdup (option);
  setting->value = g_strdup (value);
  setting->key = g_strdup (key);
  setting->where = g_strdup (where);
  return setting;
}

VpSetting *
vp_setting_copy (const VpSetting *setting)
{
  VpSetting *copy = vp_setting_new (setting->option, setting->value, setting->key, setting->where);

  copy->level = setting->level;
  copy->is_own = setting->is_own;
  copy->is_limit = setting->is_limit;
  return copy;
}

void
vp_setting_free (VpSetting *setting)
{
  if (setting == NULL)
    return;

  g_free (setting->option);
  g_free (setting->value);
  g_free (setting->key);
  g_free (setting->where);
  g_free (setting);
}

char *
vp_setting_origin (const VpSetting *setting)
{
  const char *column;

  if (setting->where == NULL)
    return g_strdup ("command line");
  column = strrchr (setting->where, ':');
  return column != NULL ? g_strndup (setting->where, (gsize) (column - setting->where))
                        : g_strdup (setting->where);
}
