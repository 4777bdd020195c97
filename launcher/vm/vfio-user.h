#pragma once

#include "launcher/config/config.h"

#include <json-glib/json-glib.h>

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
 * vp_vfio_user_check_attach:
 * @config: what a running VM was made from
 * @status: its "status" document
 * @path: where the vfio-user server of one more device listens
 * @error: return location for a #GError
 *
 * A server that has a client already does not answer a second one: QEMU would stand still for 5 s,
 * and its guest with it, before it refused the device (measured, 11.1).
 *
 * Returns: %FALSE with %VP_ERROR_STATE when the VM's memory cannot be mapped by others, which no
 *   server would be told; with %VP_DEVICE_ERROR_DUPLICATE when the VM has a device of that server;
 *   or with %VP_ERROR_HOST as vp_vfio_user_check_socket()
 */
gboolean vp_vfio_user_check_attach (const VpConfig *config,
                                    JsonObject *status,
                                    const char *path,
                                    GError **error);

G_END_DECLS
