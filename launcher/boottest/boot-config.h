#pragma once

#include "launcher/boottest/boot-options.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * vp_boot_config_complete:
 * @config: what the user asked for, not checked
 * @options: what is asked of the test
 * @error: return location for a #GError
 *
 * Adds what every boot test has: a kernel's console, which is the serial port, and QEMU as a second
 * witness of a panic, which leaves the guest there to be looked at.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_boot_config_complete (VpConfig *config, const VpBootOptions *options, GError **error);

/**
 * vp_boot_config_add_result:
 * @config: what the user asked for, not checked
 * @options: what is asked of the test
 * @error: return location for a #GError
 *
 * Adds what the guest needs to report how it went.
 *
 * Returns: %FALSE with an error as vp_guest_command_prepare()
 */
gboolean vp_boot_config_add_result (VpConfig *config, const VpBootOptions *options, GError **error);

G_END_DECLS
