#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpDeviceState:
 * @VP_DEVICE_QUEUED: asked for; the guest is not ready for it, or its turn has not come
 * @VP_DEVICE_ADDING: device_add is on its way
 * @VP_DEVICE_ACCEPTED: QEMU has it; whether the guest can use it is not known yet
 * @VP_DEVICE_USABLE: every memory BAR has an address in the guest
 * @VP_DEVICE_PENDING_REMOVAL: the guest was asked to let go and has not yet
 * @VP_DEVICE_REMOVED: QEMU has let go; nothing of it is left in the VM
 * @VP_DEVICE_FAILED: it could not be made usable, and QEMU does not have it
 *
 * Where one device of a VM is, from asked for to gone.
 */
typedef enum
{
  VP_DEVICE_QUEUED,
  VP_DEVICE_ADDING,
  VP_DEVICE_ACCEPTED,
  VP_DEVICE_USABLE,
  VP_DEVICE_PENDING_REMOVAL,
  VP_DEVICE_REMOVED,
  VP_DEVICE_FAILED,
  VP_DEVICE_N_STATES,
} VpDeviceState;

/**
 * VpDeviceEvent:
 * @VP_DEVICE_EVENT_START: the guest is ready: begin
 * @VP_DEVICE_EVENT_ADD_OK: device_add returned
 * @VP_DEVICE_EVENT_ADD_FAILED: device_add was refused
 * @VP_DEVICE_EVENT_MAPPED: all memory BARs were seen at guest addresses
 * @VP_DEVICE_EVENT_NO_WINDOW: time is up, and the guest mapped some BARs but not all
 * @VP_DEVICE_EVENT_DETACH: somebody wants it gone
 * @VP_DEVICE_EVENT_DEL_REFUSED: device_del was refused for good
 * @VP_DEVICE_EVENT_DELETED: DEVICE_DELETED, asked for or not
 * @VP_DEVICE_EVENT_MATE_FAILED: another function of its slot could not be added, before the guest
 *   was to see any of them
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
  VP_DEVICE_EVENT_ADD_OK,
  VP_DEVICE_EVENT_ADD_FAILED,
  VP_DEVICE_EVENT_MAPPED,
  VP_DEVICE_EVENT_NO_WINDOW,
  VP_DEVICE_EVENT_DETACH,
  VP_DEVICE_EVENT_DEL_REFUSED,
  VP_DEVICE_EVENT_DELETED,
  VP_DEVICE_EVENT_MATE_FAILED,
  VP_DEVICE_EVENT_MATE_LEAVES,
  VP_DEVICE_EVENT_QEMU_GONE,
  VP_DEVICE_N_EVENTS,
} VpDeviceEvent;

/**
 * VpDeviceAction:
 * @VP_DEVICE_ACTION_NONE: nothing
 * @VP_DEVICE_ACTION_ADD: send device_add
 * @VP_DEVICE_ACTION_VERIFY: look at the BARs until they are mapped or time is up
 * @VP_DEVICE_ACTION_REPORT: tell whoever waits
 * @VP_DEVICE_ACTION_DELETE: send device_del
 * @VP_DEVICE_ACTION_RELEASE: free the place, give the host device back, tell whoever waits
 * @VP_DEVICE_ACTION_REJECT: the event makes no sense here: refuse it, or drop it
 */
typedef enum
{
  VP_DEVICE_ACTION_NONE,
  VP_DEVICE_ACTION_ADD,
  VP_DEVICE_ACTION_VERIFY,
  VP_DEVICE_ACTION_REPORT,
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
 * vp_device_state_to_string:
 *
 * Returns: (transfer none): the state's name in messages and JSON, "pending-removal" and so on
 */
const char *vp_device_state_to_string (VpDeviceState state);

G_END_DECLS
