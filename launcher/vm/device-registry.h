#pragma once

#include "devices/slot-map.h"
#include "launcher/vm/blueprint.h"
#include "launcher/vm/slot-mates.h"

G_BEGIN_DECLS

#define VP_TYPE_DEVICE_REGISTRY (vp_device_registry_get_type ())
G_DECLARE_FINAL_TYPE (VpDeviceRegistry, vp_device_registry, VP, DEVICE_REGISTRY, GObject)

/**
 * vp_device_registry_new:
 * @blueprint: what the VM was started from; must outlive it
 * @bindings: whom to give host devices back to; must outlive it
 *
 * Every device of one VM, once, by whatever reference it was asked for: its id, its place in the
 * slot map, who shares its slot. Those of the plan are there from the start.
 *
 * Signal "changed" (VpAttachment *device): its state did.
 *
 * Returns: (transfer full): a registry
 */
VpDeviceRegistry *vp_device_registry_new (const VpBlueprint *blueprint, VpBindings *bindings);

/**
 * vp_device_registry_set_bounce_ms:
 * @self: a registry
 * @bounce_ms: instead of %VP_BOUNCE_DEFAULT_MS, for devices that come from now on; 0 for never
 */
void vp_device_registry_set_bounce_ms (VpDeviceRegistry *self, guint bounce_ms);

/**
 * vp_device_registry_list:
 *
 * Returns: (transfer none) (element-type VpAttachment): the devices, in the order they came
 */
GPtrArray *vp_device_registry_list (VpDeviceRegistry *self);

/**
 * vp_device_registry_list_mates:
 *
 * Returns: (transfer none) (element-type VpSlotMates): who of them shares a slot
 */
GPtrArray *vp_device_registry_list_mates (VpDeviceRegistry *self);

/**
 * vp_device_registry_get_slots:
 *
 * Returns: (transfer none): who sits where
 */
VpSlotMap *vp_device_registry_get_slots (VpDeviceRegistry *self);

/**
 * vp_device_registry_get_claims:
 *
 * Returns: (transfer none): the host functions
 */
VpHostClaims *vp_device_registry_get_claims (VpDeviceRegistry *self);

/**
 * vp_device_registry_find:
 * @self: a registry
 * @source: what was asked for
 * @function: (nullable): the host function; %NULL for a mediated or an emulated device
 *
 * Returns: (transfer none) (nullable): that host function or mediated device, if the VM has it and
 *   it has not failed
 */
VpAttachment *vp_device_registry_find (VpDeviceRegistry *self,
                                       const VpAttachSource *source,
                                       const VpPciFunction *function);

/**
 * vp_device_registry_find_mates:
 *
 * Returns: (transfer none) (nullable): those that @device shares its slot with; %NULL when all of
 *   them are over
 */
VpSlotMates *vp_device_registry_find_mates (VpDeviceRegistry *self, VpAttachment *device);

/**
 * vp_device_registry_make_id:
 * @self: a registry
 * @source: what was asked for
 * @function: (nullable): the host function
 *
 * Returns: (transfer full): the id that was asked for, or one made of its name
 */
char *vp_device_registry_make_id (VpDeviceRegistry *self,
                                  const VpAttachSource *source,
                                  const VpPciFunction *function);

/**
 * vp_device_registry_check_backend:
 * @self: a registry
 * @spec: what was asked for
 * @error: return location for a #GError
 *
 * Returns: %FALSE with an error as vp_disk_users_check() when it is a disk whose file the VM has,
 * or as vp_vfio_user_check_vm() when its server cannot serve the VM
 */
gboolean
vp_device_registry_check_backend (VpDeviceRegistry *self, const VpDeviceSpec *spec, GError **error);

/**
 * vp_device_registry_reserve:
 * @self: a registry
 * @requests: (inout) (array length=n_requests): who is to share a slot; each gets its place
 * @n_requests: how many
 * @error: return location for a #GError
 *
 * Takes places. A device that failed before makes room for another try.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR: one is there already, or there is no place
 */
gboolean vp_device_registry_reserve (VpDeviceRegistry *self,
                                     VpSlotRequest *requests,
                                     guint n_requests,
                                     GError **error);

/**
 * vp_device_registry_add:
 * @self: a registry
 * @mates: (nullable): whose slot it shares; %NULL for nobody's
 * @facts: (inout): what it is; what follows from its place is filled in
 * @attachment: (out) (transfer none): the new device
 *
 * Returns: (transfer none): @mates, or the new ones
 */
VpSlotMates *vp_device_registry_add (VpDeviceRegistry *self,
                                     VpSlotMates *mates,
                                     VpAttachmentFacts *facts,
                                     VpAttachment **attachment);

G_END_DECLS
