#pragma once

#include "launcher/vm/machine.h"

G_BEGIN_DECLS

#define VP_TYPE_CONTROL_SERVER (vp_control_server_get_type ())
G_DECLARE_FINAL_TYPE (VpControlServer, vp_control_server, VP, CONTROL_SERVER, GObject)

/**
 * vp_control_server_new:
 * @machine: the VM; referenced
 * @listen_fd: (transfer full): a listening socket
 *
 * Serves one VM's control socket in QMP's own framing. Commands:
 *
 *   vmplug-status                                   the "status" document
 *   vmplug-attach {"spec": S, "timeout": SECONDS}   the "attach" document
 *   vmplug-detach {"id": ID, "timeout": SECONDS}    {"id", "state", "seconds"}
 *   vmplug-stop {"force": BOOLEAN}                  {"supervisor": PID} at once; its exit is the
 * end
 *
 * and QEMU's own commands that only read (query-*, qom-list, qom-get, qom-list-types,
 * device-list-properties), and stop, cont, system_reset, system_powerdown. Everything else is
 * refused with CommandNotFound, because it would change the VM behind the supervisor's back.
 * A refusal carries vmplug's error code beside QMP's class. Every event of the machine goes to
 * every client.
 *
 * Returns: (transfer full): a server; vp_control_server_close() before dropping it
 */
VpControlServer *vp_control_server_new (VpMachine *machine, int listen_fd);

/**
 * vp_control_server_close:
 * @self: a server
 */
void vp_control_server_close (VpControlServer *self);

G_END_DECLS
