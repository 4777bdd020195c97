#include "launcher/boottest/reset-count.h"

/* More than SeaBIOS needs with any QEMU; reached by a kernel that faults at once in two seconds,
 * even emulated. */
#define SILENT_RESETS 16

void
vp_reset_count_add (VpResetCount *self, gboolean is_guests)
{
  self->n_new++;
  self->is_ours = self->is_ours || !is_guests;
}

void
vp_reset_count_hear (VpResetCount *self)
{
  self->is_silent = FALSE;
}

void
vp_reset_count_settle (VpResetCount *self)
{
  if (self->n_new == 0)
    return;

  if (self->is_ours || !self->is_silent)
    {
      self->n += self->is_ours ? 0 : 1;
      self->n_silent = 0;
      self->n_new--;
    }
  self->n_silent += self->n_new;
  self->n += self->n_silent / SILENT_RESETS;
  self->n_silent %= SILENT_RESETS;
  self->n_new = 0;
  self->is_ours = FALSE;
  self->is_silent = TRUE;
}
