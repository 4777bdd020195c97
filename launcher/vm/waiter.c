#include "launcher/vm/waiter.h"

void
vp_waiter_set (
    VpWaiter *self, GTask *task, guint timeout_ms, GSourceOnceFunc on_deadline, gpointer user_data)
{
  g_return_if_fail (self->task == NULL);

  self->task = task;
  self->since_us = g_get_monotonic_time ();
  self->deadline = g_timeout_add_once (timeout_ms, on_deadline, user_data);
}

double
vp_waiter_get_seconds (const VpWaiter *self)
{
  gint64 milliseconds = (g_get_monotonic_time () - self->since_us) / G_TIME_SPAN_MILLISECOND;

  return (double) milliseconds / 1000.0;
}

void
vp_waiter_answer (VpWaiter *self, JsonObject *document, const GError *error)
{
  g_autoptr (JsonObject) owned_document = document;
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  /* Also from within the deadline's own call, during which its source still exists. */
  g_clear_handle_id (&self->deadline, g_source_remove);
  if (task == NULL)
    return;
  if (document != NULL)
    json_object_set_double_member (document, "seconds", vp_waiter_get_seconds (self));
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_pointer (task, g_steal_pointer (&owned_document),
                           (GDestroyNotify) json_object_unref);
}
