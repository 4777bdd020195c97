#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** As often as a device can be attached without being detached. */
#define VP_ATTACH_COUNT_MAX G_MAXUINT

/**
 * vp_attach_count_up:
 * @count: (inout): how often the device is attached
 * @error: return location for a #GError
 *
 * One more wants it. Who attaches a device that is there already gets the one that is there; the
 * work is done for the first.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_DUPLICATE at %VP_ATTACH_COUNT_MAX, which stays
 */
gboolean vp_attach_count_up (guint *count, GError **error);

/**
 * vp_attach_count_down:
 * @count: (inout): how often the device is attached
 * @is_last: (out): whether nobody wants it any more, so that it is to be removed
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NOT_FOUND when it is not attached
 */
gboolean vp_attach_count_down (guint *count, gboolean *is_last, GError **error);

G_END_DECLS
