#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * vp_config_option_group:
 * @config: filled while the command line is parsed; must live as long as the group
 *
 * What --config names is read by vp_config_file_apply(), when all else is known.
 *
 * Returns: (transfer full): the VM options that run, plan and other commands share, with their help
 */
GOptionGroup *vp_config_option_group (VpConfig *config);

G_END_DECLS
