#pragma once

#include "launcher/vm/bindings.h"

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
 * @function: a host function to be taken from its driver; must stay as it is until the end
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Ends when nothing of the group is being taken any more, so that all of it can be added.
 */
void vp_host_claims_take_async (VpHostClaims *self,
                                const VpPciFunction *function,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/**
 * vp_host_claims_drop:
 * @self: the claims
 * @function: (nullable): a host function that has left the VM
 * @taken: whether it was taken from a driver, and is to go back
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
 * Gives back all that was taken of the group.
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
 *
 * Returns: %FALSE with the first %VP_DEVICE_ERROR
 */
gboolean vp_host_claims_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpHostClaims, vp_host_claims_unref)

G_END_DECLS
