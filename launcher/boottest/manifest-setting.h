#pragma once

#include "launcher/boottest/boot-options.h"
#include "launcher/boottest/manifest-key.h"
#include "launcher/config/toml-value.h"

G_BEGIN_DECLS

/**
 * VpManifestSetting:
 * @key: what it sets
 * @name: what it is called in the manifest
 * @values: (element-type VpSetting): as the command line would have them; of steps, their words
 * @texts: (element-type utf8): the same as the manifest has them
 * @is_axis: whether it is each of its values in turn, and not all of them at once
 *
 * One key of a manifest with its value.
 */
typedef struct
{
  VpManifestKey key;
  char *name;
  GPtrArray *values;
  GPtrArray *texts;
  gboolean is_axis;
} VpManifestSetting;

/**
 * vp_manifest_setting_read:
 * @key: what @value is the value of
 * @value: a value of [defaults], of a [[case]] or of the matrix of one of them
 * @in_matrix: the last
 * @folder: where the manifest is
 * @error: return location for a #GError
 *
 * Whether the values themselves are good is only known when they are applied.
 *
 * Returns: (transfer full) (nullable): free with vp_manifest_setting_free(); %NULL with
 *   %VP_ERROR_USAGE, "FILE:LINE:COLUMN: KEY: …"
 */
VpManifestSetting *vp_manifest_setting_read (const VpManifestKey *key,
                                             const VpTomlValue *value,
                                             gboolean in_matrix,
                                             const char *folder,
                                             GError **error);
void vp_manifest_setting_free (VpManifestSetting *self);

/**
 * vp_manifest_setting_apply:
 * @self: a setting
 * @choice: which of its values, if it is an axis
 * @config: gets what is about the VM
 * @options: gets what is about the boot test
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID, "FILE:LINE:COLUMN: KEY: …"
 */
gboolean vp_manifest_setting_apply (const VpManifestSetting *self,
                                    guint choice,
                                    VpConfig *config,
                                    VpBootOptions *options,
                                    GError **error);

/**
 * vp_manifest_setting_add_words:
 * @self: a setting
 * @choice: which of its values, if it is an axis
 * @argv: (element-type utf8): gets what says the same on the command line of vmplug boot
 */
void vp_manifest_setting_add_words (const VpManifestSetting *self, guint choice, GPtrArray *argv);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpManifestSetting, vp_manifest_setting_free)

G_END_DECLS
