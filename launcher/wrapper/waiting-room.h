#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_waiting_room_clear:
 * @listener: a listening socket, which stays the caller's
 *
 * Hangs up on everybody who has connected and was not served yet. A container runtime connects to
 * QEMU's QMP listener before QEMU runs, and then waits without a timer: as long as anybody has the
 * listener open, the runtime itself too, only this lets it go on.
 */
void vp_waiting_room_clear (int listener);

G_END_DECLS
