#pragma once

#include "devices/pci-address.h"

G_BEGIN_DECLS

/** Longest id that QEMU and we take: [A-Za-z][A-Za-z0-9_.-]{0,63}. */
#define VP_DEVICE_ID_MAX_LENGTH 64

/** QEMU's driver of vfio-user devices (QEMU docs/system/devices/vfio-user.rst), whose name their
 * ids are made of. */
#define VP_DEVICE_ID_VFIO_USER "vfio-user-pci"

/**
 * vp_device_id_from_address:
 * @address: a host function
 *
 * Returns: (transfer full): the id it gets when the user gives none: "vfio-41-00.0", with the
 * domain in front of the bus when it is not 0
 */
char *vp_device_id_from_address (const VpPciAddress *address);

/**
 * vp_device_id_from_uuid:
 * @uuid: a mediated device
 *
 * Returns: (transfer full): the id it gets when the user gives none: "mdev-" and the UUID
 */
char *vp_device_id_from_uuid (const char *uuid);

/**
 * vp_device_id_from_driver:
 * @driver: name of a device that QEMU emulates; may hold any character
 * @number: tells several of one driver apart
 *
 * Returns: (transfer full): a valid id, not reserved: "virtio-net-pci0"
 */
char *vp_device_id_from_driver (const char *driver, guint number);

/**
 * vp_device_id_is_reserved:
 * @id: an id
 *
 * Every number is reserved, used or not: an id that was good stays good when a plan grows.
 *
 * Returns: whether plans use it for their own ports and bridges: "port1", "slot2", "bridge1"; in
 *   foreign machines all of that, and more, begins with "vmplug-"
 */
gboolean vp_device_id_is_reserved (const char *id);

G_END_DECLS
