#pragma once

#include "devices/topology.h"
#include "launcher/vm/guest-bars.h"
#include "qmp/client.h"

G_BEGIN_DECLS

/**
 * vp_bar_probe_async:
 * @client: QEMU
 * @machine: the machine type
 * @id: a device that QEMU has
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Asks where the guest has put the device's BARs. First query-pci; where that shows a BAR as
 * unmapped, which it also does while decoding is off, the BAR registers themselves, read through
 * ECAM. Only q35 has ECAM: on pc a device whose driver has not enabled it looks unmapped.
 */
void vp_bar_probe_async (VpQmpClient *client,
                         VpMachineType machine,
                         const char *id,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/**
 * vp_bar_probe_finish:
 * @client: as given
 * @result: what @callback was given
 * @bars: (out caller-allocates): what was found
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_QMP_ERROR_DEVICE_NOT_FOUND when query-pci does not list the device, or
 *   another %VP_QMP_ERROR
 */
gboolean
vp_bar_probe_finish (VpQmpClient *client, GAsyncResult *result, VpGuestBars *bars, GError **error);

G_END_DECLS
