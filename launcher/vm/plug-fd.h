#pragma once

#include "devices/sysfs.h"
#include "launcher/vm/plug-sequence.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * vp_plug_fd_open:
 * @fd: what QEMU needs
 * @keeper: (out) (nullable): what must live as long as the device: a #VpPasst
 * @sysfs: the #VpSysfs of the host
 * @error: return location for a #GError
 *
 * The #VpPlugOpenFunc that opens.
 *
 * Returns: an open file descriptor, close-on-exec; -1 with %VP_ERROR_HOST, or with a
 *   %VP_DEVICE_ERROR as of vp_vfio_cdev_open()
 */
int vp_plug_fd_open (const VpPlugFd *fd, GObject **keeper, gpointer sysfs, GError **error);

/**
 * vp_plug_fd_has_vhost_net:
 *
 * Returns: whether /dev/vhost-net can be opened
 */
gboolean vp_plug_fd_has_vhost_net (VpSysfs *sysfs);

G_END_DECLS
