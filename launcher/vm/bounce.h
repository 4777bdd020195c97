#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** So soon after a device was added, a removal that nobody asked for is a bounce. */
#define VP_BOUNCE_DEFAULT_MS 10000

/** How often a device is tried again. */
#define VP_BOUNCE_MAX 3

/**
 * VpBounce:
 * @window_ms: how soon; 0 for never
 * @added_us: when QEMU took the device the last time, on GLib's monotonic clock
 * @n: how often it has bounced
 * @timer: until the next try; 0 when none
 *
 * A guest that sets up its hotplug takes the button press of a device that came meanwhile for a
 * wish to remove it (kata-containers issue 1147), with native hotplug 5 s after the press. That is
 * no answer to the device, so it is added again: after a tenth of @window_ms, then twice and four
 * times as long. Zero-initialised is new, and never bounces.
 */
typedef struct
{
  guint window_ms;
  gint64 added_us;
  guint n;
  guint timer;
} VpBounce;

/**
 * vp_bounce_start:
 * @self: a bounce
 *
 * QEMU has taken the device.
 */
void vp_bounce_start (VpBounce *self);

/**
 * vp_bounce_is_soon:
 *
 * Returns: whether @window_ms have not passed since
 */
gboolean vp_bounce_is_soon (const VpBounce *self);

/**
 * vp_bounce_again:
 * @self: a bounce
 * @on_time: called once, when the device is to be tried again; it must clear @timer
 * @user_data: for @on_time
 *
 * It has bounced.
 *
 * Returns: %FALSE when that was once too often, and @on_time is never called
 */
gboolean vp_bounce_again (VpBounce *self, GSourceOnceFunc on_time, gpointer user_data);

/**
 * vp_bounce_stop:
 * @self: a bounce
 *
 * It is not tried again.
 */
void vp_bounce_stop (VpBounce *self);

G_END_DECLS
