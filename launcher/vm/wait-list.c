#include "launcher/vm/wait-list.h"

struct _VpWaitList
{
  VpWaitDocumentFunc document;
  VpWaitDelayFunc delay;
  gpointer user_data;
  GPtrArray *waits; /* (element-type Wait): in the order they came */
};

typedef struct
{
  VpWaitList *list;
  GTask *task;
  gint64 since_us;
  guint deadline; /* 0: it has come */
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  g_clear_handle_id (&wait->deadline, g_source_remove);
  g_object_unref (wait->task);
  g_free (wait);
}

static double
seconds_of (const Wait *wait)
{
  gint64 milliseconds = (g_get_monotonic_time () - wait->since_us) / G_TIME_SPAN_MILLISECOND;

  return (double) milliseconds / 1000.0;
}

static void
on_deadline (gpointer user_data)
{
  Wait *wait = user_data;
  VpWaitList *self = wait->list;

  wait->deadline = 0;
  g_task_return_error (wait->task, self->delay (seconds_of (wait), self->user_data));
  g_ptr_array_remove (self->waits, wait);
}

VpWaitList *
vp_wait_list_new (VpWaitDocumentFunc document, VpWaitDelayFunc delay, gpointer user_data)
{
  VpWaitList *self = g_new (VpWaitList, 1);

  *self = (VpWaitList){ document, delay, user_data, g_ptr_array_new_with_free_func (wait_free) };
  return self;
}

void
vp_wait_list_free (VpWaitList *self)
{
  if (self == NULL)
    return;

  g_warn_if_fail (self->waits->len == 0);
  g_ptr_array_unref (self->waits);
  g_free (self);
}

void
vp_wait_list_add (VpWaitList *self, GTask *task, guint timeout_ms)
{
  Wait *wait = g_new (Wait, 1);

  *wait = (Wait){ .list = self, .task = task, .since_us = g_get_monotonic_time () };
  wait->deadline = g_timeout_add_once (timeout_ms, on_deadline, wait);
  g_ptr_array_add (self->waits, wait);
}

void
vp_wait_list_answer (VpWaitList *self, const GError *error)
{
  g_autoptr (GPtrArray) waits = g_steal_pointer (&self->waits);

  /* Whoever is told may come to wait again. */
  self->waits = g_ptr_array_new_with_free_func (wait_free);
  for (guint i = 0; i < waits->len; i++)
    {
      Wait *wait = waits->pdata[i];
      JsonObject *document;

      if (error != NULL)
        {
          g_task_return_error (wait->task, g_error_copy (error));
          continue;
        }
      document = self->document (self->user_data);
      json_object_set_double_member (document, "seconds", seconds_of (wait));
      g_task_return_pointer (wait->task, document, (GDestroyNotify) json_object_unref);
    }
}
