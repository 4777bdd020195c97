#pragma once

#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * vp_device_check:
 * @spec: (inout): a device
 * @error: return location for a #GError
 *
 * Whether the host has what is behind the device: the file of a disk, as vp_disk_check() does it,
 * and the program of a network card. Reads only.
 *
 * Returns: %FALSE with %VP_ERROR_HOST or %VP_ERROR_USAGE
 */
gboolean vp_device_check (VpDeviceSpec *spec, GError **error);

G_END_DECLS
