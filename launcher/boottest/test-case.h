#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/** Most cases of one run: more of them are a slip in a matrix. */
#define VP_TEST_CASE_MAX 10000

/**
 * VpTestCase:
 * @name: what it is called: "hotplug[machine=q35,firmware=ovmf]"
 * @manifest: the file that it is from
 * @place: where its name stands there, "FILE:LINE:COLUMN"
 * @argv: (array zero-terminated=1): the command line that carries it out: "vmplug", "boot", …
 * @folder: (nullable): what its folder of artifacts is called; see vp_test_case_name_folders()
 * @claims: (nullable) (array zero-terminated=1): what no other case can have at the same time; see
 *   vp_test_claims_of()
 * @cpus: how many its VM has
 * @accel: what is asked for
 * @dumps_memory: whether it needs a folder of artifacts
 *
 * One boot of a manifest.
 */
typedef struct
{
  char *name;
  char *manifest;
  char *place;
  char **argv;
  char *folder;
  char **claims;
  guint cpus;
  VpAccel accel;
  gboolean dumps_memory;
} VpTestCase;

void vp_test_case_free (VpTestCase *self);

/**
 * vp_test_case_check_names:
 * @cases: (element-type VpTestCase): all cases of a run
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when two have the same name
 */
gboolean vp_test_case_check_names (const GPtrArray *cases, GError **error);

/**
 * vp_test_case_name_folders:
 * @cases: (element-type VpTestCase): all cases of a run
 *
 * Sets each @folder: its name, with "_" for what a file name had better not have, no two the same.
 * None has a "+" in it.
 */
void vp_test_case_name_folders (const GPtrArray *cases);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTestCase, vp_test_case_free)

G_END_DECLS
