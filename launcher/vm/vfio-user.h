#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * vp_vfio_user_check_socket:
 * @path: where a vfio-user server shall listen
 * @error: return location for a #GError
 *
 * Looks whether QEMU could connect. Does not connect: most servers serve one client at a time, and
 * some only one ever.
 *
 * Returns: %FALSE with %VP_ERROR_HOST when there is no socket that this user may connect to
 */
gboolean vp_vfio_user_check_socket (const char *path, GError **error);

/**
 * vp_vfio_user_check_qemu:
 * @qemu: a QEMU
 * @error: return location for a #GError
 *
 * Runs it, for 10 s at most.
 *
 * Returns: %FALSE with %VP_ERROR_HOST when it has no vfio-user devices, as before 10.1
 */
gboolean vp_vfio_user_check_qemu (const char *qemu, GError **error);

/**
 * vp_vfio_user_check_vm:
 * @config: what a running VM was made from
 * @attachments: (element-type VpAttachment): its devices
 * @path: where the vfio-user server of one more device listens
 * @error: return location for a #GError
 *
 * A server that has a client already does not answer a second one: QEMU would stand still for 5 s,
 * and its guest with it, before it refused the device (measured, 11.1).
 *
 * Returns: %FALSE with %VP_ERROR_STATE when the VM's memory cannot be mapped by others, which no
 *   server would be told; or with %VP_DEVICE_ERROR_DUPLICATE when the VM has a device of that
 *   server, which has not failed
 */
gboolean vp_vfio_user_check_vm (const VpConfig *config,
                                const GPtrArray *attachments,
                                const char *path,
                                GError **error);

G_END_DECLS
