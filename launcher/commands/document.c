#include "launcher/commands/document.h"

#include "qmp/message.h"

const char *
vp_document_text (JsonObject *document, const char *name)
{
  const char *text = vp_qmp_message_get_string (document, name);

  return text != NULL ? text : "-";
}

double
vp_document_seconds (JsonObject *document, const char *name)
{
  JsonNode *node = json_object_get_member (document, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      (json_node_get_value_type (node) != G_TYPE_INT64 &&
       json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return -1;

  return json_node_get_double (node);
}

char *
vp_document_uptime (JsonObject *document)
{
  static const struct
  {
    gint64 seconds;
    const char *name;
  } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
  double uptime = vp_document_seconds (document, "uptime");
  gint64 seconds = (gint64) CLAMP (uptime, 0, 1e9);
  guint i = 0;

  if (uptime < 0)
    return g_strdup ("-");
  if (seconds < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", seconds);

  while (seconds < units[i].seconds)
    i++;
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %s",
                          seconds / units[i].seconds, units[i].name,
                          seconds % units[i].seconds / units[i + 1].seconds, units[i + 1].name);
}
