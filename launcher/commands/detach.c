#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/document.h"
#include "launcher/commands/output.h"
#include "launcher/commands/timeout.h"
#include "launcher/control/control-client.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A guest lets go of whole slots: other functions of the same host device have left, too. */
static void
print_text (JsonObject *document)
{
  JsonArray *others = vp_qmp_message_get_array (document, "others");

  printf ("%s is %s after %.1f s\n", vp_document_text (document, "id"),
          vp_document_text (document, "state"), MAX (vp_document_seconds (document, "seconds"), 0));
  for (guint i = 0; others != NULL && i < json_array_get_length (others); i++)
    print_text (json_array_get_object_element (others, i));
}

int
vp_command_detach (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for the guest to let go (default 30)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM ID",
    .summary = "Takes a device from a running VM, with all functions of its slot, and returns when "
               "it is gone. If the guest still holds it when time is up, that is exit status 7, "
               "and the removal goes on.",
    .entries = entries,
    .min_args = 2,
    .max_args = 2,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  g_autoptr (JsonObject) document = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  JsonObject *arguments;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL)
    return -1;

  arguments = json_object_new ();
  json_object_set_string_member (arguments, "id", args[1]);
  json_object_set_double_member (arguments, "timeout", timeout_ms / 1000.0);
  document = vp_control_client_call (client, "vmplug-detach", arguments,
                                     timeout_ms + VP_TIMEOUT_MARGIN_MS, error);
  if (document == NULL)
    return -1;

  if (*as_json)
    vp_output_json (g_steal_pointer (&document));
  else
    print_text (document);
  return 0;
}
