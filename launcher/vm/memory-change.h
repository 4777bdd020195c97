#pragma once

#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_MEMORY_CHANGE (vp_memory_change_get_type ())
G_DECLARE_FINAL_TYPE (VpMemoryChange, vp_memory_change, VP, MEMORY_CHANGE, GObject)

/**
 * vp_memory_change_new:
 * @memory: bytes that the VM starts with
 * @max_memory: bytes that it can have; at most @memory for no more
 *
 * The memory of a running VM: what it started with, and what its virtio-mem device
 * (%VP_OWN_DEVICES_MEMORY_ID) adds. QEMU passes on to the guest how much the device shall have, and
 * the guest takes or gives back block by block, as far as it can: giving back needs pages that can
 * be moved. A reset takes it all away, and the guest's driver takes it anew (measured).
 *
 * Signals: "changed" whenever it is nearer to what was asked for, or that has failed.
 *
 * Returns: (transfer full): the memory
 */
VpMemoryChange *vp_memory_change_new (guint64 memory, guint64 max_memory);

/**
 * vp_memory_change_check:
 * @self: the memory
 * @wanted: bytes that the VM shall have
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when it cannot have that much, or that little, or not in
 *   whole blocks
 */
gboolean vp_memory_change_check (VpMemoryChange *self, guint64 wanted, GError **error);

/**
 * vp_memory_change_set_client:
 * @self: the memory
 * @client: (nullable): QEMU; %NULL once it is gone
 */
void vp_memory_change_set_client (VpMemoryChange *self, VpQmpClient *client);

/**
 * vp_memory_change_ask:
 * @self: the memory of a running VM
 * @wanted: bytes that it shall have, checked
 */
void vp_memory_change_ask (VpMemoryChange *self, guint64 wanted);

/** vp_memory_change_handle_event: hears of one of QEMU's events */
void vp_memory_change_handle_event (VpMemoryChange *self, const char *name, JsonObject *data);

/**
 * vp_memory_change_is_settled:
 *
 * Returns: whether it has what was asked for, or never will
 */
gboolean vp_memory_change_is_settled (VpMemoryChange *self);

/**
 * vp_memory_change_get_failure:
 *
 * Returns: (transfer none) (nullable): why it will not have what was asked for
 */
const GError *vp_memory_change_get_failure (VpMemoryChange *self);

/**
 * vp_memory_change_describe:
 *
 * Returns: (transfer full): "asked" (bytes), "now" and "max"
 */
JsonObject *vp_memory_change_describe (VpMemoryChange *self);

G_END_DECLS
