#pragma once

#include "launcher/vm/attachment-view.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VpAttachmentViewFunc:
 * @device: as given to vp_attachment_waits_new()
 *
 * Returns: what the device looks like now
 */
typedef VpAttachmentView (*VpAttachmentViewFunc) (gpointer device);

/**
 * VpAttachmentWaits:
 *
 * Whoever waits for one device to become usable, or to be gone, each with a deadline of its own.
 */
typedef struct _VpAttachmentWaits VpAttachmentWaits;

/**
 * vp_attachment_waits_new:
 * @view: shows what @device looks like
 * @device: a device; must outlive the waits
 *
 * Returns: (transfer full): for vp_attachment_waits_free()
 */
VpAttachmentWaits *vp_attachment_waits_new (VpAttachmentViewFunc view, gpointer device);

/**
 * vp_attachment_waits_free:
 * @self: (nullable): waits in which nobody waits any more
 */
void vp_attachment_waits_free (VpAttachmentWaits *self);

/**
 * vp_attachment_waits_add_usable:
 * @self: the waits
 * @task: (transfer full): gets the "attach" document or an error
 * @timeout_ms: longest wait
 */
void vp_attachment_waits_add_usable (VpAttachmentWaits *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_waits_add_removed:
 * @self: the waits
 * @task: (transfer full): gets the "detach" document or an error
 * @timeout_ms: longest wait
 */
void vp_attachment_waits_add_removed (VpAttachmentWaits *self, GTask *task, guint timeout_ms);

/**
 * vp_attachment_waits_tell_usable:
 * @self: the waits
 *
 * The device is usable, or over.
 */
void vp_attachment_waits_tell_usable (VpAttachmentWaits *self);

/**
 * vp_attachment_waits_tell_removed:
 * @self: the waits
 * @error: (nullable): what was wrong with it, or why it is still there
 *
 * The device is gone, or stays.
 */
void vp_attachment_waits_tell_removed (VpAttachmentWaits *self, const GError *error);

/**
 * vp_attachment_waits_end:
 * @self: the waits
 * @error: why nobody will ever know
 */
void vp_attachment_waits_end (VpAttachmentWaits *self, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpAttachmentWaits, vp_attachment_waits_free)

G_END_DECLS
