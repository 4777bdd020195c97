#pragma once

#include "launcher/config/setting.h"
#include "launcher/config/toml-file.h"

G_BEGIN_DECLS

/** The table of a file that has the options of the VM. */
#define VP_OWN_TABLE "vmplug"

/**
 * vp_own_table_add:
 * @file: a file
 * @level: which one it is
 * @settings: (element-type VpSetting): grows by what [vmplug] says, one for each element of an
 *   array
 * @warnings: (element-type utf8): grows by the keys and tables that nobody knows
 * @error: return location for a #GError
 *
 * A key is an option with "_" for "-". An option that may be given more than once is an array.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, with the place, when a value is of a type that the option
 *   does not take
 */
gboolean vp_own_table_add (
    VpTomlFile *file, guint level, GPtrArray *settings, GPtrArray *warnings, GError **error);

/**
 * vp_own_table_write:
 * @settings: (element-type VpSetting): what was set
 *
 * Returns: (transfer full): a file with [vmplug] that says the same
 */
char *vp_own_table_write (const GPtrArray *settings);

G_END_DECLS
