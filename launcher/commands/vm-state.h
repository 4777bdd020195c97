#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_vm_state_fetch:
 * @root: where host paths start
 * @name: name of a VM
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): its "status" document, or %NULL with %VP_ERROR_NO_VM or a
 *   %VP_QMP_ERROR
 */
JsonObject *vp_vm_state_fetch (const char *root, const char *name, GError **error);

/**
 * vp_vm_state_wait_gone:
 * @root: where host paths start
 * @name: name of a VM whose supervisor has hung up
 * @timeout_ms: longest wait
 *
 * A supervisor hangs up shortly before it lets the VM's name go.
 *
 * Returns: whether no supervisor has the name any more
 */
gboolean vp_vm_state_wait_gone (const char *root, const char *name, guint timeout_ms);

G_END_DECLS
