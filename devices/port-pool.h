#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/**
 * VpPortPool:
 *
 * Hands out the ports of a plan in the making, one after the other: ids, addresses, chassis and bus
 * numbers. Nothing looks ahead, which is why one more device never moves an earlier one.
 */
typedef struct _VpPortPool VpPortPool;

/**
 * vp_port_pool_new:
 * @root: the root bus; must outlive the pool
 * @plan: where the ports and expanders go, without any yet; must outlive the pool
 *
 * Returns: (transfer full): free with vp_port_pool_free()
 */
VpPortPool *vp_port_pool_new (const VpRootBus *root, VpPlan *plan);
void vp_port_pool_free (VpPortPool *self);

/**
 * vp_port_pool_take:
 * @self: a pool
 * @use: what the port is for
 * @error: return location for a #GError
 *
 * Takes the next port of the root bus: a root port, and when they have run out one behind a switch;
 * on pc a slot of pci.0.
 *
 * Returns: (transfer none) (nullable): the port, now in the plan; %NULL with
 *   %VP_DEVICE_ERROR_NO_SLOT
 */
VpPlanPort *vp_port_pool_take (VpPortPool *self, VpPortUse use, GError **error);

/**
 * vp_port_pool_take_on_node:
 * @self: a pool of a VM with NUMA nodes
 * @node: a guest NUMA node
 *
 * Takes the next root port of the node's own root bus, for a cold device.
 *
 * Returns: (transfer none) (nullable): the port, now in the plan; %NULL when that bus is full
 */
VpPlanPort *vp_port_pool_take_on_node (VpPortPool *self, guint node);

/**
 * vp_port_pool_take_bridge_slot:
 * @self: a pool of a pc
 * @error: return location for a #GError
 *
 * Takes a slot of pci.0 for a pci-bridge.
 *
 * Returns: (transfer none) (nullable): the slot, now in the plan; %NULL with
 *   %VP_DEVICE_ERROR_NO_SLOT
 */
VpPlanPort *vp_port_pool_take_bridge_slot (VpPortPool *self, GError **error);

/**
 * vp_port_pool_n_left:
 *
 * Returns: how often vp_port_pool_take() will succeed
 */
guint vp_port_pool_n_left (const VpPortPool *self);

/**
 * vp_port_pool_n_left_without_switch:
 *
 * Returns: how often vp_port_pool_take() will return a port that can have a reserve
 */
guint vp_port_pool_n_left_without_switch (const VpPortPool *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPortPool, vp_port_pool_free)

G_END_DECLS
