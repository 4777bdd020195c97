#pragma once

#include "launcher/config/toml-file.h"
#include "launcher/wrapper/device-rule.h"

G_BEGIN_DECLS

/**
 * vp_rule_table_parse:
 * @file: a file
 * @index: which of its [[rule]] tables, from 0
 * @table: that table
 * @warnings: (element-type utf8): each key that nobody knows is added
 * @error: return location for a #GError
 *
 * Pure.
 *
 * Returns: (transfer full) (nullable): a good rule, or %NULL with %VP_ERROR_USAGE,
 *   "FILE:LINE:COLUMN: …"
 */
VpDeviceRule *vp_rule_table_parse (
    VpTomlFile *file, guint index, JsonObject *table, GPtrArray *warnings, GError **error);

G_END_DECLS
