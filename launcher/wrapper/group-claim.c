#include "launcher/wrapper/group-claim.h"

#include "devices/error.h"
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

/* Whoever had the group a moment ago may have given it back to its driver since the host was read;
 * now that it is ours nobody does. */
static gboolean
check_still_bound (const VpGroupClaim *self, const VpPciFunction *function, GError **error)
{
  g_autofree char *name = NULL;

  if (vp_bindings_is_with_vfio (self->bindings, &function->address))
    return TRUE;

  name = vp_pci_address_to_string (&function->address);
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
               "%s has just been taken from vfio-pci", name);
  return FALSE;
}

gboolean
vp_group_claim_try (int group, gboolean is_named, gpointer user_data, GError **error)
{
  const VpGroupClaim *self = user_data;
  const VpPciFunction *function = find_with_node (self->inventory, group);

  if (!vp_bindings_lock_group (self->bindings, group, error))
    return FALSE;
  if (function == NULL ||
      (check_still_bound (self, function, error) &&
       vp_host_node_wait (vp_bindings_get_sysfs (self->bindings), function, VP_HOST_NODE_GROUP,
                          is_named ? self->patience_ms : 0, error)))
    return TRUE;

  vp_bindings_unlock_group (self->bindings, group);
  return FALSE;
}
