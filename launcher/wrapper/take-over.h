#pragma once

#include "launcher/wrapper/bus-map.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpTakeOverAnswer:
 * @error: (nullable): why not, or %NULL for success
 * @answer_data: what came with the request
 *
 * To be called exactly once per request, at once or later, also after vp_take_over_close().
 */
typedef void (*VpTakeOverAnswer) (const GError *error, gpointer answer_data);

/** VpTakeOverHost: what the take-over asks of the VM; all on the main loop */
typedef struct
{
  /* A connected socket to QEMU's own QMP listener, or -1. */
  int (*connect_qemu) (gpointer user_data, GError **error);
  /* (transfer full) (nullable): the QEMU id of the device that the VM has for the device_add
   * @arguments, by "host" or "sysfsdev". Asked once more after attach() has succeeded: if the VM
   * gave the device another id than the runtime's, this is how it becomes known. */
  char *(*find_device) (JsonObject *arguments, gpointer user_data);
  /* Whether vmplug manages the device of that QEMU id. */
  gboolean (*has_device) (const char *id, gpointer user_data);
  /* Place it where the plan says; @arguments as the runtime gave them, valid during the call. */
  void (*attach) (JsonObject *arguments,
                  VpTakeOverAnswer answer,
                  gpointer answer_data,
                  gpointer user_data);
  /* Take it out; answered once it is gone. @id: QEMU's */
  void (*detach) (const char *id,
                  VpTakeOverAnswer answer,
                  gpointer answer_data,
                  gpointer user_data);
  gpointer user_data; /* as long as a request is unanswered or the take-over is open */
} VpTakeOverHost;

/**
 * VpTakeOver:
 *
 * Stands between a runtime and QEMU on the runtime's own QMP channel. Each client gets a connection
 * to QEMU of its own, one at a time as QEMU does it; bytes and file descriptors pass unchanged,
 * except for devices that vmplug has or has to place.
 */
typedef struct _VpTakeOver VpTakeOver;

/**
 * vp_take_over_new:
 * @listener: (transfer full): the runtime's listening socket
 * @buses: (transfer full): the buses of the machine as it starts
 * @host: copied
 * @unplug_timeout_ms: how long a device_del waits for the guest before it fails; 0: its return is
 *   passed on at once
 *
 * Serves on the thread-default main context.
 *
 * Returns: (transfer full): end with vp_take_over_close()
 */
VpTakeOver *vp_take_over_new (int listener,
                              VpBusMap *buses,
                              const VpTakeOverHost *host,
                              guint unplug_timeout_ms);

/**
 * vp_take_over_device_deleted:
 * @self: a take-over
 * @id: QEMU's id of a device
 *
 * To be called for each DEVICE_DELETED on a monitor of one's own. It counts while no client is
 * there to whom QEMU says the same.
 */
void vp_take_over_device_deleted (VpTakeOver *self, const char *id);

/**
 * vp_take_over_close:
 * @self: (transfer full) (nullable): a take-over
 *
 * Hangs up on every client, also on those that wait to be served: a runtime that waits without a
 * timer sees the end.
 */
void vp_take_over_close (VpTakeOver *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOver, vp_take_over_close)

G_END_DECLS
