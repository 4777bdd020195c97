#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/** Most files in config.d. */
#define VP_CONFIG_FILE_MAX_DROP_INS 256

/**
 * vp_config_file_set:
 * @config: a configuration
 * @path: what --config names
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when there is one already
 */
gboolean vp_config_file_set (VpConfig *config, const char *path, GError **error);

/**
 * vp_config_file_apply:
 * @config: (inout): what the command line says, all of it
 * @root: where host paths start
 * @error: return location for a #GError
 *
 * Puts what the file of --config says under what the command line says; does nothing without one.
 * Later beats earlier: the file, then every file of the folder "config.d" beside it in the order of
 * their names, then the command line. In one file [vmplug] beats [hypervisor.qemu]. A value
 * replaces the other one, except that devices, disks, shares and network cards of the command line
 * are added to those of the files, and --nic none takes those away.
 *
 * The disk of kata's image comes first, and root= for it before what the kernel is told otherwise,
 * unless that has a root= itself.
 *
 * What the files say and nobody heeds is in the warnings of @config.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, "FILE:LINE:COLUMN: …"
 */
gboolean vp_config_file_apply (VpConfig *config, const char *root, GError **error);

G_END_DECLS
