#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpSetting:
 * @option: long name of the option, without dashes
 * @value: its value, as the command line would have it
 * @key: (nullable): what it is called in the file
 * @where: (nullable): "FILE:LINE:COLUMN"; %NULL: the command line
 * @level: which file: a later one counts more
 * @is_own: it is from [vmplug], which counts more than what kata has in the same file
 * @is_limit: it is a bound of kata's, and gives way to what the VM starts with
 *
 * One value of one option, and where it comes from.
 */
typedef struct
{
  char *option;
  char *value;
  char *key;
  char *where;
  guint level;
  gboolean is_own;
  gboolean is_limit;
} VpSetting;

/**
 * vp_setting_new:
 * @option: long name of the option
 * @value: (nullable): its value
 * @key: (nullable): what it is called in the file
 * @where: (nullable): its place there
 *
 * Returns: (transfer full): free with vp_setting_free()
 */
VpSetting *
vp_setting_new (const char *option, const char *value, const char *key, const char *where);
VpSetting *vp_setting_copy (const VpSetting *setting);
void vp_setting_free (VpSetting *setting);

/**
 * vp_setting_origin:
 *
 * Returns: (transfer full): "FILE:LINE" or "command line"
 */
char *vp_setting_origin (const VpSetting *setting);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpSetting, vp_setting_free)

G_END_DECLS
