#pragma once

#include "launcher/config/nic.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_nic_backend_new:
 * @nic: a network card
 * @id: id of its backend
 *
 * Returns: (transfer full): the arguments of -netdev and of netdev_add, without the file
 *   descriptors that it may need
 */
JsonObject *vp_nic_backend_new (const VpNic *nic, const char *id);

/**
 * vp_nic_backend_set_device:
 * @device: the arguments of device_add
 * @nic: a network card
 * @vm: name of the VM
 * @id: id of the backend, and of the device
 *
 * Adds what every network card has: its backend, its address, no boot ROM.
 */
void
vp_nic_backend_set_device (JsonObject *device, const VpNic *nic, const char *vm, const char *id);

G_END_DECLS
