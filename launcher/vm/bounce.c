#include "launcher/vm/bounce.h"

void
vp_bounce_start (VpBounce *self)
{
  self->added_us = g_get_monotonic_time ();
}

gboolean
vp_bounce_is_soon (const VpBounce *self)
{
  return self->added_us != 0 &&
         g_get_monotonic_time () - self->added_us < self->window_ms * G_TIME_SPAN_MILLISECOND;
}

gboolean
vp_bounce_again (VpBounce *self, GSourceOnceFunc on_time, gpointer user_data)
{
  vp_bounce_stop (self);
  if (++self->n > VP_BOUNCE_MAX)
    return FALSE;

  self->timer = g_timeout_add_once (self->window_ms / 10 << (self->n - 1), on_time, user_data);
  return TRUE;
}

void
vp_bounce_stop (VpBounce *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
}
