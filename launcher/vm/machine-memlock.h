#pragma once

#include "launcher/vm/hotplug.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_machine_memlock_raise:
 * @blueprint: what the VM is started from
 * @hotplug: its devices
 * @pid: its QEMU; 0 when that is to be started
 * @n_more: VFIO devices that it is to have beside those
 * @error: return location for a #GError
 *
 * Lets QEMU lock as much memory as its devices need.
 *
 * Returns: %FALSE with an error as vp_memlock_limit_raise()
 */
gboolean vp_machine_memlock_raise (
    const VpBlueprint *blueprint, VpHotplug *hotplug, pid_t pid, guint n_more, GError **error);

G_END_DECLS
