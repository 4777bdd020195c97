#pragma once

#include "launcher/boottest/test-case.h"
#include "launcher/config/toml-file.h"

G_BEGIN_DECLS

/**
 * vp_manifest_read:
 * @path: a manifest; see vmplug-test.toml(5)
 * @root: where host paths start
 * @cases: (element-type VpTestCase): gets its cases, in the order of the file, the points of a
 *   matrix in that of vp_matrix_choice()
 * @error: return location for a #GError
 *
 * Judges every value of every case as vmplug boot would, but not whether the host has what they
 * name. Relative file names are meant from where the manifest is.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID, "FILE: …" or
 *   "FILE:LINE:COLUMN: …"; also when there is no case, or more than %VP_TEST_CASE_MAX
 */
gboolean vp_manifest_read (const char *path, const char *root, GPtrArray *cases, GError **error);

/**
 * vp_manifest_add:
 * @file: a manifest
 * @folder: where it is
 * @root: where host paths start
 * @cases: (element-type VpTestCase): gets its cases
 * @error: return location for a #GError
 *
 * vp_manifest_read() of a file that has been read.
 *
 * Returns: as that
 */
gboolean vp_manifest_add (
    VpTomlFile *file, const char *folder, const char *root, GPtrArray *cases, GError **error);

G_END_DECLS
