#pragma once

#include "launcher/boottest/artifacts.h"
#include "launcher/boottest/boot-options.h"
#include "launcher/vm/blueprint.h"

G_BEGIN_DECLS

/**
 * VpBootInput:
 * @options: what is asked of it, checked
 * @name: what it is called
 * @root: where the host's paths start
 * @command: a command line that does it again
 * @artifacts: (nullable): where its logs go
 * @tell: called with what happens, as in --events; what @may_drop is told of a console that may
 *   never be quiet
 * @console: (nullable): called with each piece of the guest's console output
 * @user_data: for both
 *
 * One boot test. All of it must outlive the run.
 */
typedef struct
{
  const VpBootOptions *options;
  const char *name;
  const char *root;
  const char *command;
  VpArtifacts *artifacts;
  void (*tell) (JsonObject *event, gboolean may_drop, gpointer user_data);
  void (*console) (GBytes *output, gpointer user_data);
  gpointer user_data;
} VpBootInput;

/**
 * vp_boot_run:
 * @input: what to do
 * @blueprint: (transfer full): the VM
 *
 * Boots it, follows the console until a verdict is possible, collects the evidence of a failure and
 * ends it. Times count from the moment the guest runs. A signal ends it at once.
 *
 * Returns: (transfer full): the "boot" document of the contract
 */
JsonObject *vp_boot_run (const VpBootInput *input, VpBlueprint *blueprint);

/**
 * vp_boot_run_nothing:
 * @input: what was to be done
 * @skip_reason: (nullable): why it is not tried
 * @start_error: (nullable): why it cannot be
 *
 * Returns: (transfer full): the document of a boot test without a boot
 */
JsonObject *
vp_boot_run_nothing (const VpBootInput *input, const char *skip_reason, const GError *start_error);

G_END_DECLS
