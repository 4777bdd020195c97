#pragma once

#include "launcher/vm/bindings.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * vp_host_change_take_async:
 * @bindings: must outlive the change
 * @functions: (element-type VpPciFunction): host functions that shall belong to vfio-pci; they must
 *   stay as they are until the end
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Changes drivers in a worker, because a write to "unbind" may block for as long as somebody uses
 * the device. All are taken or, when one cannot be, none.
 */
void vp_host_change_take_async (VpBindings *bindings,
                                GPtrArray *functions,
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
 * vp_host_change_take_one_async:
 *
 * vp_host_change_take_async() for a single function.
 */
void vp_host_change_take_one_async (VpBindings *bindings,
                                    const VpPciFunction *function,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);

/**
 * vp_host_change_finish:
 *
 * Returns: %FALSE with the first %VP_DEVICE_ERROR
 */
gboolean vp_host_change_finish (GAsyncResult *result, GError **error);

G_END_DECLS
