#pragma once

#include "launcher/wrapper/runtime-command.h"
#include "launcher/wrapper/take-over-devices.h"

G_BEGIN_DECLS

typedef enum
{
  VP_TAKE_OVER_PLAIN,        /* QEMU's reply passes as it comes */
  VP_TAKE_OVER_CAPABILITIES, /* after it there is something to take over */
  VP_TAKE_OVER_ADD,          /* QEMU's device_add: who sits where follows from its reply */
  VP_TAKE_OVER_DELETE,   /* QEMU's device_del: its return is held back until the device is gone */
  VP_TAKE_OVER_ATTACH,   /* vmplug's device_add */
  VP_TAKE_OVER_DETACH,   /* vmplug's device_del */
  VP_TAKE_OVER_ANSWERED, /* answered when it was read */
} VpTakeOverKind;

typedef enum
{
  VP_TAKE_OVER_WAITS_FOR_QEMU,
  VP_TAKE_OVER_WAITS_FOR_VM,
  VP_TAKE_OVER_WAITS_FOR_EVENT,
  VP_TAKE_OVER_DONE,
} VpTakeOverState;

typedef struct _VpTakeOverRequest VpTakeOverRequest;

/** VpTakeOverCall: one value of the client that will be answered, in its place in the line */
typedef struct
{
  VpTakeOverKind kind;
  VpTakeOverState state;
  VpRuntimeCommand *command; /* (nullable): none for what nobody has to understand */
  gboolean is_oob;
  char *device;               /* (nullable): QEMU's id or path of what is added or deleted */
  gboolean is_learnt;         /* the bus map has it because of this call */
  gboolean is_deleted;        /* its DEVICE_DELETED has passed */
  gboolean is_refused;        /* the guest has said that it does not let go */
  gint64 deadline;            /* 0: not set yet */
  GString *reply;             /* what is to be said, until it can be */
  VpTakeOverRequest *request; /* (nullable): what vmplug has been asked */
} VpTakeOverCall;

/**
 * vp_take_over_call_new:
 * @kind: what it is
 * @state: what it waits for
 * @command: (transfer full) (nullable): the command
 *
 * Returns: (transfer full): free with vp_take_over_call_free()
 */
VpTakeOverCall *
vp_take_over_call_new (VpTakeOverKind kind, VpTakeOverState state, VpRuntimeCommand *command);
void vp_take_over_call_free (VpTakeOverCall *self);

/** Told when vmplug has answered @call, which is then %VP_TAKE_OVER_DONE or waits for the event. */
typedef void (*VpTakeOverAnswered) (VpTakeOverCall *call, gpointer user_data);

/**
 * vp_take_over_call_request_attach:
 * @self: a %VP_TAKE_OVER_ATTACH
 * @devices: what gets to know the device, even if @self is freed before the answer
 * @answered: called when the answer is there, which can be at once
 * @user_data: for @answered, as long as @self lives
 */
void vp_take_over_call_request_attach (VpTakeOverCall *self,
                                       VpTakeOverDevices *devices,
                                       VpTakeOverAnswered answered,
                                       gpointer user_data);

/**
 * vp_take_over_call_request_detach:
 *
 * Like vp_take_over_call_request_attach(), for the device of a %VP_TAKE_OVER_DETACH.
 */
void vp_take_over_call_request_detach (VpTakeOverCall *self,
                                       VpTakeOverDevices *devices,
                                       VpTakeOverAnswered answered,
                                       gpointer user_data);

/**
 * vp_take_over_call_succeed:
 *
 * Makes it done, with success.
 */
void vp_take_over_call_succeed (VpTakeOverCall *self);

/**
 * vp_take_over_call_fail:
 * @self: a call
 * @desc: (transfer full): why
 *
 * Makes it done, with an error in the place of whatever reply it had.
 */
void vp_take_over_call_fail (VpTakeOverCall *self, char *desc);

/**
 * vp_take_over_call_dup_runtime_device:
 *
 * Returns: (transfer full): what the runtime calls the device
 */
char *vp_take_over_call_dup_runtime_device (const VpTakeOverCall *self);

/**
 * vp_take_over_call_is_about:
 * @self: a call
 * @device: (nullable): the id in one of QEMU's events
 * @path: (nullable): the path there
 *
 * Returns: whether it deletes that device
 */
gboolean
vp_take_over_call_is_about (const VpTakeOverCall *self, const char *device, const char *path);

/**
 * vp_take_over_call_heed_deleted:
 * @self: a call that is about the device
 * @devices: where its id is forgotten
 *
 * The DEVICE_DELETED has been said.
 */
void vp_take_over_call_heed_deleted (VpTakeOverCall *self, VpTakeOverDevices *devices);

/**
 * vp_take_over_call_heed_refused:
 * @self: a call that is about the device
 *
 * The guest does not let go.
 */
void vp_take_over_call_heed_refused (VpTakeOverCall *self);

/**
 * vp_take_over_call_tick:
 * @self: a call
 * @devices: as above
 * @unplug_timeout_ms: how long a %VP_TAKE_OVER_DELETE waits for the guest
 * @now: the monotonic time, in microseconds
 * @real: the time of day, in microseconds
 *
 * Ends what has waited for an event for too long. A %VP_TAKE_OVER_DETACH is over then as well: the
 * VM says so, and a device that was never in QEMU leaves without an event, so that is made up.
 *
 * Returns: when it ends, or -1
 */
gint64 vp_take_over_call_tick (VpTakeOverCall *self,
                               VpTakeOverDevices *devices,
                               guint unplug_timeout_ms,
                               gint64 now,
                               gint64 real);

G_END_DECLS
