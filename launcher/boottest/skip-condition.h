#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_skip_condition_check:
 * @text: a value of --skip-if: no-kvm, not-root, no-file=PATH, no-device=REF, env=NAME, no-env=NAME
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID
 */
gboolean vp_skip_condition_check (const char *text, GError **error);

/**
 * vp_skip_condition_find:
 * @texts: (element-type utf8): such values
 * @root: where the host's paths start
 *
 * Looks at the host and the environment. An environment variable that is empty counts as not there.
 *
 * Returns: (transfer full) (nullable): why there is nothing to test here, by the first of them that
 *   is so; %NULL when none is
 */
char *vp_skip_condition_find (const GPtrArray *texts, const char *root);

G_END_DECLS
