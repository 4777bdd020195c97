#include "launcher/vm/waiter.h"

void
vp_waiter_set (
    VpWaiter *self, GTask *task, guint timeout_ms, GSourceOnceFunc on_deadline, gpointer user_data)
{
  g_return_if_fail (self->task == NULL);

  self->task = task;
  if (timeout_ms > 0)
    self->deadline = g_timeout_add_once (timeout_ms, on_deadline, user_data);
}

GTask *
vp_waiter_take (VpWaiter *self)
{
  /* When the deadline itself takes the task its source is gone anyway: removing it is harmless only
   * while it still exists, which g_timeout_add_once() guarantees during the call. */
  g_clear_handle_id (&self->deadline, g_source_remove);
  return g_steal_pointer (&self->task);
}
