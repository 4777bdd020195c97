#pragma once

#include "launcher/vm/bindings.h"
#include "launcher/vm/host-node.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VpHostTake:
 * @function: a host function that is to be the VM's; must stay as it is until the end
 * @bind: whether it may be taken from its driver
 * @node: by which node it is given to QEMU; none when the VM's own QEMU has its IOMMU group open
 *   already
 * @taken: (out): whether it was taken from its driver, and is to go back in the end
 *
 * One function of a vp_host_change_take_async().
 */
typedef struct
{
  const VpPciFunction *function;
  gboolean bind;
  VpHostNode node;
  gboolean taken;
} VpHostTake;

/**
 * vp_host_change_take_async:
 * @bindings: must outlive the change
 * @takes: (element-type VpHostTake): what is to be the VM's; a reference is taken
 * @patience_ms: the longest wait for a process that has one of the groups open; one that was killed
 *   is slow to let go of it
 * @deadline_ms: the longest wait for the drivers; 0 for ever
 * @callback: called once, later
 * @user_data: for @callback
 *
 * In a worker, because a write to "unbind" may block for as long as somebody uses the device:
 * locks the groups of all functions, waits for groups that are bound already, and then takes from
 * their drivers what may be taken. All are the VM's or, when one cannot be, none has moved; the
 * locks stay in both cases, see vp_bindings_unlock_group().
 */
void vp_host_change_take_async (VpBindings *bindings,
                                GArray *takes,
                                guint patience_ms,
                                guint deadline_ms,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/**
 * vp_host_change_give_back_async:
 * @bindings: must outlive the change
 * @addresses: (element-type VpPciAddress): host functions that were taken
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Gives every one of them back, also when one of them fails.
 */
void vp_host_change_give_back_async (VpBindings *bindings,
                                     GArray *addresses,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/**
 * vp_host_change_finish:
 *
 * Returns: %FALSE with the first %VP_DEVICE_ERROR
 */
gboolean vp_host_change_finish (GAsyncResult *result, GError **error);

G_END_DECLS
