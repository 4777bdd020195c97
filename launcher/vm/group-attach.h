#pragma once

#include "launcher/vm/hotplug.h"

G_BEGIN_DECLS

/**
 * vp_group_attach_async:
 * @hotplug: the devices of a running VM
 * @source: what was asked for
 * @functions: (element-type VpPciFunction): what it stands for, of the source's inventory; %NULL is
 *   a device that QEMU emulates
 * @timeout_ms: longest wait for each to become usable
 * @callback: called once the last of them has its outcome
 * @user_data: for @callback
 *
 * The attach of an IOMMU group is the attach of each of its endpoints, all at once.
 */
void vp_group_attach_async (VpHotplug *hotplug,
                            VpAttachSource *source,
                            GPtrArray *functions,
                            guint timeout_ms,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * vp_group_attach_finish:
 *
 * Returns: (transfer full) (nullable): the "attach" document of the first, with those of the others
 *   as "others"; %NULL with the first error
 */
JsonObject *vp_group_attach_finish (VpHotplug *hotplug, GAsyncResult *result, GError **error);

G_END_DECLS
