#pragma once

#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * vp_foreign_spec_get_ref:
 * @arguments: of a device_add
 *
 * Returns: (transfer full) (nullable): the reference of the host device that its "host" or
 *   "sysfsdev" means: a PCI address or a UUID; %NULL when it is no host device
 */
char *vp_foreign_spec_get_ref (JsonObject *arguments);

/**
 * vp_foreign_spec_new:
 * @arguments: of a device_add: of a PCI device
 * @error: return location for a #GError
 *
 * The device as vmplug's own attach would be asked for it. All its properties stay, but for "bus"
 * and "addr": where it goes is what is being asked.
 *
 * Returns: (transfer full) (nullable): a spec, or %NULL with an error as vp_device_spec_parse()
 */
VpDeviceSpec *vp_foreign_spec_new (JsonObject *arguments, GError **error);

G_END_DECLS
