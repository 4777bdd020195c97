#include "devices/byte-size.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/device-call.h"
#include "launcher/commands/document.h"
#include "launcher/commands/timeout.h"
#include "launcher/config/device-spec.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A spec is parsed here too, although the supervisor has the last word: a typing error needs no VM
   to be told. Nor is the supervisor in our folder. */
static gboolean
check_specs (char **specs, GError **error)
{
  g_autofree char *folder = g_get_current_dir ();

  for (char **text = specs; *text != NULL; text++)
    {
      g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (*text, error);
      g_autofree char *as_typed = *text;

      if (spec == NULL)
        {
          g_steal_pointer (&as_typed);
          return FALSE;
        }
      *text = vp_device_spec_make_absolute (as_typed, folder);
    }
  return TRUE;
}

static gboolean
add_id (char **specs, const char *id, GError **error)
{
  g_autofree char *text = specs[0];

  if (specs[1] != NULL)
    vp_error_refuse (error, id, "cannot be the id of %u devices", g_strv_length (specs));
  else if (!vp_id_is_valid (id))
    vp_error_refuse (error, id, "is not an id: " VP_ID_GRAMMAR);
  else
    {
      specs[0] = g_strdup_printf ("%s,id=%s", text, id);
      return TRUE;
    }
  g_steal_pointer (&text);
  return FALSE;
}

static void
print_bar (JsonObject *bar)
{
  const char *address = vp_qmp_message_get_string (bar, "guest_address");
  g_autofree char *size = vp_byte_size_format ((guint64) vp_qmp_message_get_int (bar, "size", 0));

  printf ("  BAR %" G_GINT64_FORMAT "  %s  %s  %s\n", vp_qmp_message_get_int (bar, "index", 0),
          vp_document_text (bar, "kind"), size, address != NULL ? address : "no address");
}

static void
print_text (JsonObject *document)
{
  JsonArray *bars = vp_qmp_message_get_array (document, "bars");
  JsonArray *others = vp_qmp_message_get_array (document, "others");

  printf ("%s is %s at %s (%s) after %.1f s\n", vp_document_text (document, "id"),
          vp_document_text (document, "state"), vp_document_text (document, "guest_path"),
          vp_document_text (document, "port"), MAX (vp_document_seconds (document, "seconds"), 0));
  for (guint i = 0; bars != NULL && i < json_array_get_length (bars); i++)
    print_bar (json_array_get_object_element (bars, i));
  for (guint i = 0; others != NULL && i < json_array_get_length (others); i++)
    print_text (json_array_get_object_element (others, i));
}

int
vp_command_attach (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *id = NULL;
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &id, "Id for the device (default: made of its name)", "ID" },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for it to become usable (default 30)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM SPEC…",
    .summary =
        "Adds devices to a running VM, all at once, and returns when the guest can use them. "
        "A host device that the VM has already is counted once more.",
    .entries = entries,
    .min_args = 2,
    .max_args = -1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  VpDeviceCall call;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error) ||
      (id != NULL && !add_id (&args[1], id, error)) || !check_specs (&args[1], error))
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL)
    return -1;

  call = (VpDeviceCall){
    .command = "vmplug-attach",
    .one = "spec",
    .many = "specs",
    .texts = &args[1],
    .arguments = json_object_new (),
    .timeout_ms = timeout_ms,
    .print = print_text,
  };
  return vp_device_call_run (&call, client, *as_json, error);
}
