#pragma once

#include "launcher/config/toml-file.h"
#include "launcher/wrapper/wrapper-config.h"

G_BEGIN_DECLS

/**
 * vp_wrapper_file_apply:
 * @file: a file of vmplug-qemu
 * @config: what was read before; must not be used any more after a failure
 * @error: return location for a #GError
 *
 * Pure. Sets the keys of @file, adds its devices and rules, and a warning for each key that nobody
 * knows. Whether the host has what it names is not asked.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, "FILE:LINE:COLUMN: KEY: why"
 */
gboolean vp_wrapper_file_apply (VpTomlFile *file, VpWrapperConfig *config, GError **error);

G_END_DECLS
