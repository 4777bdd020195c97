#include "launcher/wrapper/group-claim.h"

#include "devices/vfio-bind.h"
#include "launcher/vm/host-node.h"

/* One look is enough: who has any of the nodes of a group open has the group. */
static const VpPciFunction *
find_with_node (const VpInventory *inventory, int group)
{
  g_autoptr (GPtrArray) members = vp_inventory_get_group (inventory, group);

  for (guint i = 0; i < members->len; i++)
    {
      const VpPciFunction *function = members->pdata[i];

      if (!vp_pci_function_is_bridge (function) && vp_vfio_is_vfio_driver (function->driver))
        return function;
    }
  return NULL; /* it is to be bound: there is no node yet */
}

gboolean
vp_group_claim_try (int group, gboolean is_named, gpointer user_data, GError **error)
{
  const VpGroupClaim *self = user_data;
  const VpPciFunction *function = find_with_node (self->inventory, group);

  if (!vp_bindings_lock_group (self->bindings, group, error))
    return FALSE;
  if (function == NULL ||
      vp_host_node_wait (vp_bindings_get_sysfs (self->bindings), function, VP_HOST_NODE_GROUP,
                         is_named ? self->patience_ms : 0, error))
    return TRUE;

  vp_bindings_unlock_group (self->bindings, group);
  return FALSE;
}
