#pragma once

#include "devices/pci-function.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * VpRuleLarge:
 * @VP_RULE_LARGE_ANY: it does not matter
 * @VP_RULE_LARGE_NO: no BAR is large
 * @VP_RULE_LARGE_YES: one is
 */
typedef enum
{
  VP_RULE_LARGE_ANY,
  VP_RULE_LARGE_NO,
  VP_RULE_LARGE_YES,
} VpRuleLarge;

/**
 * VpDeviceRule:
 * @where: what to call it in messages, "rule 2 of /etc/vmplug/wrapper.toml"
 * @sandbox: (nullable): glob over the name of the VM; %NULL for every VM
 * @spec: (nullable): an element of "devices": a whole SPEC; the conditions are not used then
 * @addresses: (element-type VpDeviceRef): PCI addresses, or empty
 * @groups: (element-type VpDeviceRef): IOMMU groups, or empty
 * @ids: (array zero-terminated=1): globs over "vendor:device", or empty
 * @classes: (array zero-terminated=1): globs over the six digits of the class, or empty
 * @drivers: (array zero-terminated=1): globs over the name of the driver, or empty
 * @large: whether a BAR is large
 * @count: at most so many of those it matches; 0 for any number
 * @plug: where they shall go
 * @bind: whether they may be taken from their drivers
 *
 * One rule about which devices of the host a VM gets. A condition that is empty is met; all of them
 * must be; of the several values of one condition, one.
 */
typedef struct
{
  char *where;
  char *sandbox;
  VpDeviceSpec *spec;
  GArray *addresses;
  GArray *groups;
  char **ids;
  char **classes;
  char **drivers;
  VpRuleLarge large;
  guint count;
  VpPlug plug;
  gboolean bind;
} VpDeviceRule;

/**
 * vp_device_rule_new:
 * @where: what to call it in messages
 *
 * Returns: (transfer full): a rule without conditions
 */
VpDeviceRule *vp_device_rule_new (const char *where);
void vp_device_rule_free (VpDeviceRule *self);

/**
 * vp_device_rule_check:
 * @self: a rule with everything in it
 * @error: return location for a #GError
 *
 * What can only be judged when all is known: it must say which devices it is about, and a device
 * that nobody has named is not taken from its driver.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_device_rule_check (const VpDeviceRule *self, GError **error);

/**
 * vp_device_rule_is_explicit:
 *
 * Returns: whether it names its devices, so that each must be had; the others pick from what is
 *   bound to vfio-pci and free
 */
gboolean vp_device_rule_is_explicit (const VpDeviceRule *self);

/**
 * vp_device_rule_applies:
 * @self: a rule
 * @sandbox: (nullable): the name of the VM
 *
 * Returns: whether the rule is about this VM
 */
gboolean vp_device_rule_applies (const VpDeviceRule *self, const char *sandbox);

/**
 * vp_device_rule_matches:
 * @self: a rule
 * @function: a host function
 * @large_bar: from which size on a BAR is large
 *
 * Returns: whether @function meets every condition
 */
gboolean
vp_device_rule_matches (const VpDeviceRule *self, const VpPciFunction *function, guint64 large_bar);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDeviceRule, vp_device_rule_free)

G_END_DECLS
