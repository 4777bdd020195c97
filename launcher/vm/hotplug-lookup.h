#pragma once

#include "launcher/vm/hotplug.h"

G_BEGIN_DECLS

/**
 * vp_hotplug_lookup_ids:
 * @hotplug: the devices of a VM
 * @sysfs: the host
 * @text: the id of a device, or a reference
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the ids of the devices that @text stands for; %NULL with
 *   %VP_ERROR_NO_DEVICE when the VM has none of them, or a %VP_DEVICE_ERROR
 */
GStrv vp_hotplug_lookup_ids (VpHotplug *hotplug, VpSysfs *sysfs, const char *text, GError **error);

G_END_DECLS
