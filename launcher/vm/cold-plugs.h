#pragma once

#include "devices/plan.h"
#include "launcher/vm/plug-sequence.h"
#include "launcher/vm/plugger.h"

#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/* What QEMU starts with of the devices of a plan: the sequences of its command line, and the files
 * that it inherits for them. */

/**
 * vp_cold_plugs_new:
 * @plan: where the devices go
 * @specs: (array): the spec behind each device of @plan; of each is decided whether it is by
 * iommufd
 * @vm: name of the VM
 * @has_vhost_net: whether /dev/vhost-net can be opened
 *
 * One sequence for each device that QEMU starts with, in the order of the plan. Before them, where
 * any device of the plan is by iommufd, also one that comes later, that of /dev/iommu. Their file
 * descriptors are numbered from %VP_ARGV_PASSED_FD on, without gaps. Pure: nothing is opened, and a
 * host device need not be bound yet.
 *
 * Returns: (transfer full) (element-type VpPlugSequence): the sequences
 */
GPtrArray *vp_cold_plugs_new (const VpPlan *plan,
                              const VpDeviceSpec *const *specs,
                              const char *vm,
                              gboolean has_vhost_net);

/**
 * vp_cold_plugs_have_iommufd:
 *
 * Returns: whether QEMU starts with /dev/iommu
 */
gboolean vp_cold_plugs_have_iommufd (const GPtrArray *plugs);

/**
 * vp_cold_plugs_open:
 * @plugs: from vp_cold_plugs_new()
 * @open: opens one file
 * @user_data: for @open
 * @keepers: (element-type GObject): gets what must live as long as QEMU
 * @error: return location for a #GError, of @open
 *
 * Host devices must be bound by now.
 *
 * Returns: (transfer full) (nullable): the open files in the order of their numbers, closed with
 *   the list
 */
GUnixFDList *vp_cold_plugs_open (const GPtrArray *plugs,
                                 VpPlugOpenFunc open,
                                 gpointer user_data,
                                 GPtrArray *keepers,
                                 GError **error);

G_END_DECLS
