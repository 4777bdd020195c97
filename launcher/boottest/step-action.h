#pragma once

#include "launcher/boottest/step.h"
#include "launcher/vm/machine.h"

G_BEGIN_DECLS

/**
 * vp_step_action_async:
 * @machine: a machine whose guest runs
 * @step: any but one that expects; must outlive the call
 * @timeout_ms: longest wait for a device
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Carries out a step. Of one that stops the guest it is the asking only: the guest's SHUTDOWN tells
 * that it has.
 */
void vp_step_action_async (VpMachine *machine,
                           const VpStep *step,
                           guint timeout_ms,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/**
 * vp_step_action_finish:
 *
 * Returns: %FALSE with an error as vp_machine_attach_finish(), vp_machine_detach_finish() or
 *   vp_machine_query_finish()
 */
gboolean vp_step_action_finish (GAsyncResult *result, GError **error);

G_END_DECLS
