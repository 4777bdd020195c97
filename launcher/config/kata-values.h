#pragma once

#include "launcher/config/kata-key.h"
#include "launcher/config/toml-file.h"

G_BEGIN_DECLS

/**
 * VpKataValue:
 * @key: what it is
 * @node: the value, of the right type; borrowed from the file
 * @where: "FILE:LINE:COLUMN"
 * @level: which file
 */
typedef struct
{
  const VpKataKey *key;
  JsonNode *node;
  char *where;
  guint level;
} VpKataValue;

/**
 * VpKataValues:
 *
 * What kata's keys say in all files together: each key as the last file has it.
 */
typedef struct _VpKataValues VpKataValues;

VpKataValues *vp_kata_values_new (void);
void vp_kata_values_free (VpKataValues *self);

/**
 * vp_kata_values_add_file:
 * @self: what earlier files say
 * @file: a file; must outlive the values
 * @level: which one it is
 * @warnings: (element-type utf8): grows by the keys that nobody knows
 * @error: return location for a #GError
 *
 * Takes the keys of [hypervisor.qemu] and [runtime]. Tables of other hypervisors and of the agent
 * are not looked into.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when a value is of the wrong type
 */
gboolean vp_kata_values_add_file (
    VpKataValues *self, VpTomlFile *file, guint level, GPtrArray *warnings, GError **error);

/**
 * vp_kata_values_check:
 * @self: what all files say
 * @warnings: (element-type utf8): grows by what the VM will do without
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when there is something that the VM must not do without
 */
gboolean vp_kata_values_check (VpKataValues *self, GPtrArray *warnings, GError **error);

/**
 * vp_kata_values_get:
 *
 * Returns: (transfer none) (nullable): the value of the key @name of [hypervisor.qemu]
 */
const VpKataValue *vp_kata_values_get (VpKataValues *self, const char *name);

/**
 * vp_kata_values_get_text:
 *
 * Returns: (transfer none) (nullable): the same, when it is a string that is not empty; @text is
 *   that string
 */
const VpKataValue *
vp_kata_values_get_text (VpKataValues *self, const char *name, const char **text);

/**
 * vp_kata_value_refuse:
 * @value: a value
 * @error: return location for a #GError
 * @format: what is wrong with it
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, "FILE:LINE:COLUMN: KEY: …"
 */
gboolean vp_kata_value_refuse (const VpKataValue *value, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpKataValues, vp_kata_values_free)

G_END_DECLS
