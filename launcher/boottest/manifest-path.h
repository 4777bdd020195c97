#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_manifest_path_locate:
 * @option: long name of an option or of a step: "disk", "attach"
 * @value: its value in a manifest
 * @folder: where the manifest is
 *
 * A relative file name in a manifest is meant from where the manifest is, whoever runs it. Pure.
 *
 * Returns: (transfer full): @value, with @folder before the file that it names, if it names one
 */
char *vp_manifest_path_locate (const char *option, const char *value, const char *folder);

G_END_DECLS
