#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_byte_size_parse:
 * @text: a decimal number with an optional binary unit: "4096", "512M", "16G", "16GiB"
 * @bytes: (out): untouched on failure
 * @error: return location for a #GError
 *
 * Units are K, M, G and T (powers of 1024), each with or without "iB", in either case.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID for anything else, and for what 64 bits cannot hold
 */
gboolean vp_byte_size_parse (const char *text, guint64 *bytes, GError **error);

/**
 * vp_byte_size_format:
 * @bytes: a size
 *
 * Returns: (transfer full): the size in the largest binary unit that divides it, "16 GiB", "6 KiB"
 */
char *vp_byte_size_format (guint64 bytes);

G_END_DECLS
