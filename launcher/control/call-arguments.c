#include "launcher/control/call-arguments.h"

#include "launcher/error.h"
#include "qmp/message.h"

#include <math.h>

gboolean
vp_call_arguments_check (JsonObject *arguments, const char *const *names, GError **error)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, arguments);
  while (json_object_iter_next (&iter, &name, NULL))
    if (!g_strv_contains (names, name))
      return vp_error_refuse (error, name, "is no argument of this command");

  return TRUE;
}

const char *
vp_call_arguments_get_string (JsonObject *arguments, const char *name, GError **error)
{
  const char *value = vp_qmp_message_get_string (arguments, name);

  if (value == NULL)
    vp_error_refuse (error, name, "must be there, and be a string");
  return value;
}

GStrv
vp_call_arguments_get_strings (JsonObject *arguments, const char *name, GError **error)
{
  JsonArray *array = vp_qmp_message_get_array (arguments, name);
  guint n = array != NULL ? json_array_get_length (array) : 0;
  g_auto (GStrv) strings = NULL;

  if (n == 0 || n > VP_CALL_MAX_STRINGS)
    {
      vp_error_refuse (error, name, "must be a list of 1 to %d strings", VP_CALL_MAX_STRINGS);
      return NULL;
    }

  strings = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
        {
          vp_error_refuse (error, name, "must hold nothing but strings");
          return NULL;
        }
      strings[i] = g_strdup (json_node_get_string (node));
    }
  return g_steal_pointer (&strings);
}

gboolean
vp_call_arguments_get_flag (JsonObject *arguments,
                            const char *name,
                            gboolean *value,
                            GError **error)
{
  JsonNode *node = json_object_get_member (arguments, name);

  *value = FALSE;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return vp_error_refuse (error, name, "must be true or false");

  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
vp_call_arguments_get_timeout (JsonObject *arguments, guint *timeout_ms, GError **error)
{
  JsonNode *node = json_object_get_member (arguments, "timeout");
  double seconds = -1;

  if (node == NULL)
    return TRUE;
  if (JSON_NODE_HOLDS_VALUE (node) && (json_node_get_value_type (node) == G_TYPE_INT64 ||
                                       json_node_get_value_type (node) == G_TYPE_DOUBLE))
    seconds = json_node_get_double (node);
  if (!(seconds >= 0 && seconds <= VP_CALL_MAX_TIMEOUT))
    return vp_error_refuse (error, "timeout", "must be a number of seconds from 0 to %d",
                            VP_CALL_MAX_TIMEOUT);

  *timeout_ms = (guint) (seconds * 1000 + 0.5);
  return TRUE;
}
