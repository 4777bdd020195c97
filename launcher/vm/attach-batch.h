#pragma once

#include "launcher/vm/slot-mates.h"

G_BEGIN_DECLS

#define VP_TYPE_ATTACH_BATCH (vp_attach_batch_get_type ())
G_DECLARE_FINAL_TYPE (VpAttachBatch, vp_attach_batch, VP, ATTACH_BATCH, GObject)

/**
 * vp_attach_batch_new:
 *
 * What one attach brings into the VM: the devices of an IOMMU group come as a whole or not at all.
 * When one of them fails before all are usable, those that are there are taken out again, and those
 * that were there before are as often attached as before. It keeps itself alive as long as that can
 * happen.
 *
 * Returns: (transfer full): an empty batch
 */
VpAttachBatch *vp_attach_batch_new (void);

/**
 * vp_attach_batch_add_new:
 * @self: a batch
 * @mates: a slot whose members are all new, and will have no others
 */
void vp_attach_batch_add_new (VpAttachBatch *self, VpSlotMates *mates);

/**
 * vp_attach_batch_add_counted:
 * @self: a batch
 * @mates: a slot that was there before, and has been counted once more
 */
void vp_attach_batch_add_counted (VpAttachBatch *self, VpSlotMates *mates);

/**
 * vp_attach_batch_gather:
 * @self: a batch
 * @task: (transfer full): who waits for all of it
 * @n_parts: how many devices it has
 * @timeout_ms: longest wait, also for what failed to be taken out again
 *
 * Returns: (transfer full) (element-type GTask): as vp_gathering_new() does; an error is told when
 *   nothing of the batch is left in the VM
 */
GPtrArray *
vp_attach_batch_gather (VpAttachBatch *self, GTask *task, guint n_parts, guint timeout_ms);

G_END_DECLS
