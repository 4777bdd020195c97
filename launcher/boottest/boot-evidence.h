#pragma once

#include "launcher/boottest/artifacts.h"
#include "launcher/vm/machine.h"

G_BEGIN_DECLS

/**
 * VpBootEvidence:
 * @screenshot: (nullable): a file
 * @memory_dump: (nullable): a file
 *
 * What a guest that has failed still had to show.
 */
typedef struct
{
  char *screenshot;
  char *memory_dump;
} VpBootEvidence;

/**
 * vp_boot_evidence_collect_async:
 * @machine: a machine whose guest runs, or is paused
 * @artifacts: (nullable): where files go; %NULL: there are none. Must outlive the wait
 * @dump_memory: whether the guest's memory is wanted
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Each question has a deadline, and after one that was not answered in time no other is asked: a
 * QEMU that hangs is ended.
 */
void vp_boot_evidence_collect_async (VpMachine *machine,
                                     VpArtifacts *artifacts,
                                     gboolean dump_memory,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/**
 * vp_boot_evidence_collect_finish:
 *
 * Returns: (transfer full): what there was; free with vp_boot_evidence_free()
 */
VpBootEvidence *vp_boot_evidence_collect_finish (GAsyncResult *result);
void vp_boot_evidence_free (VpBootEvidence *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBootEvidence, vp_boot_evidence_free)

G_END_DECLS
