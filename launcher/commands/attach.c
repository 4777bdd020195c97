#include "devices/byte-size.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/document.h"
#include "launcher/commands/output.h"
#include "launcher/commands/timeout.h"
#include "launcher/config/device-spec.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A spec is parsed here too, although the supervisor has the last word: a typing error needs no VM
   to be told. Nor is the supervisor in our folder. */
static char *
add_id (const char *spec_text, const char *id, GError **error)
{
  g_autoptr (VpDeviceSpec) spec = NULL;
  g_autofree char *text = NULL;
  g_autofree char *folder = g_get_current_dir ();

  if (id != NULL && !vp_id_is_valid (id))
    {
      vp_error_refuse (error, id, "is not an id: " VP_ID_GRAMMAR);
      return NULL;
    }

  text = id != NULL ? g_strdup_printf ("%s,id=%s", spec_text, id) : g_strdup (spec_text);
  spec = vp_device_spec_parse (text, error);
  return spec != NULL ? vp_device_spec_make_absolute (text, folder) : NULL;
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
    .usage = "VM SPEC",
    .summary = "Adds a device to a running VM, and returns when the guest can use it.",
    .entries = entries,
    .min_args = 2,
    .max_args = 2,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autofree char *spec = NULL;
  g_autoptr (VpControlClient) client = NULL;
  g_autoptr (JsonObject) document = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  JsonObject *arguments;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  spec = add_id (args[1], id, error);
  client = spec != NULL ? vp_control_client_connect (root, args[0], error) : NULL;
  if (client == NULL)
    return -1;

  arguments = json_object_new ();
  json_object_set_string_member (arguments, "spec", spec);
  json_object_set_double_member (arguments, "timeout", timeout_ms / 1000.0);
  document = vp_control_client_call (client, "vmplug-attach", arguments,
                                     timeout_ms + VP_TIMEOUT_MARGIN_MS, error);
  if (document == NULL)
    return -1;

  if (*as_json)
    vp_output_json (g_steal_pointer (&document));
  else
    print_text (document);
  return 0;
}
