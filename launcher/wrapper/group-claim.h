#pragma once

#include "devices/inventory.h"
#include "launcher/vm/bindings.h"

G_BEGIN_DECLS

/**
 * VpGroupClaim:
 * @inventory: what the host has
 * @bindings: of the VM; the locks are theirs from then on
 * @patience_ms: the longest wait for a process that has a named group open; one that is picked is
 *   never waited for
 *
 * What vp_group_claim_try() needs.
 */
typedef struct
{
  const VpInventory *inventory;
  VpBindings *bindings;
  guint patience_ms;
} VpGroupClaim;

/**
 * vp_group_claim_try:
 * @group: an IOMMU group
 * @is_named: whether it was asked for by name
 * @user_data: a #VpGroupClaim
 * @error: return location for a #GError
 *
 * The #VpGroupClaimFunc of a real host: locks the group against the other VMs of vmplug, then looks
 * whether it is still bound as the inventory has it, and whether anybody else, such as a QEMU that
 * vmplug did not start, has it open. A group that cannot be had is not locked afterwards.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR, %VP_DEVICE_ERROR_BUSY naming who has it
 */
gboolean vp_group_claim_try (int group, gboolean is_named, gpointer user_data, GError **error);

G_END_DECLS
