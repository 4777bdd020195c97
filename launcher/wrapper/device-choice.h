#pragma once

#include "devices/inventory.h"
#include "launcher/wrapper/device-environment.h"
#include "launcher/wrapper/device-rule.h"

G_BEGIN_DECLS

/**
 * VpGroupClaimFunc:
 * @group: an IOMMU group
 * @is_named: whether it was asked for by name, so that it is worth waiting for a moment
 * @user_data: of the choice
 * @error: return location for a #GError
 *
 * Tries to make an IOMMU group this VM's, against every other VM of the host. Called once for a
 * group at most.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR, %VP_DEVICE_ERROR_BUSY naming who has it
 */
typedef gboolean (*VpGroupClaimFunc) (int group,
                                      gboolean is_named,
                                      gpointer user_data,
                                      GError **error);

/**
 * VpDeviceChoiceInput:
 * @inventory: what the host has
 * @sandbox: (nullable): the name of the VM
 * @environment: (nullable): what the environment names
 * @rules: (nullable) (element-type VpDeviceRule): the rules, in their order
 * @callers: (nullable) (element-type utf8): the values of host= and sysfsdev= of the devices that
 *   the caller's own command line has: they are the VM's already and never given a second time
 * @large_bar: from which size on a BAR is large
 * @claim: how a group becomes this VM's
 * @claim_data: for @claim
 */
typedef struct
{
  const VpInventory *inventory;
  const char *sandbox;
  const VpDeviceEnvironment *environment;
  const GPtrArray *rules;
  const GPtrArray *callers;
  guint64 large_bar;
  VpGroupClaimFunc claim;
  gpointer claim_data;
} VpDeviceChoiceInput;

/**
 * VpDeviceChoice:
 * @specs: (element-type VpDeviceSpec): the devices, to become those of a #VpConfig; they own
 *   themselves, so that the array can be stolen
 * @reasons: (element-type utf8): for each of them, why: "rule 2 of /etc/vmplug/wrapper.toml"
 * @notes: (element-type utf8): what was passed over, and why, for the log
 *
 * Which devices of the host a VM gets.
 */
typedef struct
{
  GPtrArray *specs;
  GPtrArray *reasons;
  GPtrArray *notes;
} VpDeviceChoice;

/**
 * vp_device_choice_make:
 * @input: what there is, and what was asked for
 * @error: return location for a #GError
 *
 * Looks at nothing but @input: the same host, rules and answers of the claim make the same choice,
 * to the byte.
 *
 * First come the devices that are named: by the environment, and then by the rules. Each must be
 * had. Then each of the other rules picks, in the order of the addresses, from what is bound to
 * vfio-pci, can be assigned, and is claimed with success; the rest it passes over. A group goes to
 * one VM as a whole: with a function come all the others of its group that are bound to vfio-pci,
 * or that may be bound like it. A function that two rules are about is the first one's.
 *
 * Returns: (transfer full) (nullable): %NULL with a %VP_DEVICE_ERROR, or %VP_ERROR_USAGE, that
 *   starts with the name of the rule or variable
 */
VpDeviceChoice *vp_device_choice_make (const VpDeviceChoiceInput *input, GError **error);
void vp_device_choice_free (VpDeviceChoice *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDeviceChoice, vp_device_choice_free)

G_END_DECLS
