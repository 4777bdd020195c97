#include "launcher/vm/group-attach.h"

typedef struct
{
  guint n_left;
  JsonArray *documents;
  GError *error; /* the first */
} Group;

static void
group_free (Group *group)
{
  json_array_unref (group->documents);
  g_clear_error (&group->error);
  g_free (group);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Group *group = g_task_get_task_data (task);
  JsonObject *document = vp_hotplug_attach_finish (VP_HOTPLUG (source), result,
                                                   group->error == NULL ? &group->error : NULL);

  if (document != NULL)
    json_array_add_object_element (group->documents, document);
  if (--group->n_left > 0)
    return;

  if (group->error != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&group->error));
      return;
    }
  document = json_object_ref (json_array_get_object_element (group->documents, 0));
  json_array_remove_element (group->documents, 0);
  if (json_array_get_length (group->documents) > 0)
    json_object_set_array_member (document, "others", json_array_ref (group->documents));
  g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
}

void
vp_group_attach_async (VpHotplug *hotplug,
                       VpAttachSource *source,
                       GPtrArray *functions,
                       guint timeout_ms,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (hotplug, NULL, callback, user_data);
  Group *group = g_new0 (Group, 1);

  group->n_left = functions->len;
  group->documents = json_array_new ();
  g_task_set_source_tag (task, vp_group_attach_async);
  g_task_set_task_data (task, group, (GDestroyNotify) group_free);
  for (guint i = 0; i < functions->len; i++)
    vp_hotplug_attach_async (hotplug, source, functions->pdata[i], timeout_ms, on_attached,
                             g_object_ref (task));
}

JsonObject *
vp_group_attach_finish (VpHotplug *hotplug, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, hotplug), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
