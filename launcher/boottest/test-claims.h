#pragma once

#include "launcher/boottest/boot-options.h"

G_BEGIN_DECLS

/**
 * vp_test_claims_of:
 * @config: a VM
 * @options: what is asked of it
 *
 * What only one VM at a time can have: host devices, those that a step attaches too, disks that it
 * writes to, tap interfaces and vfio-user servers. Functions of one card are one claim, because
 * they are mostly in one IOMMU group. Pure: two names of one device are two claims.
 *
 * Returns: (transfer full): their names, sorted
 */
char **vp_test_claims_of (const VpConfig *config, const VpBootOptions *options);

/**
 * vp_test_claims_overlap:
 * @a: (nullable): claims, sorted
 * @b: (nullable): others, sorted
 *
 * Returns: whether two VMs with these cannot run at the same time
 */
gboolean vp_test_claims_overlap (char **a, char **b);

G_END_DECLS
