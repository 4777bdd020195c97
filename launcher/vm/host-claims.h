#pragma once

#include "launcher/vm/bindings.h"
#include "launcher/vm/host-node.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VpHostClaims:
 *
 * The host functions of one VM, by IOMMU group. To the kernel a group is one thing: QEMU may open
 * it only when nothing of it has a driver of the host, and while QEMU has it open no such driver
 * gets anything of it back.
 */
typedef struct _VpHostClaims VpHostClaims;

/**
 * vp_host_claims_new:
 * @bindings: whom to take functions from and give them back to; must outlive the claims
 *
 * Returns: (transfer full): release with vp_host_claims_unref()
 */
VpHostClaims *vp_host_claims_new (VpBindings *bindings);
VpHostClaims *vp_host_claims_ref (VpHostClaims *self);
void vp_host_claims_unref (VpHostClaims *self);

/**
 * vp_host_claims_add:
 * @self: the claims
 * @function: (nullable): a host function that is to be in the VM, whoever binds it; %NULL of a
 *   device that QEMU emulates
 *
 * From now on nothing of its group is given back, until vp_host_claims_drop().
 */
void vp_host_claims_add (VpHostClaims *self, const VpPciFunction *function);

/**
 * vp_host_claims_take_async:
 * @self: the claims
 * @function: a host function that was added; must stay as it is until the end
 * @bind: whether it may be taken from its driver
 * @node: by which node it is given to QEMU
 * @callback: called once, later
 * @user_data: for @callback
 *
 * To be called for every host function, whoever binds it: locks its group against other VMs, waits
 * up to 5 s for a process that has the group open and is ending, and takes the function from its
 * driver. All of a group that come in one turn of the main loop are taken together: unbound one
 * after the other, then bound one after the other; when one fails none is taken, and each is told
 * why. What comes later waits for them, and for what is being given back.
 */
void vp_host_claims_take_async (VpHostClaims *self,
                                const VpPciFunction *function,
                                gboolean bind,
                                VpHostNode node,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/**
 * vp_host_claims_take_finish:
 * @result: of vp_host_claims_take_async()
 * @taken: (out): whether it was taken from its driver: for vp_host_claims_drop()
 * @error: return location for a #GError
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR; the function is to be dropped
 */
gboolean vp_host_claims_take_finish (GAsyncResult *result, gboolean *taken, GError **error);

/**
 * vp_host_claims_drop:
 * @self: the claims
 * @function: (nullable): a host function that has left the VM
 * @taken: whether it was taken from a driver, and is to go back
 *
 * The last of a group unlocks it for other VMs, at once or after vp_host_claims_give_back_async().
 *
 * Returns: whether vp_host_claims_give_back_async() is to be called for its group, of which nothing
 *   is in the VM now; when not, there is nothing to give back, or whatever leaves last does it
 */
gboolean vp_host_claims_drop (VpHostClaims *self, const VpPciFunction *function, gboolean taken);

/**
 * vp_host_claims_give_back_async:
 * @self: the claims
 * @group: an IOMMU group
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Gives back all that was taken of the group, and unlocks it.
 */
void vp_host_claims_give_back_async (VpHostClaims *self,
                                     int group,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/**
 * vp_host_claims_is_ours:
 * @self: the claims
 * @function: (nullable): a host function
 *
 * Returns: whether it is still bound to a VFIO driver; %TRUE for %NULL. The link to its driver is
 *   the first that goes when somebody unbinds it, before the driver is asked (drivers/base/dd.c)
 */
gboolean vp_host_claims_is_ours (VpHostClaims *self, const VpPciFunction *function);

/**
 * vp_host_claims_is_owing:
 *
 * Returns: whether something that could not be given back is still not back
 */
gboolean vp_host_claims_is_owing (VpHostClaims *self);

/**
 * vp_host_claims_finish:
 * @result: of vp_host_claims_give_back_async()
 * @error: return location for a #GError
 *
 * Returns: %FALSE with the first %VP_DEVICE_ERROR
 */
gboolean vp_host_claims_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpHostClaims, vp_host_claims_unref)

G_END_DECLS
