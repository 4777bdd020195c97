#pragma once

#include "launcher/config/toml-document.h"

G_BEGIN_DECLS

/** Most dots between keys; toml++ looks through all tables that they made for each of them. */
#define VP_TOML_MAX_DOTS 16384

/**
 * vp_toml_bounds_check:
 * @text: a file
 * @size: its length in bytes
 * @where: (out): on failure, the place that is out of bounds
 *
 * What has to be known before a parser is let at a file: that it is UTF-8 without NUL, and that
 * neither brackets nor dotted keys make it recurse without end (toml++ bounds the brackets only,
 * and only while it parses; "a.a.a…" ends in a stack overflow when its tables are freed).
 *
 * Returns: (nullable): why it must not be parsed
 */
const char *vp_toml_bounds_check (const char *text, gsize size, VpTomlPosition *where);

G_END_DECLS
