#pragma once

#include "devices/pci-function.h"

G_BEGIN_DECLS

/**
 * vp_siblings_key:
 * @function: (nullable): a host function
 * @key: (out): equal for all functions of one host device
 *
 * Virtual functions share a slot number with each other, but do not belong together.
 *
 * Returns: whether @function may have siblings
 */
gboolean vp_siblings_key (const VpPciFunction *function, gpointer *key);

/**
 * vp_siblings_number:
 * @functions: (array length=n_functions): what is to share a slot in the guest; %NULL is a device
 *   that QEMU emulates
 * @n_functions: how many
 * @numbers: (out caller-allocates) (array length=n_functions): for each its function in the guest
 *
 * The functions keep the numbers that they have on the host, so that a guest driver finds them side
 * by side. Without a function 0 the lowest becomes it, because a guest that finds no function 0
 * looks no further (PCI 3.0, 3.2.2.3.4). What has no siblings is function 0.
 */
void vp_siblings_number (const VpPciFunction *const *functions, guint n_functions, guint8 *numbers);

/**
 * vp_siblings_split:
 * @functions: (element-type VpPciFunction): host functions; %NULL is a device that QEMU emulates
 *
 * Returns: (transfer full) (element-type GPtrArray): the same, by host devices, in the order of the
 *   first function of each
 */
GPtrArray *vp_siblings_split (const GPtrArray *functions);

G_END_DECLS
