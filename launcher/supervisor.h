#pragma once

#include "launcher/vm/machine.h"

G_BEGIN_DECLS

/**
 * VpSupervisorHooks:
 * @prepared: (nullable): called before anything is started
 * @started: (nullable): called once the guest runs and the control socket answers
 * @console: (nullable): called with each piece of the guest's console output
 * @event: (nullable): called with each of the machine's events
 * @signalled: (nullable): called with each signal that asks for the end, instead of the stop ladder
 * @ended: (nullable): called once QEMU is gone, or could not be started, while its run-dir is there
 * @user_data: for all of them
 */
typedef struct
{
  void (*prepared) (VpMachine *machine, gpointer user_data);
  void (*started) (VpMachine *machine, gpointer user_data);
  void (*console) (GBytes *output, gpointer user_data);
  void (*event) (const char *name, JsonObject *data, gpointer user_data);
  void (*signalled) (int signal_number, gpointer user_data);
  void (*ended) (VpMachine *machine, gpointer user_data);
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
 * ladder, unless a hook has other wishes. Returns when the VM is gone, its devices are back and its
 * run-dir is removed.
 *
 * Returns: %FALSE when it could not start or did not end well
 */
gboolean vp_supervisor_run (VpBlueprint *blueprint,
                            const char *root,
                            const VpSupervisorHooks *hooks,
                            int *signal_number,
                            GError **error);

G_END_DECLS
