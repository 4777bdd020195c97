#include "launcher/commands/device-call.h"

#include "launcher/commands/output.h"
#include "launcher/commands/timeout.h"
#include "launcher/failure.h"
#include "qmp/message.h"

static void
add_texts (VpDeviceCall *call)
{
  guint n_texts = g_strv_length (call->texts);
  JsonArray *array;

  if (n_texts == 1)
    json_object_set_string_member (call->arguments, call->one, call->texts[0]);
  if (n_texts <= 1)
    return;

  array = json_array_new ();
  for (guint i = 0; i < n_texts; i++)
    json_array_add_string_element (array, call->texts[i]);
  json_object_set_array_member (call->arguments, call->many, array);
}

/* Returns: the exit status */
static int
show_each (VpDeviceCall *call, JsonArray *devices, gboolean as_json)
{
  int status = 0;

  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);
      JsonObject *failure = vp_qmp_message_get_object (device, "error");
      g_autoptr (GError) why = failure != NULL ? vp_failure_from_json (failure) : NULL;

      if (why != NULL)
        {
          int its_status = vp_failure_print (why, FALSE);

          status = status == 0 ? its_status : status;
        }
      else if (!as_json)
        call->print (device);
    }
  return status;
}

int
vp_device_call_run (VpDeviceCall *call, VpControlClient *client, gboolean as_json, GError **error)
{
  g_autoptr (JsonObject) document = NULL;
  JsonArray *devices;
  int status = 0;

  add_texts (call);
  json_object_set_double_member (call->arguments, "timeout", call->timeout_ms / 1000.0);
  document = vp_control_client_call (client, call->command, g_steal_pointer (&call->arguments),
                                     call->timeout_ms + VP_TIMEOUT_MARGIN_MS, error);
  if (document == NULL)
    return -1;

  devices = vp_qmp_message_get_array (document, "devices");
  if (devices != NULL)
    status = show_each (call, devices, as_json);
  else if (!as_json)
    call->print (document);
  if (as_json)
    vp_output_json (g_steal_pointer (&document));
  return status;
}
