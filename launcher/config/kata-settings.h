#pragma once

#include "launcher/config/host-size.h"
#include "launcher/config/kata-values.h"
#include "launcher/config/setting.h"

G_BEGIN_DECLS

/**
 * vp_kata_settings_add:
 * @values: what kata's files say
 * @host: what "all of the host" is
 * @settings: (element-type VpSetting): grows by what that is in options of the VM
 * @error: return location for a #GError
 *
 * Pure. Each setting has the place and the level of the key that it comes from. The disk of image
 * is not among them, see vp_kata_settings_get_image().
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, with the place, when a value is none that the key can have,
 *   or two keys exclude each other
 */
gboolean vp_kata_settings_add (VpKataValues *values,
                               const VpHostSize *host,
                               GPtrArray *settings,
                               GError **error);

/**
 * vp_kata_settings_get_image:
 * @values: values that vp_kata_settings_add() has nothing against
 * @root: (out) (transfer full): what tells the kernel that its root file system is on the first
 *   disk
 *
 * Returns: (transfer full) (nullable): the disk of image, which must be the first
 */
VpSetting *vp_kata_settings_get_image (VpKataValues *values, char **root);

G_END_DECLS
