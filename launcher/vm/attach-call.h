#pragma once

#include "launcher/vm/device-registry.h"
#include "qmp/client.h"

G_BEGIN_DECLS

/**
 * VpAttachCall:
 * @source: what was asked for
 * @functions: (element-type VpPciFunction): what it stands for; %NULL is a device that QEMU
 * emulates
 * @client: QEMU
 * @is_paused: whether the VM is
 * @is_ready: whether the guest is ready; if not, vp_slot_mates_add() comes later
 * @timeout_ms: longest wait for all of it to become usable
 *
 * One attach. Borrows.
 */
typedef struct
{
  VpAttachSource *source;
  const GPtrArray *functions;
  VpQmpClient *client;
  gboolean is_paused;
  gboolean is_ready;
  guint timeout_ms;
} VpAttachCall;

/**
 * vp_attach_call:
 * @registry: the devices of a running VM
 * @call: what to attach
 * @task: (transfer full): gets the "attach" document of the first, with those of the others as
 *   "others", or the first error
 *
 * Takes a place for all of it, or for none, and begins. What the VM has already is counted.
 */
void vp_attach_call (VpDeviceRegistry *registry, const VpAttachCall *call, GTask *task);

G_END_DECLS
