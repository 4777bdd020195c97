#include "qmp/message.h"

#include "qmp/error.h"
#include "qmp/json-reader.h"
#include "qmp/json-writer.h"

JsonObject *
vp_qmp_message_parse (const char *line, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (line != NULL, NULL);

  node = vp_json_read (line, VP_QMP_MAX_DEPTH, VP_QMP_MAX_VALUES, error);
  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error_literal (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL,
                           "a message must be a JSON object");
      return NULL;
    }
  return json_node_dup_object (node);
}

char *
vp_qmp_message_to_line (JsonObject *message)
{
  g_autoptr (JsonNode) node = NULL;
  GString *line;

  g_return_val_if_fail (message != NULL, NULL);

  node = json_node_init_object (json_node_alloc (), message);
  line = g_string_new (NULL);
  vp_json_write (line, node);
  g_string_append (line, "\r\n");
  return g_string_free (line, FALSE);
}

/* The member's value when it is a scalar of @type. */
static JsonNode *
get_scalar (JsonObject *message, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (message, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != type)
    return NULL;
  return node;
}

const char *
vp_qmp_message_get_string (JsonObject *message, const char *name)
{
  JsonNode *node = get_scalar (message, name, G_TYPE_STRING);

  return node != NULL ? json_node_get_string (node) : NULL;
}

JsonObject *
vp_qmp_message_get_object (JsonObject *message, const char *name)
{
  JsonNode *node = json_object_get_member (message, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
vp_qmp_message_get_array (JsonObject *message, const char *name)
{
  JsonNode *node = json_object_get_member (message, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

gint64
vp_qmp_message_get_int (JsonObject *message, const char *name, gint64 fallback)
{
  JsonNode *node = get_scalar (message, name, G_TYPE_INT64);

  return node != NULL ? json_node_get_int (node) : fallback;
}

gboolean
vp_qmp_message_get_boolean (JsonObject *message, const char *name, gboolean fallback)
{
  JsonNode *node = get_scalar (message, name, G_TYPE_BOOLEAN);

  return node != NULL ? json_node_get_boolean (node) : fallback;
}
