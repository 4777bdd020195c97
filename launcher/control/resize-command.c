#include "launcher/control/resize-command.h"

#include "launcher/control/call-arguments.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/message.h"

#define DEFAULT_TIMEOUT_MS 30000

static void
on_resized (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VpQmpCall *call = user_data;
  g_autoptr (GError) error = NULL;
  JsonObject *document = vp_resize_finish (VP_RESIZE (source), result, &error);
  JsonNode *value;

  if (document == NULL)
    {
      vp_qmp_call_fail (call, vp_failure_to_json (error));
      return;
    }
  value = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (value, document);
  vp_qmp_call_return (call, value);
}

/* @value: (out): 0 when it is not there */
static gboolean
get_number (JsonObject *arguments, const char *name, gint64 max, gint64 *value, GError **error)
{
  *value = 0;
  if (!json_object_has_member (arguments, name))
    return TRUE;

  *value = vp_qmp_message_get_int (arguments, name, 0);
  if (*value >= 1 && *value <= max)
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "\"%s\" is no number from 1 to %" G_GINT64_FORMAT,
               name, max);
  return FALSE;
}

void
vp_resize_command_run (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  g_autoptr (GError) error = NULL;
  gint64 cpus, memory;

  if (vp_machine_is_adopted (machine))
    g_set_error (&error, VP_ERROR, VP_ERROR_STATE,
                 "%s: whoever has started its QEMU changes its CPUs and memory",
                 vp_machine_get_name (machine));
  else if (get_number (arguments, "cpus", G_MAXINT, &cpus, &error) &&
           get_number (arguments, "memory", G_MAXINT64, &memory, &error) &&
           vp_call_arguments_get_timeout (arguments, &timeout_ms, &error))
    vp_resize_async (vp_machine_get_resize (machine), (guint) cpus, (guint64) memory, timeout_ms,
                     on_resized, call);
  if (error != NULL)
    vp_qmp_call_fail (call, vp_failure_to_json (error));
}
