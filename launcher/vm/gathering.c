#include "launcher/vm/gathering.h"

typedef struct
{
  guint n_left;
  guint n_parts;
  JsonObject **documents; /* (nullable elements) */
  GError *error;          /* nullable: the first */
} Gathering;

/* The place of one part. */
typedef struct
{
  GTask *task;
  guint index;
} Part;

static void
gathering_free (gpointer data)
{
  Gathering *self = data;

  for (guint i = 0; i < self->n_parts; i++)
    g_clear_pointer (&self->documents[i], json_object_unref);
  g_free (self->documents);
  g_clear_error (&self->error);
  g_free (self);
}

static JsonObject *
join (Gathering *self)
{
  JsonObject *first = g_steal_pointer (&self->documents[0]);

  if (self->n_parts > 1 && !json_object_has_member (first, "others"))
    json_object_set_array_member (first, "others", json_array_new ());
  for (guint i = 1; i < self->n_parts; i++)
    json_array_add_object_element (json_object_get_array_member (first, "others"),
                                   g_steal_pointer (&self->documents[i]));
  return first;
}

static void
on_part (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Part *part = user_data;
  g_autoptr (GTask) task = part->task;
  Gathering *self = g_task_get_task_data (task);

  self->documents[part->index] =
      g_task_propagate_pointer (G_TASK (result), self->error == NULL ? &self->error : NULL);
  if (--self->n_left > 0)
    return;

  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else
    g_task_return_pointer (task, join (self), (GDestroyNotify) json_object_unref);
}

GPtrArray *
vp_gathering_new (GTask *task, guint n_parts)
{
  g_autoptr (GTask) owned = task;
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_object_unref);
  Gathering *self = g_new0 (Gathering, 1);

  g_return_val_if_fail (n_parts > 0, parts);

  self->n_left = self->n_parts = n_parts;
  self->documents = g_new0 (JsonObject *, n_parts);
  g_task_set_task_data (owned, self, gathering_free);
  for (guint i = 0; i < n_parts; i++)
    {
      Part *part = g_new (Part, 1);
      GTask *part_task;

      *part = (Part){ .task = g_object_ref (owned), .index = i };
      part_task = g_task_new (NULL, NULL, on_part, part);
      g_task_set_source_tag (part_task, vp_gathering_new);
      g_ptr_array_add (parts, part_task);
    }
  return parts;
}
