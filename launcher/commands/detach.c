#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/device-call.h"
#include "launcher/commands/document.h"
#include "launcher/commands/timeout.h"
#include "launcher/error.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A guest lets go of whole slots: other functions of the same host device have left, too. */
static void
print_text (JsonObject *document)
{
  JsonArray *others = vp_qmp_message_get_array (document, "others");
  gint64 count = vp_qmp_message_get_int (document, "attach_count", 0);

  if (count > 0)
    printf ("%s stays %s: it is attached %" G_GINT64_FORMAT " more time%s\n",
            vp_document_text (document, "id"), vp_document_text (document, "state"), count,
            count == 1 ? "" : "s");
  else
    printf ("%s is %s after %.1f s\n", vp_document_text (document, "id"),
            vp_document_text (document, "state"),
            MAX (vp_document_seconds (document, "seconds"), 0));
  for (guint i = 0; others != NULL && i < json_array_get_length (others); i++)
    print_text (json_array_get_object_element (others, i));
}

int
vp_command_detach (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *timeout = NULL;
  gboolean all = FALSE;
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "Every device that the VM has", NULL },
    { "force", 0, 0, G_OPTION_ARG_NONE, &force, "However often it is attached", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for the guest to let go (default 30)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM ID… | VM --all",
    .summary =
        "Takes devices from a running VM, each with all functions of its slot, and returns "
        "when they are gone. ID may be a reference: that of an IOMMU group is all of it. The "
        "guest is asked for all of them at once. If it still holds one when time is up, that "
        "is exit status 7, and the removal goes on.",
    .entries = entries,
    .min_args = 1,
    .max_args = -1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  VpDeviceCall call;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  if (all != (args[1] == NULL))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s",
                   all ? "--all and an id exclude each other" : "an id is missing, or --all");
      return -1;
    }
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL)
    return -1;

  call = (VpDeviceCall){
    .command = "vmplug-detach",
    .one = "id",
    .many = "ids",
    .texts = &args[1],
    .arguments = json_object_new (),
    .timeout_ms = timeout_ms,
    .print = print_text,
  };
  json_object_set_boolean_member (call.arguments, "all", all);
  json_object_set_boolean_member (call.arguments, "force", force);
  return vp_device_call_run (&call, client, *as_json, error);
}
