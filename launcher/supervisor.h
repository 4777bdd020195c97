#pragma once

#include "launcher/vm/machine.h"

G_BEGIN_DECLS

/**
 * VpSupervisorHooks:
 * @started: (nullable): called once the guest runs and the control socket answers
 * @console: (nullable): called with each piece of the guest's console output
 * @user_data: for both
 */
typedef struct
{
  void (*started) (VpMachine *machine, gpointer user_data);
  void (*console) (GBytes *output, gpointer user_data);
  gpointer user_data;
} VpSupervisorHooks;

/**
 * vp_supervisor_run:
 * @blueprint: (transfer full): what to start
 * @root: where host paths start
 * @hooks: what to tell on the way
 * @signal_number: (out): SIGINT, SIGTERM or SIGHUP when one of them ended the VM, else 0
 * @error: return location for a #GError
 *
 * One VM from its run-dir to its end: machine, control socket and signals on one main loop. The
 * first signal asks the guest to power off, each further one takes the next rung of the stop
 * ladder. Returns when the VM is gone, its devices are back and its run-dir is removed.
 *
 * Returns: %FALSE when it could not start or did not end well
 */
gboolean vp_supervisor_run (VpBlueprint *blueprint,
                            const char *root,
                            const VpSupervisorHooks *hooks,
                            int *signal_number,
                            GError **error);

G_END_DECLS
