#include "launcher/vm/argv-writer.h"

#include "qmp/json-writer.h"

void
vp_argv_add (GPtrArray *argv, const char *option, const char *value)
{
  g_ptr_array_add (argv, g_strdup (option));
  if (value != NULL)
    g_ptr_array_add (argv, g_strdup (value));
}

void
vp_argv_add_format (GPtrArray *argv, const char *option, const char *format, ...)
{
  va_list args;

  g_ptr_array_add (argv, g_strdup (option));
  va_start (args, format);
  g_ptr_array_add (argv, g_strdup_vprintf (format, args));
  va_end (args);
}

void
vp_argv_add_json (GPtrArray *argv, const char *option, JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  GString *text = g_string_new (NULL);

  json_node_take_object (node, object);
  vp_json_write (text, node);
  g_ptr_array_add (argv, g_strdup (option));
  g_ptr_array_add (argv, g_string_free (text, FALSE));
}

char *
vp_argv_escape (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);

  return g_strjoinv (",,", parts);
}

JsonObject *
vp_argv_new_device (const char *driver, const char *id, const char *bus, guint slot, guint function)
{
  g_autofree char *address = g_strdup_printf ("%02x.%x", slot, function);
  JsonObject *device = json_object_new ();

  json_object_set_string_member (device, "driver", driver);
  json_object_set_string_member (device, "id", id);
  json_object_set_string_member (device, "bus", bus);
  json_object_set_string_member (device, "addr", address);
  return device;
}
