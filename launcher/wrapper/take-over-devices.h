#pragma once

#include "launcher/wrapper/bus-map.h"
#include "launcher/wrapper/id-map.h"
#include "launcher/wrapper/take-over.h"

G_BEGIN_DECLS

/**
 * VpTakeOverDevices:
 *
 * What outlives a client's connection: who is where, what the runtime calls vmplug's devices, and
 * the VM that has them. References are counted, because a request may outlive the take-over.
 */
typedef struct
{
  guint n_references;
  VpBusMap *buses;
  VpIdMap *ids;
  VpTakeOverHost host;
} VpTakeOverDevices;

/**
 * vp_take_over_devices_new:
 * @buses: (transfer full): the buses of the machine as it starts
 * @host: copied
 *
 * Returns: (transfer full): drop with vp_take_over_devices_unref()
 */
VpTakeOverDevices *vp_take_over_devices_new (VpBusMap *buses, const VpTakeOverHost *host);
VpTakeOverDevices *vp_take_over_devices_ref (VpTakeOverDevices *self);
void vp_take_over_devices_unref (VpTakeOverDevices *self);

/**
 * vp_take_over_devices_is_taken:
 * @self: devices
 * @id: an id that the runtime wants to give
 *
 * An id of a device that vmplug no longer has is free again.
 *
 * Returns: whether the runtime has given it to one of vmplug's devices
 */
gboolean vp_take_over_devices_is_taken (VpTakeOverDevices *self, const char *id);

/**
 * vp_take_over_devices_claim:
 * @self: devices
 * @id: (nullable): the runtime's id for it
 * @qemu: QEMU's id of the device that the runtime means
 *
 * Returns: (transfer full) (nullable): why the runtime cannot have the device under that id; %NULL
 *   if it has it now
 */
char *vp_take_over_devices_claim (VpTakeOverDevices *self, const char *id, const char *qemu);

/**
 * vp_take_over_devices_deleted:
 * @self: devices
 * @id: QEMU's id of a device that QEMU no longer has
 */
void vp_take_over_devices_deleted (VpTakeOverDevices *self, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOverDevices, vp_take_over_devices_unref)

G_END_DECLS
