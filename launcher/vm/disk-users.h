#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * vp_disk_users_check:
 * @config: what the VM was started with
 * @attachments: (element-type VpAttachment): its devices
 * @disk: a disk that is to be attached, checked
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when the VM has a disk of the same file
 */
gboolean vp_disk_users_check (const VpConfig *config,
                              const GPtrArray *attachments,
                              const VpDisk *disk,
                              GError **error);

G_END_DECLS
