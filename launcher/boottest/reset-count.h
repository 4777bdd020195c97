#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpResetCount:
 * @n: how often the guest has reset itself
 * @n_new: RESET events since it was last settled
 * @n_silent: of those that do not count by themselves, the ones since the console spoke
 * @is_ours: whether one of the new ones was asked for by us
 * @is_silent: whether the console has said nothing since the last reset
 *
 * Counts the guest's resets. QEMU tells of more than there are: SeaBIOS answers each by up to four
 * of its own ("Attempting a hard reboot"), and they look like the guest's. So one counts if the
 * console has spoken since the one before; of a guest that resets in silence, every sixteenth does.
 * Initialized to zero.
 */
typedef struct
{
  guint n;
  guint n_new;
  guint n_silent;
  gboolean is_ours;
  gboolean is_silent;
} VpResetCount;

/**
 * vp_reset_count_add:
 * @self: a count
 * @is_guests: whether QEMU says that it was the guest's
 *
 * Takes note of a RESET event.
 */
void vp_reset_count_add (VpResetCount *self, gboolean is_guests);

/**
 * vp_reset_count_hear:
 * @self: a count
 *
 * Takes note of output of the console.
 */
void vp_reset_count_hear (VpResetCount *self);

/**
 * vp_reset_count_settle:
 * @self: a count
 *
 * Counts what was noted. To be called when all that the console said before the resets has been
 * heard, for it comes another way.
 */
void vp_reset_count_settle (VpResetCount *self);

G_END_DECLS
