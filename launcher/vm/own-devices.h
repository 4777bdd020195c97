#pragma once

#include "devices/topology.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/** QEMU's id of the device, and of its backend, that holds what is added to the VM's memory. */
#define VP_OWN_DEVICES_MEMORY_ID "memory"

/**
 * vp_own_devices_count_ports:
 * @config: what the user asked for
 *
 * Returns: how many ports a boot test has. QEMU inherits a socket for each, from VP_ARGV_DEVICE_FD
 *   on: for the guest's result, and for a command's stdout and stderr
 */
guint vp_own_devices_count_ports (const VpConfig *config);

/**
 * vp_own_devices_root:
 * @config: what the user asked for
 *
 * Returns: the root bus, with as many own devices as there are disks, network cards, shares, a port
 *   for readiness, a device for more memory and one for the ports of a boot test, and the NUMA
 *   nodes
 */
VpRootBus vp_own_devices_root (const VpConfig *config);

/**
 * vp_own_devices_check:
 * @config: what the user asked for
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when the own devices are more than the root bus has slots
 * for
 */
gboolean vp_own_devices_check (const VpConfig *config, GError **error);

/**
 * vp_own_devices_add:
 * @argv: (element-type utf8): a command line in the making
 * @config: what the user asked for, checked
 *
 * Adds the emulated disks, network cards and shares, the port that the guest opens when it is
 * ready, the device for more memory, and what a boot test has, on the root bus: they stay as long
 * as the VM.
 */
void vp_own_devices_add (GPtrArray *argv, const VpConfig *config);

G_END_DECLS
