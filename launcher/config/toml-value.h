#pragma once

#include "launcher/config/toml-file.h"

G_BEGIN_DECLS

/**
 * VpTomlValue:
 * @file: where it stands
 * @path: where in it, "rule[0].address"
 * @key: the last key of @path, for messages
 * @node: the value
 *
 * One value of a TOML file, which is not yet known to be of the right type. It borrows everything.
 */
typedef struct
{
  VpTomlFile *file;
  const char *path;
  const char *key;
  JsonNode *node;
} VpTomlValue;

/**
 * VpTomlValueFunc:
 * @value: one value of a table, only there for the call
 * @user_data: of vp_toml_value_for_each()
 * @error: return location for a #GError
 *
 * Returns: %FALSE to stop
 */
typedef gboolean (*VpTomlValueFunc) (const VpTomlValue *value, gpointer user_data, GError **error);

/**
 * vp_toml_value_for_each:
 * @file: where @table stands
 * @path: (nullable): where in it, "rule[0]"; %NULL for the root table
 * @table: a table
 * @func: called with each of its values, in the order of the file
 * @user_data: for @func
 * @error: return location for a #GError
 *
 * Returns: %FALSE with the error of the @func that stopped it
 */
gboolean vp_toml_value_for_each (VpTomlFile *file,
                                 const char *path,
                                 JsonObject *table,
                                 VpTomlValueFunc func,
                                 gpointer user_data,
                                 GError **error);

/**
 * vp_toml_value_warn_of_key:
 * @self: a value whose key nobody knows
 * @warnings: (element-type utf8): gets "FILE:LINE:COLUMN: @what KEY"
 * @what: "there is no key"
 */
void vp_toml_value_warn_of_key (const VpTomlValue *self, GPtrArray *warnings, const char *what);

/**
 * vp_toml_value_refuse:
 * @self: a value
 * @error: return location for a #GError, set to %VP_ERROR_USAGE
 * @format: what is wrong with it
 *
 * Makes "FILE:LINE:COLUMN: KEY: what is wrong".
 *
 * Returns: %FALSE
 */
gboolean vp_toml_value_refuse (const VpTomlValue *self, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * vp_toml_value_prefix:
 * @self: a value
 * @error: (inout): what somebody else found wrong with it
 *
 * Puts "FILE:LINE:COLUMN: KEY: " before the message.
 *
 * Returns: %FALSE
 */
gboolean vp_toml_value_prefix (const VpTomlValue *self, GError **error);

/**
 * vp_toml_value_get_boolean:
 *
 * Returns: %FALSE when it is none
 */
gboolean vp_toml_value_get_boolean (const VpTomlValue *self, gboolean *value, GError **error);

/**
 * vp_toml_value_get_string:
 * @self: a value
 * @value: (out) (transfer none): its text, which is not empty and has no control characters
 * @error: return location for a #GError
 *
 * Returns: %FALSE when it is none
 */
gboolean vp_toml_value_get_string (const VpTomlValue *self, const char **value, GError **error);

/**
 * vp_toml_value_get_strings:
 * @self: a value
 * @values: (out) (transfer full): one string, or all those of an array that is not empty
 * @error: return location for a #GError
 *
 * Returns: %FALSE when it is neither
 */
gboolean vp_toml_value_get_strings (const VpTomlValue *self, char ***values, GError **error);

/**
 * vp_toml_value_get_number:
 * @self: a value
 * @min: the least that is allowed
 * @max: the most
 * @value: (out): a whole number
 * @error: return location for a #GError
 *
 * Returns: %FALSE when it is none
 */
gboolean vp_toml_value_get_number (
    const VpTomlValue *self, guint min, guint max, guint *value, GError **error);

/**
 * vp_toml_value_get_seconds:
 * @self: a value
 * @max: the most that is allowed
 * @milliseconds: (out): a number of seconds above 0, to the millisecond
 * @error: return location for a #GError
 *
 * Returns: %FALSE when it is none
 */
gboolean
vp_toml_value_get_seconds (const VpTomlValue *self, guint max, guint *milliseconds, GError **error);

/**
 * vp_toml_value_get_text:
 * @self: a value
 * @value: (out) (transfer full): a string, or a whole number as one writes it
 * @error: return location for a #GError
 *
 * For what the command line takes as text.
 *
 * Returns: %FALSE when it is neither
 */
gboolean vp_toml_value_get_text (const VpTomlValue *self, char **value, GError **error);

G_END_DECLS
