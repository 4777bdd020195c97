#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_kernel_report_decode:
 * @lines: (array zero-terminated=1): the last lines of a console, valid UTF-8
 *
 * Takes apart the first report of a Linux kernel that found a fault in itself or gave up:
 *
 *   "line": what it says first; "panic": that it gave up, when it says so later
 *   "rip": where it was, "proc_reg_write+0xa/0xa0"; "process": "sh (PID 138)"
 *   "kernel": its release; "modules": names; "stack": frames, those after "?" only for want of
 * others
 *
 * All but "line" and "stack" may be missing. Stamps of time and of who printed it are left out, and
 * so is what others print between its lines. Pure.
 *
 * Returns: (transfer full) (nullable): the report; %NULL when there is none
 */
JsonObject *vp_kernel_report_decode (char **lines);

G_END_DECLS
