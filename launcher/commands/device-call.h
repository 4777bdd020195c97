#pragma once

#include "launcher/control/control-client.h"

G_BEGIN_DECLS

/**
 * VpDeviceCall:
 * @command: a command of the control socket for one or several devices
 * @one: the argument that names one
 * @many: the argument that names several
 * @texts: (array zero-terminated=1): what the user gave; empty when the other arguments say it
 * @arguments: (transfer full): the other arguments, without "timeout"
 * @timeout_ms: longest wait
 * @print: shows what became of one of them to a person
 *
 * What `attach` and `detach` have in common.
 */
typedef struct
{
  const char *command;
  const char *one;
  const char *many;
  char **texts;
  JsonObject *arguments;
  guint timeout_ms;
  void (*print) (JsonObject *document);
} VpDeviceCall;

/**
 * vp_device_call_run:
 * @call: what to do; its arguments are taken
 * @client: the VM
 * @as_json: whether to print the document instead of text
 * @error: return location for a #GError
 *
 * One device is shown as it is, or its error returned. Of several each outcome is shown, and the
 * errors on standard error.
 *
 * Returns: 0; the exit status of the first error when there were several devices; or -1 with @error
 *   set
 */
int
vp_device_call_run (VpDeviceCall *call, VpControlClient *client, gboolean as_json, GError **error);

G_END_DECLS
