#pragma once

#include "launcher/vm/machine.h"
#include "qmp/server.h"

G_BEGIN_DECLS

/**
 * vp_device_calls_attach:
 * @machine: a running machine
 * @call: (transfer full): the command
 * @arguments: its arguments: "spec", or several as "specs", and "timeout"
 *
 * Answers a "spec" with its document or its error; "specs", all of which are begun before the first
 * is awaited, with {"devices": […]}: for each, in their order, its document, or its text as "spec"
 * with its "error".
 */
void vp_device_calls_attach (VpMachine *machine, VpQmpCall *call, JsonObject *arguments);

/**
 * vp_device_calls_detach:
 * @machine: a running machine
 * @call: (transfer full): the command
 * @arguments: its arguments: "id", or several as "ids", or "all"; "force" and "timeout"
 *
 * Answers as vp_device_calls_attach() does, with "id" for the text. "all" stands for every device,
 * however often it is attached.
 */
void vp_device_calls_detach (VpMachine *machine, VpQmpCall *call, JsonObject *arguments);

G_END_DECLS
