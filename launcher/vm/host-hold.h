#pragma once

#include "launcher/vm/host-claims.h"

G_BEGIN_DECLS

#define VP_TYPE_HOST_HOLD (vp_host_hold_get_type ())
G_DECLARE_FINAL_TYPE (VpHostHold, vp_host_hold, VP, HOST_HOLD, GObject)

/**
 * vp_host_hold_new:
 * @claims: the VM's host functions; a reference is taken
 * @function: (nullable): the one that a device needs; must outlive the hold
 * @spec: how it was asked for; must outlive the hold
 *
 * The hold that one device of a VM has on its host function. It counts among the claims from now on
 * until vp_host_hold_let_go().
 *
 * Signals: "taken" (GError *why): it is there for QEMU, or why not, when @why is not %NULL;
 * "let-go" (GError *why): it is out of the VM, and if it was taken, back with its driver, or why
 * not.
 *
 * Returns: (transfer full): a hold
 */
VpHostHold *
vp_host_hold_new (VpHostClaims *claims, const VpPciFunction *function, const VpDeviceSpec *spec);

/**
 * vp_host_hold_set_taken:
 * @self: a hold
 *
 * It was taken before, and is to go back in the end.
 */
void vp_host_hold_set_taken (VpHostHold *self);

/**
 * vp_host_hold_take:
 * @self: a hold
 *
 * Makes it the VM's: see vp_host_claims_take_async(). "taken" comes later, or at once when there is
 * nothing to take.
 */
void vp_host_hold_take (VpHostHold *self);

/**
 * vp_host_hold_let_go:
 * @self: a hold
 *
 * QEMU does not have it. "let-go" comes later, or at once when it does not go back, or not yet: the
 * functions of a group go back together.
 */
void vp_host_hold_let_go (VpHostHold *self);

/**
 * vp_host_hold_is_giving_back:
 *
 * Returns: whether it is on its way back to its driver
 */
gboolean vp_host_hold_is_giving_back (VpHostHold *self);

/**
 * vp_host_hold_is_ours:
 *
 * Returns: whether a VFIO driver still has it; %TRUE when nothing of the host is needed
 */
gboolean vp_host_hold_is_ours (VpHostHold *self);

G_END_DECLS
