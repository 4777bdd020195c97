#pragma once

#include "launcher/vm/machine.h"
#include "qmp/server.h"

G_BEGIN_DECLS

/**
 * vp_resize_command_run:
 * @machine: a VM
 * @call: (transfer full): "vmplug-resize"
 * @arguments: "cpus", a number, "memory", in bytes, at least one of them, and "timeout", in seconds
 *
 * Answers with the document of vp_resize_finish().
 */
void vp_resize_command_run (VpMachine *machine, VpQmpCall *call, JsonObject *arguments);

G_END_DECLS
