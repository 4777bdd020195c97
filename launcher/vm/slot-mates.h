#pragma once

#include "launcher/vm/attachment.h"

G_BEGIN_DECLS

#define VP_TYPE_SLOT_MATES (vp_slot_mates_get_type ())
G_DECLARE_FINAL_TYPE (VpSlotMates, vp_slot_mates, VP, SLOT_MATES, GObject)

/**
 * vp_slot_mates_new:
 *
 * Those who share one slot of the guest: one device, or the functions of one host device.
 *
 * They are added one after the other, once every host function is ours, and function 0 last: the
 * guest sees none of them before, and QEMU takes none after it (hw/pci/pci.c,
 * do_pci_register_device). Only then are their BARs looked at. When one fails before that, function
 * 0 is not added as if nothing were wrong: those that QEMU has already are taken out again, and all
 * of them have failed.
 *
 * They leave together, for a guest lets go of whole slots (QEMU hw/acpi/pcihp.c, hw/pci/pcie.c). It
 * is asked for one of them only: to native hotplug a second device_del, of another function, takes
 * the first one back (measured, 7.2). Those that the guest has not seen are deleted one by one:
 * native hotplug lets go of just that one, at once; SHPC of all of them, at once; ACPI of all of
 * them when the guest's operating system does so, and where none runs yet, not before a reset
 * (measured, 7.2).
 *
 * When the guest throws them out again while it sets up its hotplug, they come together once more.
 *
 * The device that they are is attached once from the start.
 *
 * Returns: (transfer full): a slot without anybody
 */
VpSlotMates *vp_slot_mates_new (void);

/**
 * vp_slot_mates_join:
 * @self: a slot
 * @attachment: a function of it, which is new; a reference is taken
 */
void vp_slot_mates_join (VpSlotMates *self, VpAttachment *attachment);

/**
 * vp_slot_mates_has:
 *
 * Returns: whether @attachment is or was one of them
 */
gboolean vp_slot_mates_has (VpSlotMates *self, VpAttachment *attachment);

/**
 * vp_slot_mates_add:
 * @self: a slot of a running VM
 *
 * The guest is ready: takes their host functions, and adds them as soon as all of them are there.
 */
void vp_slot_mates_add (VpSlotMates *self);

/**
 * vp_slot_mates_set_held:
 * @self: a slot
 * @held: whether they are to wait, although their host functions are there
 */
void vp_slot_mates_set_held (VpSlotMates *self, gboolean held);

/**
 * vp_slot_mates_abandon:
 * @self: a slot
 * @why: of what another device has failed that belongs to this one
 *
 * None of them is to be in the VM: what is there is taken out again, and what is on its way as soon
 * as it has come.
 */
void vp_slot_mates_abandon (VpSlotMates *self, const GError *why);

/**
 * vp_slot_mates_count_up:
 * @self: a slot
 * @error: return location for a #GError
 *
 * The device that they are is attached once more.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR when it cannot be
 */
gboolean vp_slot_mates_count_up (VpSlotMates *self, GError **error);

/**
 * vp_slot_mates_count_down:
 * @self: a slot
 *
 * Returns: whether nobody wants the device any more, so that it is to be removed
 */
gboolean vp_slot_mates_count_down (VpSlotMates *self);

/**
 * vp_slot_mates_get_members:
 *
 * Returns: (transfer none) (element-type VpAttachment): the functions, in the order they are added
 */
const GPtrArray *vp_slot_mates_get_members (VpSlotMates *self);

/**
 * vp_slot_mates_remove:
 * @self: a slot of a running VM
 * @attachment: the one to be removed
 * @task: (transfer full): gets {"id", "state", "seconds"} with those of the others that leave with
 *   it as "others", or an error
 * @timeout_ms: longest wait
 *
 * Asks the guest to let go. After the deadline the removal stays pending.
 */
void
vp_slot_mates_remove (VpSlotMates *self, VpAttachment *attachment, GTask *task, guint timeout_ms);

/**
 * vp_slot_mates_is_over:
 *
 * Returns: whether none of them is, or will be, in QEMU
 */
gboolean vp_slot_mates_is_over (VpSlotMates *self);

G_END_DECLS
