#pragma once

#include "devices/inventory.h"
#include "devices/plan.h"
#include "launcher/config/config.h"
#include "launcher/vm/foreign.h"
#include "launcher/vm/plug-sequence.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpBlueprint:
 * @config: what was asked for
 * @sysfs: the host
 * @inventory: what the host has
 * @plan: where the devices go
 * @specs: (element-type VpDeviceSpec): the spec behind each device of the plan, in its order
 * @cold: (element-type VpPlugSequence): what gives QEMU each cold device of the plan, in its order,
 *   after that of /dev/iommu
 * @has_iommufd: whether QEMU starts with /dev/iommu
 * @accel: kvm or tcg
 * @accel_reason: why
 * @cpu: argument of -cpu, as it is on a foreign command line
 * @widened_bits: address width that the plan asks of the guest's CPU; 0 for what it has
 * @argv: QEMU's command line
 * @foreign: (nullable): the machine that @argv adds to, when it is somebody else's
 *
 * Everything that is decided before anything on the host changes.
 */
typedef struct
{
  VpConfig *config;
  VpSysfs *sysfs;
  VpInventory *inventory;
  VpPlan *plan;
  GPtrArray *specs;
  GPtrArray *cold;
  gboolean has_iommufd;
  VpAccel accel;
  char *accel_reason;
  char *cpu;
  guint widened_bits;
  char **argv;
  VpForeign *foreign;
} VpBlueprint;

/**
 * vp_blueprint_new:
 * @config: (transfer full): a filled configuration
 * @root: where host paths start, "/" on a host
 * @error: return location for a #GError
 *
 * Checks the configuration, reads the host, resolves the devices (a group becomes its endpoints),
 * checks that each can be assigned, plans and writes the command line. Reads only.
 *
 * Returns: (transfer full) (nullable): free with vp_blueprint_free()
 */
VpBlueprint *vp_blueprint_new (VpConfig *config, const char *root, GError **error);

/**
 * vp_blueprint_new_for_rehearsal:
 * @config: (transfer full): a filled configuration
 * @root: where host paths start, "/" on a host
 * @error: return location for a #GError
 *
 * Like vp_blueprint_new(), but a device that could not be assigned as things are is a warning of
 * the plan: a rehearsal does not need it.
 *
 * Returns: (transfer full) (nullable): free with vp_blueprint_free()
 */
VpBlueprint *vp_blueprint_new_for_rehearsal (VpConfig *config, const char *root, GError **error);

/**
 * vp_blueprint_new_for_foreign:
 * @config: (transfer full): what the foreign command line says, with our own devices' specs, the
 *   threshold of large BARs, spare ports and QEMU's program
 * @foreign: (transfer full): the foreign machine
 * @inventory: (transfer full) (nullable): what the host has, from whoever has read it already;
 * %NULL to have it read
 * @root: where host paths start, "/" on a host
 * @error: return location for a #GError
 *
 * Like vp_blueprint_new() for a machine that somebody else describes: what that has of its own
 * (disks, a kernel, an accelerator) is theirs and not checked. The command line is theirs, with
 * ours behind it. A name is made up when there is none.
 *
 * Returns: (transfer full) (nullable): free with vp_blueprint_free()
 */
VpBlueprint *vp_blueprint_new_for_foreign (
    VpConfig *config, VpForeign *foreign, VpInventory *inventory, const char *root, GError **error);
void vp_blueprint_free (VpBlueprint *self);

/**
 * vp_blueprint_to_json:
 *
 * Returns: (transfer full): the "plan" document of the contract
 */
JsonObject *vp_blueprint_to_json (const VpBlueprint *self);

/**
 * vp_blueprint_to_text:
 * @self: a blueprint
 * @colour: whether to use terminal colours
 *
 * Returns: (transfer full): the plan as a tree for a person, with sizes and reasons
 */
char *vp_blueprint_to_text (const VpBlueprint *self, gboolean colour);

/**
 * vp_blueprint_to_dot:
 *
 * Returns: (transfer full): the plan as a graph in Graphviz' language, for "dot -Tsvg"
 */
char *vp_blueprint_to_dot (const VpBlueprint *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBlueprint, vp_blueprint_free)

G_END_DECLS
