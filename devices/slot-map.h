#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

typedef struct _VpSlotMap VpSlotMap;

/**
 * VpSlotRequest:
 * @id: the device that wants a place
 * @function: (nullable): the host function, for its windows and its kind
 * @place: (out): where it goes
 *
 * One of those that are to share a slot.
 */
typedef struct
{
  const char *id;
  const VpPciFunction *function;
  VpPlace place;
} VpSlotRequest;

/**
 * vp_slot_map_new:
 * @plan: a plan; must outlive the map
 *
 * Who sits in which port or bridge slot. Every device of the plan has its place from the start, the
 * hot ones too, so that nothing else takes it. The map is ours: what the guest or `query-pci` says
 * never changes it.
 *
 * Returns: (transfer full): free with vp_slot_map_free()
 */
VpSlotMap *vp_slot_map_new (const VpPlan *plan);
void vp_slot_map_free (VpSlotMap *self);

/**
 * vp_slot_map_reserve:
 * @self: a map
 * @requests: (inout) (array length=n_requests): what is to share one slot: one device, or functions
 *   of one host device; each gets its place
 * @n_requests: how many, 1 or more
 * @large_bar: threshold in bytes, for the message
 * @error: return location for a #GError
 *
 * What the plan has put together in one slot gets that. Anything else gets the smallest free spare
 * port whose window holds all its BARs; a conventional PCI device goes to a bridge slot first, if
 * there is a bridge with room for its BARs. A port keeps its window when its device leaves: that of
 * a cold one is as large as that device's BARs. The functions are numbered by vp_siblings_number().
 *
 * Nothing joins a slot in which somebody sits: once the guest can see its function 0, QEMU takes no
 * further function (hw/pci/pci.c). A function that comes later than its siblings therefore gets a
 * slot of its own, as function 0.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_DUPLICATE when an id has a place and is no device of the
 *   plan (or not this one) or comes twice, when a function has a place by another id, or when an id
 *   is that of a port or bridge; or with %VP_DEVICE_ERROR_NO_SLOT saying how many ports there are,
 *   who has them, and, when one is free but too small, both sizes. Nothing is taken then
 */
gboolean vp_slot_map_reserve (
    VpSlotMap *self, VpSlotRequest *requests, guint n_requests, guint64 large_bar, GError **error);

/**
 * vp_slot_map_release:
 * @self: a map
 * @id: a device
 *
 * Makes its place free for anyone. A device without a place is ignored.
 */
void vp_slot_map_release (VpSlotMap *self, const char *id);

/**
 * vp_slot_map_find:
 * @self: a map
 * @id: a device
 * @place: (out caller-allocates): its place
 *
 * Returns: whether it has one
 */
gboolean vp_slot_map_find (VpSlotMap *self, const char *id, VpPlace *place);

/**
 * vp_slot_map_count:
 * @self: a map
 * @total: (out): places for hotplug and for cold devices, bridge slots not counted
 * @spare: (out): how many of them are free for a hotplug
 */
void vp_slot_map_count (VpSlotMap *self, guint *total, guint *spare);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpSlotMap, vp_slot_map_free)

G_END_DECLS
