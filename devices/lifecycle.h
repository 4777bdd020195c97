#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpDeviceState:
 * @VP_DEVICE_QUEUED: asked for, and its place in the VM is its own; the guest is not ready
 * @VP_DEVICE_RESERVED: its turn has come, and its host function is being taken for it
 * @VP_DEVICE_BOUND: its host function is there for QEMU; the rest of its slot may not be yet
 * @VP_DEVICE_ADDING: device_add is on its way
 * @VP_DEVICE_ACCEPTED: QEMU has it; whether the guest can use it is not known yet
 * @VP_DEVICE_USABLE: every memory BAR has an address in the guest
 * @VP_DEVICE_BOUNCED: the guest threw it out again while it set up its hotplug; it will be tried
 *   once more
 * @VP_DEVICE_PENDING_REMOVAL: the guest was asked to let go and has not yet
 * @VP_DEVICE_REMOVED: QEMU has let go; nothing of it is left in the VM
 * @VP_DEVICE_FAILED: it could not be made usable, and QEMU does not have it
 *
 * Where one device of a VM is, from asked for to gone. A device that needs nothing of the host goes
 * through %VP_DEVICE_RESERVED all the same, in no time.
 */
typedef enum
{
  VP_DEVICE_QUEUED,
  VP_DEVICE_RESERVED,
  VP_DEVICE_BOUND,
  VP_DEVICE_ADDING,
  VP_DEVICE_ACCEPTED,
  VP_DEVICE_USABLE,
  VP_DEVICE_BOUNCED,
  VP_DEVICE_PENDING_REMOVAL,
  VP_DEVICE_REMOVED,
  VP_DEVICE_FAILED,
  VP_DEVICE_N_STATES,
} VpDeviceState;

/**
 * VpDeviceEvent:
 * @VP_DEVICE_EVENT_START: the guest is ready: begin
 * @VP_DEVICE_EVENT_TAKEN: its host function is there for QEMU
 * @VP_DEVICE_EVENT_TAKE_FAILED: it cannot be had, and is with its driver again
 * @VP_DEVICE_EVENT_TURN: those of its slot that come before it are in QEMU
 * @VP_DEVICE_EVENT_ADD_OK: device_add returned
 * @VP_DEVICE_EVENT_ADD_FAILED: device_add was refused
 * @VP_DEVICE_EVENT_MAPPED: all memory BARs were seen at guest addresses
 * @VP_DEVICE_EVENT_UNUSABLE: QEMU has it, but the guest will never use it: time is up, and it
 * mapped some BARs but not all, or QEMU refused a part of it
 * @VP_DEVICE_EVENT_DETACH: somebody wants it gone
 * @VP_DEVICE_EVENT_DEL_REFUSED: device_del was refused for good
 * @VP_DEVICE_EVENT_DELETED: DEVICE_DELETED, asked for or not
 * @VP_DEVICE_EVENT_BOUNCE: DEVICE_DELETED soon after our own device_add, and nobody asked for it
 * @VP_DEVICE_EVENT_RETRY: it has waited long enough since it bounced
 * @VP_DEVICE_EVENT_GIVE_UP: it has bounced too often
 * @VP_DEVICE_EVENT_MATE_FAILED: another device of the same attach, or another function of its slot,
 *   has failed: what belongs together comes as a whole or not at all
 * @VP_DEVICE_EVENT_MATE_LEAVES: the guest was asked for another function of its slot, and lets go
 *   of whole slots only (QEMU hw/acpi/pcihp.c, hw/pci/pcie.c)
 * @VP_DEVICE_EVENT_QEMU_GONE: QEMU ended
 *
 * What can happen to it. %VP_DEVICE_EVENT_DELETED may come before the reply to device_del, hours
 * after it, or without one.
 */
typedef enum
{
  VP_DEVICE_EVENT_START,
  VP_DEVICE_EVENT_TAKEN,
  VP_DEVICE_EVENT_TAKE_FAILED,
  VP_DEVICE_EVENT_TURN,
  VP_DEVICE_EVENT_ADD_OK,
  VP_DEVICE_EVENT_ADD_FAILED,
  VP_DEVICE_EVENT_MAPPED,
  VP_DEVICE_EVENT_UNUSABLE,
  VP_DEVICE_EVENT_DETACH,
  VP_DEVICE_EVENT_DEL_REFUSED,
  VP_DEVICE_EVENT_DELETED,
  VP_DEVICE_EVENT_BOUNCE,
  VP_DEVICE_EVENT_RETRY,
  VP_DEVICE_EVENT_GIVE_UP,
  VP_DEVICE_EVENT_MATE_FAILED,
  VP_DEVICE_EVENT_MATE_LEAVES,
  VP_DEVICE_EVENT_QEMU_GONE,
  VP_DEVICE_N_EVENTS,
} VpDeviceEvent;

/**
 * VpDeviceAction:
 * @VP_DEVICE_ACTION_NONE: nothing
 * @VP_DEVICE_ACTION_TAKE: take its host function from its driver, if it has one and that is wanted
 * @VP_DEVICE_ACTION_ADD: send device_add
 * @VP_DEVICE_ACTION_VERIFY: look at the BARs until they are mapped or time is up
 * @VP_DEVICE_ACTION_REPORT: tell whoever waits
 * @VP_DEVICE_ACTION_RETRY: wait a while, then try it once more, or give up
 * @VP_DEVICE_ACTION_DELETE: send device_del
 * @VP_DEVICE_ACTION_RELEASE: free the place, give the host device back, tell whoever waits
 * @VP_DEVICE_ACTION_REJECT: the event makes no sense here: refuse it, or drop it
 */
typedef enum
{
  VP_DEVICE_ACTION_NONE,
  VP_DEVICE_ACTION_TAKE,
  VP_DEVICE_ACTION_ADD,
  VP_DEVICE_ACTION_VERIFY,
  VP_DEVICE_ACTION_REPORT,
  VP_DEVICE_ACTION_RETRY,
  VP_DEVICE_ACTION_DELETE,
  VP_DEVICE_ACTION_RELEASE,
  VP_DEVICE_ACTION_REJECT,
} VpDeviceAction;

/**
 * vp_lifecycle_step:
 * @state: (inout): where the device is
 * @event: what happened
 *
 * The whole policy is a table of state and event. An event that makes no sense leaves the state
 * alone and is %VP_DEVICE_ACTION_REJECT.
 *
 * Returns: what to do now
 */
VpDeviceAction vp_lifecycle_step (VpDeviceState *state, VpDeviceEvent event);

/**
 * vp_device_state_is_over:
 *
 * Returns: whether it is the end of a device's life: QEMU does not have it, and will not
 */
gboolean vp_device_state_is_over (VpDeviceState state);

/**
 * vp_device_state_to_string:
 *
 * Returns: (transfer none): the state's name in messages and JSON, "pending-removal" and so on
 */
const char *vp_device_state_to_string (VpDeviceState state);

G_END_DECLS
