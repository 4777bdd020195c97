#include "launcher/boottest/qmp-timeline.h"

#include <string.h>

struct _VpQmpTimeline
{
  GQueue events; /* (element-type JsonObject) */
};

VpQmpTimeline *
vp_qmp_timeline_new (void)
{
  return g_new0 (VpQmpTimeline, 1);
}

static void
object_free (gpointer data)
{
  json_object_unref (data);
}

void
vp_qmp_timeline_free (VpQmpTimeline *self)
{
  if (self == NULL)
    return;

  g_queue_clear_full (&self->events, object_free);
  g_free (self);
}

static gboolean
is_short (JsonObject *data)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), data);
  g_autofree char *text = json_to_string (node, FALSE);

  return strlen (text) <= VP_QMP_TIMELINE_DATA;
}

JsonObject *
vp_qmp_timeline_add (VpQmpTimeline *self, gint64 ms, const char *name, JsonObject *data)
{
  JsonObject *event = json_object_new ();

  json_object_set_double_member (event, "seconds", (double) ms / 1000.0);
  json_object_set_string_member (event, "event", name);
  if (data != NULL && is_short (data))
    json_object_set_object_member (event, "data", json_object_ref (data));

  if (self->events.length >= VP_QMP_TIMELINE_EVENTS)
    json_object_unref (g_queue_pop_head (&self->events));
  g_queue_push_tail (&self->events, event);
  return event;
}

JsonArray *
vp_qmp_timeline_to_json (const VpQmpTimeline *self)
{
  JsonArray *array = json_array_new ();

  for (const GList *l = self->events.head; l != NULL; l = l->next)
    json_array_add_object_element (array, json_object_ref (l->data));
  return array;
}
