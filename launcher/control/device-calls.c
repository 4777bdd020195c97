#include "launcher/control/device-calls.h"

#include "devices/lifecycle.h"
#include "launcher/control/call-arguments.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/message.h"

#define DEFAULT_TIMEOUT_MS 30000

/* One command for several devices. */
typedef struct
{
  VpQmpCall *call;
  const char *text_name; /* of a device in an error */
  GStrv texts;
  gboolean is_single; /* the answer is that of the one device */
  JsonObject **results;
  guint n_left;
} Calls;

/* One of them. */
typedef struct
{
  Calls *calls;
  guint index;
} Part;

static void
answer (Calls *self)
{
  JsonObject *document = json_object_new ();
  JsonArray *devices = json_array_new ();
  JsonNode *value = json_node_new (JSON_NODE_OBJECT);

  for (guint i = 0; self->texts[i] != NULL; i++)
    json_array_add_object_element (devices, self->results[i]);
  json_object_set_array_member (document, "devices", devices);
  json_node_take_object (value, document);
  vp_qmp_call_return (self->call, value);
}

static void
answer_single (Calls *self, JsonObject *document, const GError *error)
{
  JsonNode *value;

  if (error != NULL)
    {
      vp_qmp_call_fail (self->call, vp_failure_to_json (error));
      return;
    }
  value = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (value, document);
  vp_qmp_call_return (self->call, value);
}

static void
calls_free (Calls *self)
{
  g_strfreev (self->texts);
  g_free (self->results);
  g_free (self);
}

/* Takes all of its arguments. */
static void
finish_part (Part *part, JsonObject *document, GError *error)
{
  g_autofree Part *owned_part = part;
  g_autoptr (GError) owned_error = error;
  Calls *self = part->calls;

  if (self->is_single)
    answer_single (self, document, error);
  else if (error != NULL)
    {
      document = json_object_new ();
      json_object_set_string_member (document, self->text_name, self->texts[part->index]);
      json_object_set_object_member (document, "error", vp_failure_to_json (error));
    }

  self->results[part->index] = document;
  if (--self->n_left > 0)
    return;
  if (!self->is_single)
    answer (self);
  calls_free (self);
}

/* Takes @texts. */
static Calls *
calls_new (VpQmpCall *call, const char *text_name, GStrv texts, gboolean is_single)
{
  Calls *self = g_new0 (Calls, 1);

  self->call = call;
  self->text_name = text_name;
  self->texts = texts;
  self->is_single = is_single;
  self->n_left = g_strv_length (texts);
  self->results = g_new0 (JsonObject *, self->n_left);
  return self;
}

static Part *
part_new (Calls *calls, guint index)
{
  Part *part = g_new (Part, 1);

  *part = (Part){ calls, index };
  return part;
}

static void
refuse (VpQmpCall *call, GError *error)
{
  g_autoptr (GError) owned = error;

  vp_qmp_call_fail (call, vp_failure_to_json (owned));
}

static GStrv
read_texts (JsonObject *arguments, const char *one, const char *many, GError **error)
{
  const char *const single[] = { json_object_has_member (arguments, one)
                                     ? vp_call_arguments_get_string (arguments, one, error)
                                     : NULL,
                                 NULL };

  if (json_object_has_member (arguments, one) && json_object_has_member (arguments, many))
    {
      vp_error_refuse (error, many, "cannot be there beside \"%s\"", one);
      return NULL;
    }
  if (!json_object_has_member (arguments, many))
    {
      if (single[0] != NULL || json_object_has_member (arguments, one))
        return single[0] != NULL ? g_strdupv ((char **) single) : NULL;
      vp_error_refuse (error, one, "must be there, and be a string");
      return NULL;
    }
  return vp_call_arguments_get_strings (arguments, many, error);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  JsonObject *document = vp_machine_attach_finish (VP_MACHINE (source), result, &error);

  finish_part (user_data, document, error);
}

void
vp_device_calls_attach (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  GError *error = NULL;
  GStrv texts = read_texts (arguments, "spec", "specs", &error);
  guint n_texts;
  Calls *calls;

  if (texts == NULL || !vp_call_arguments_get_timeout (arguments, &timeout_ms, &error))
    {
      g_strfreev (texts);
      refuse (call, error);
      return;
    }

  n_texts = g_strv_length (texts);
  calls = calls_new (call, "spec", texts, json_object_has_member (arguments, "spec"));
  for (guint i = 0; i < n_texts; i++)
    {
      Part *part = part_new (calls, i);
      VpDeviceSpec *spec = vp_device_spec_parse (texts[i], &error);

      if (spec != NULL)
        vp_machine_attach_async (machine, spec, timeout_ms, on_attached, part);
      else
        finish_part (part, NULL, g_steal_pointer (&error));
    }
}

static void
on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  JsonObject *document = vp_machine_detach_finish (VP_MACHINE (source), result, &error);

  finish_part (user_data, document, error);
}

static GStrv
list_all (VpMachine *machine)
{
  g_autoptr (JsonObject) status = vp_machine_get_status (machine);
  JsonArray *devices = json_object_get_array_member (status, "devices");
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();

  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      if (!g_str_equal (vp_qmp_message_get_string (device, "state"),
                        vp_device_state_to_string (VP_DEVICE_FAILED)))
        g_ptr_array_add (ids, g_strdup (vp_qmp_message_get_string (device, "id")));
    }
  g_ptr_array_add (ids, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&ids), FALSE);
}

void
vp_device_calls_detach (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  GError *error = NULL;
  gboolean all, force;
  GStrv texts = NULL;
  guint n_texts;
  Calls *calls;

  if (vp_call_arguments_get_flag (arguments, "all", &all, &error) &&
      vp_call_arguments_get_flag (arguments, "force", &force, &error) &&
      vp_call_arguments_get_timeout (arguments, &timeout_ms, &error))
    texts = all ? list_all (machine) : read_texts (arguments, "id", "ids", &error);
  if (texts == NULL)
    {
      refuse (call, error);
      return;
    }

  n_texts = g_strv_length (texts);
  calls = calls_new (call, "id", texts, !all && json_object_has_member (arguments, "id"));
  if (n_texts == 0)
    {
      answer (calls);
      calls_free (calls);
      return;
    }
  for (guint i = 0; i < n_texts; i++)
    vp_machine_detach_async (machine, texts[i], force || all, timeout_ms, on_detached,
                             part_new (calls, i));
}
