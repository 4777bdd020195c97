#pragma once

#include "launcher/config/toml-value.h"

G_BEGIN_DECLS

/**
 * vp_manifest_steps_read:
 * @value: steps = [ {expect = "login:", within = 60}, {attach = "nic,user,id=n1"}, {stop = true} ]
 * @folder: where the manifest is
 * @settings: (element-type VpSetting): gets the steps, each by its word, as the command line has
 * it: "expect" with "login:@60"
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID, "FILE:LINE:COLUMN: KEY: …"
 */
gboolean vp_manifest_steps_read (const VpTomlValue *value,
                                 const char *folder,
                                 GPtrArray *settings,
                                 GError **error);

G_END_DECLS
