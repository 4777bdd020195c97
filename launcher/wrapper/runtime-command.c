#include "launcher/wrapper/runtime-command.h"

#include "qmp/json-writer.h"
#include "qmp/message.h"

#include <string.h>

VpRuntimeCommand *
vp_runtime_command_parse (const char *text, gsize len)
{
  g_autofree char *terminated = memchr (text, '\0', len) == NULL ? g_strndup (text, len) : NULL;
  g_autoptr (JsonObject) object =
      terminated != NULL ? vp_qmp_message_parse (terminated, NULL) : NULL;
  const char *execute, *oob;
  VpRuntimeCommand *self;

  if (object == NULL)
    return NULL;
  execute = vp_qmp_message_get_string (object, "execute");
  oob = vp_qmp_message_get_string (object, "exec-oob");
  if ((execute == NULL) == (oob == NULL))
    return NULL;

  self = g_new0 (VpRuntimeCommand, 1);
  self->message = json_node_init_object (json_node_alloc (), object);
  self->name = execute != NULL ? execute : oob;
  self->arguments = vp_qmp_message_get_object (object, "arguments");
  self->is_oob = oob != NULL;
  return self;
}

void
vp_runtime_command_free (VpRuntimeCommand *self)
{
  if (self == NULL)
    return;

  json_node_unref (self->message);
  g_free (self);
}

const char *
vp_runtime_command_get_argument (const VpRuntimeCommand *self, const char *name)
{
  return self->arguments != NULL ? vp_qmp_message_get_string (self->arguments, name) : NULL;
}

JsonNode *
vp_runtime_command_get_id (const VpRuntimeCommand *self)
{
  return json_object_get_member (json_node_get_object (self->message), "id");
}

char *
vp_runtime_command_dup_place (const VpRuntimeCommand *self)
{
  const char *text = vp_runtime_command_get_argument (self, "addr");
  gint64 number =
      self->arguments != NULL ? vp_qmp_message_get_int (self->arguments, "addr", -1) : -1;

  if (text != NULL || number < 0 || number > 255)
    return g_strdup (text);
  return g_strdup_printf ("%x.%x", (guint) number / 8, (guint) number % 8);
}

static char *
to_answer (const VpRuntimeCommand *self, const char *name, const char *value)
{
  JsonNode *id = vp_runtime_command_get_id (self);
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "{\"%s\": %s", name, value);
  if (id != NULL)
    {
      g_string_append (line, ", \"id\": ");
      vp_json_write (line, id);
    }
  g_string_append (line, "}\r\n");
  return g_string_free (line, FALSE);
}

char *
vp_runtime_command_to_return (const VpRuntimeCommand *self)
{
  return to_answer (self, "return", "{}");
}

char *
vp_runtime_command_to_error (const VpRuntimeCommand *self, const char *desc)
{
  g_autoptr (GString) value = g_string_new ("{\"class\": \"GenericError\", \"desc\": ");

  vp_json_write_string (value, desc);
  g_string_append_c (value, '}');
  return to_answer (self, "error", value->str);
}
