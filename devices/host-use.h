#pragma once

#include "devices/pci-function.h"

G_BEGIN_DECLS

/**
 * vp_host_use_check:
 * @sysfs: the host
 * @function: one of its functions, which is about to be taken from its driver
 * @error: return location for a #GError
 *
 * Looks whether the host lives on a device: without it a file system, the swap, the network or the
 * screen is gone, and often the host is. That is
 *
 * - a disk with a file system that is mounted (by its device number in proc/self/mountinfo; btrfs
 *   has numbers of its own, and sys/fs/btrfs) or with swap (proc/swaps) on it, on a partition of
 * it, or on what is built of these: device-mapper, md (sys/class/block/NAME/holders);
 * - the network card of a default route (proc/net/route, proc/net/ipv6_route), also when that is of
 *   a bridge, bond, VLAN or the like above it (sys/class/net/NAME/upper_NAME);
 * - the boot VGA (boot_vga), while it has a driver.
 *
 * What is below what is told by where the kernel puts it: a block device or network interface of a
 * function has its folder somewhere in that of the function. Reads only.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_IN_USE naming what lives on it
 */
gboolean vp_host_use_check (VpSysfs *sysfs, const VpPciFunction *function, GError **error);

G_END_DECLS
