#pragma once

#include "devices/slot-map.h"

G_BEGIN_DECLS

/**
 * vp_slot_refusal_name:
 * @requests: (array length=n_requests): what wanted one slot
 * @n_requests: how many
 *
 * Returns: (transfer full): the addresses of their host functions, "0000:41:00.0 and 0000:41:00.1";
 *   "" when there are none
 */
char *vp_slot_refusal_name (const VpSlotRequest *requests, guint n_requests);

/**
 * vp_slot_refusal_set:
 * @slots: (element-type VpSlot): all slots of the VM, of which none will do
 * @requests: (array length=n_requests): what wanted one
 * @n_requests: how many
 * @large_bar: threshold in bytes, for the message
 * @need: the window that they need together
 * @error: (out): set to %VP_DEVICE_ERROR_NO_SLOT
 *
 * Says why: who has the ports, or, when some are free but too small, both sizes.
 */
void vp_slot_refusal_set (const GArray *slots,
                          const VpSlotRequest *requests,
                          guint n_requests,
                          guint64 large_bar,
                          const VpWindow *need,
                          GError **error);

G_END_DECLS
