#pragma once

#include "launcher/vm/machine.h"

G_BEGIN_DECLS

/**
 * VpOwnConsole:
 *
 * The guest's console on this process's stdin and stdout, or stderr. On a terminal every key goes
 * to the guest, Ctrl-C too, but for Ctrl-], which asks the guest to power off, and again climbs the
 * stop ladder. What that does not take within a second is lost; the guest never waits for it, and
 * the VM's console.log has all of it.
 */
typedef struct _VpOwnConsole VpOwnConsole;

/**
 * vp_own_console_new:
 * @fd: where to print: STDOUT_FILENO or STDERR_FILENO
 *
 * Returns: (transfer full): a console that only prints, until vp_own_console_take_keys()
 */
VpOwnConsole *vp_own_console_new (int fd);

/**
 * vp_own_console_free:
 * @self: (nullable): a console
 *
 * The terminal is as it was before.
 */
void vp_own_console_free (VpOwnConsole *self);

/**
 * vp_own_console_take_keys:
 * @self: a console
 * @machine: whose guest gets what is typed; must live as long
 *
 * From now on stdin is the guest's.
 */
void vp_own_console_take_keys (VpOwnConsole *self, VpMachine *machine);

/**
 * vp_own_console_print:
 * @self: a console
 * @output: what the guest has printed
 */
void vp_own_console_print (VpOwnConsole *self, GBytes *output);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpOwnConsole, vp_own_console_free)

G_END_DECLS
