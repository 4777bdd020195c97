#pragma once

#include "launcher/vm/bindings.h"
#include "launcher/vm/blueprint.h"
#include "launcher/vm/run-dir.h"
#include "launcher/wrapper/foreign-vm.h"
#include "launcher/wrapper/wrapper-config.h"

G_BEGIN_DECLS

/** File in the VM's run-dir that says which devices it got, and why. */
#define VP_SANDBOX_CHOICE "choice"

/**
 * VpSandbox:
 * @run_dir: its folder
 * @bindings: whom to give its host devices back to; they have its IOMMU groups locked
 * @blueprint: (nullable): what QEMU is to be; %NULL when there is nothing to add, or once it was
 *   stolen
 * @warnings: (element-type utf8): what whoever reads its stderr should know
 * @sysfs: the host
 *
 * A VM of somebody else's that vmplug has something to add to.
 */
typedef struct
{
  VpRunDir *run_dir;
  VpBindings *bindings;
  VpBlueprint *blueprint;
  GPtrArray *warnings;
  VpSysfs *sysfs;
} VpSandbox;

/**
 * vp_sandbox_is_wanted:
 * @vm: a command line
 * @config: what the administrator says
 * @environment: "NAME=VALUE", ended by %NULL
 *
 * Whether there could be anything to do, by what is quickly seen: devices may be meant for it, or
 * its QMP is to be taken over, or ports are to be kept for it.
 *
 * Returns: whether a sandbox is to be made
 */
gboolean vp_sandbox_is_wanted (const VpForeignVm *vm,
                               const VpWrapperConfig *config,
                               const char *const *environment);

/**
 * vp_sandbox_new:
 * @vm: a command line
 * @argv: the same, word by word
 * @config: what the administrator says
 * @environment: "NAME=VALUE", ended by %NULL
 * @root: where host paths start
 * @first_fd: QEMU has nothing open from here on
 * @pid: of QEMU, for a VM without a name
 * @error: return location for a #GError
 *
 * Makes the run-dir, chooses the devices, locks their groups and plans. Nothing is bound yet.
 *
 * Returns: (transfer full) (nullable): free with vp_sandbox_free(); or %NULL, with everything
 *   undone
 */
VpSandbox *vp_sandbox_new (const VpForeignVm *vm,
                           const VpForeignArgv *argv,
                           const VpWrapperConfig *config,
                           const char *const *environment,
                           const char *root,
                           int first_fd,
                           pid_t pid,
                           GError **error);

/**
 * vp_sandbox_free:
 *
 * Unlocks the groups and removes the run-dir.
 */
void vp_sandbox_free (VpSandbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpSandbox, vp_sandbox_free)

G_END_DECLS
