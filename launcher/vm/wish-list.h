#pragma once

#include "devices/inventory.h"
#include "devices/plan.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * VpWishSource:
 * @config: what was asked for; which devices are by iommufd is decided in its specs
 * @sysfs: the host
 * @inventory: what the host has
 * @owner: (nullable): the VM that has locked its groups already
 * @is_rehearsal: a device that could not be assigned as things are is a warning
 *
 * Where the devices of a VM come from. Borrows; the caller keeps all of it alive.
 */
typedef struct
{
  VpConfig *config;
  VpSysfs *sysfs;
  VpInventory *inventory;
  const char *owner;
  gboolean is_rehearsal;
} VpWishSource;

/**
 * VpWishList:
 * @requests: (element-type VpPlanRequest): what the plan is asked for
 * @specs: (element-type VpDeviceSpec): the spec of each request
 * @refs: (element-type utf8): each device as it was typed
 * @taken: (element-type VpPciFunction): those that will be bound to vfio-pci
 *
 * The devices that were asked for, found on the host. The requests borrow from the others, from the
 * configuration and from the inventory.
 */
typedef struct
{
  GArray *requests;
  GPtrArray *specs;
  GPtrArray *refs;
  GPtrArray *taken;
} VpWishList;

/**
 * vp_wish_list_find:
 * @source: where they come from
 * @warnings: (element-type utf8): gets what the user should know
 * @error: return location for a #GError
 *
 * Resolves every spec (a group becomes its endpoints), decides which are by iommufd and checks that
 * each can be assigned. Reads only.
 *
 * Returns: (transfer full) (nullable): free with vp_wish_list_free()
 */
VpWishList *vp_wish_list_find (const VpWishSource *source, GPtrArray *warnings, GError **error);
void vp_wish_list_free (VpWishList *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpWishList, vp_wish_list_free)

G_END_DECLS
