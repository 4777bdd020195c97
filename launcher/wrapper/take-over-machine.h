#pragma once

#include "launcher/vm/machine.h"
#include "launcher/wrapper/take-over.h"

G_BEGIN_DECLS

/**
 * VpTakeOverMachine:
 *
 * Answers what a take-over asks, by what a machine is and does.
 */
typedef struct _VpTakeOverMachine VpTakeOverMachine;

/**
 * vp_take_over_machine_new:
 * @machine: the VM; referenced
 * @root: where host paths start
 * @socket_name: socket in the VM's run-dir on which QEMU listens for the runtime
 * @attach_timeout_ms: longest wait for the guest to find a device
 * @detach_timeout_ms: longest wait for it to let go of one
 *
 * Returns: (transfer full): free with vp_take_over_machine_free() once nothing is unanswered
 */
VpTakeOverMachine *vp_take_over_machine_new (VpMachine *machine,
                                             const char *root,
                                             const char *socket_name,
                                             guint attach_timeout_ms,
                                             guint detach_timeout_ms);
void vp_take_over_machine_free (VpTakeOverMachine *self);

/**
 * vp_take_over_machine_get_host:
 *
 * Returns: what to give to vp_take_over_new(); @self must outlive it
 */
VpTakeOverHost vp_take_over_machine_get_host (VpTakeOverMachine *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOverMachine, vp_take_over_machine_free)

G_END_DECLS
