#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _VpPending VpPending;

/**
 * vp_pending_new:
 *
 * The calls of a client that wait for their replies. A call waits until it is taken, its deadline
 * passes or its cancellable is cancelled; in the latter two cases it is abandoned: the task fails
 * with %VP_QMP_ERROR_TIMEOUT or %G_IO_ERROR_CANCELLED from the thread-default main context.
 *
 * Returns: (transfer full): free with vp_pending_free()
 */
VpPending *vp_pending_new (void);
void vp_pending_free (VpPending *self);

/**
 * vp_pending_add:
 * @self: the pending calls
 * @id: above 0, never used before
 * @task: whom to tell; its name is the command's; referenced
 * @timeout_ms: longest wait; 0 for ever
 */
void vp_pending_add (VpPending *self, gint64 id, GTask *task, guint timeout_ms);

/**
 * vp_pending_take:
 * @self: the pending calls
 * @id: of a call
 *
 * Returns: (transfer full) (nullable): its task, which no longer waits; %NULL when none waits
 */
GTask *vp_pending_take (VpPending *self, gint64 id);

/**
 * vp_pending_get_only:
 * @self: the pending calls
 *
 * Returns: the id of the one call on the wire, or 0 when there is none, or more, or when some that
 *   were abandoned may still be answered
 */
gint64 vp_pending_get_only (VpPending *self);

/**
 * vp_pending_forget_abandoned:
 * @self: the pending calls
 *
 * Says that the late reply of an abandoned call came.
 */
void vp_pending_forget_abandoned (VpPending *self);

/**
 * vp_pending_fail_all:
 * @self: the pending calls
 * @reason: why
 *
 * Fails every call, in the order they were made.
 */
void vp_pending_fail_all (VpPending *self, const GError *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPending, vp_pending_free)

G_END_DECLS
