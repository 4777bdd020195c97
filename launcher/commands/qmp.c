#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/timeout.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"
#include "qmp/json-writer.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 60000

/* @arguments: (out): NULL when @text is */
static gboolean
parse_arguments (const char *text, JsonObject **arguments, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (text == NULL)
    return TRUE;
  *arguments = vp_qmp_message_parse (text, &local);
  if (*arguments != NULL)
    return TRUE;

  return vp_error_refuse (error, text, "is no JSON object: %s", local->message);
}

int
vp_command_qmp (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout, "Longest wait for the answer (default 60)",
      "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM COMMAND [JSON]",
    .summary = "Gives a VM one QMP command, with the arguments JSON, and prints what it returns. "
               "Of QEMU's commands those that only read are let through, and stop, cont, "
               "system_reset and system_powerdown.",
    .entries = entries,
    .min_args = 2,
    .max_args = 3,
  };
  /* it always prints JSON, and with --json its errors too */
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  g_autoptr (JsonObject) arguments = NULL;
  g_autoptr (JsonNode) value = NULL;
  g_autoptr (GString) text = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error) ||
      !parse_arguments (args[2], &arguments, error))
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL)
    return -1;

  value =
      vp_control_client_execute (client, args[1], g_steal_pointer (&arguments), timeout_ms, error);
  if (value == NULL)
    return -1;

  text = g_string_new (NULL);
  vp_json_write (text, value);
  puts (text->str);
  return 0;
}
