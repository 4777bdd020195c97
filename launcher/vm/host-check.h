#pragma once

#include "launcher/vm/host-facts.h"

G_BEGIN_DECLS

/**
 * VpCheckStatus:
 * @VP_CHECK_OK: as it should be
 * @VP_CHECK_WARNING: devices can be passed through, with less speed, comfort or certainty
 * @VP_CHECK_FAILED: no device can be passed through
 */
typedef enum
{
  VP_CHECK_OK,
  VP_CHECK_WARNING,
  VP_CHECK_FAILED,
} VpCheckStatus;

/**
 * VpHostCheck:
 * @name: what was looked at, "interrupt-remapping"
 * @status: how it is
 * @fact: what was found, one clause
 * @hint: (nullable): what to do about it, one clause
 *
 * One precondition of the host.
 */
typedef struct
{
  const char *name;
  VpCheckStatus status;
  char *fact;
  char *hint;
} VpHostCheck;

/**
 * vp_host_check_all:
 * @facts: what was found
 *
 * Pure: equal facts, equal checks, always the same names in the same order.
 *
 * Returns: (transfer full) (element-type VpHostCheck): every precondition
 */
GPtrArray *vp_host_check_all (const VpHostFacts *facts);

/**
 * vp_check_status_to_string:
 *
 * Returns: (transfer none): "ok", "warning" or "failed"
 */
const char *vp_check_status_to_string (VpCheckStatus status);

G_END_DECLS
