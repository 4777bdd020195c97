#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_PASST (vp_passt_get_type ())
G_DECLARE_FINAL_TYPE (VpPasst, vp_passt, VP, PASST, GObject)

/**
 * vp_passt_start:
 * @fd: (out): one end of a socketpair, close-on-exec, for QEMU
 * @error: return location for a #GError
 *
 * Starts passt (1) for one network card, in the foreground, with the other end of the socketpair:
 * there is no socket in the file system. It ends when QEMU lets go of @fd, by netdev_del or by
 * QEMU's own end, when the object does, and when we die. Started by root it runs as nobody.
 *
 * It shuts itself in, for which it needs user namespaces: a host that forbids them, or a chroot, is
 * one of the reasons for which it ends at once. For that it is waited for 0.2 s.
 *
 * Returns: (transfer full) (nullable): %NULL with %VP_ERROR_HOST, which has its last words
 */
VpPasst *vp_passt_start (int *fd, GError **error);

/**
 * vp_passt_get_pid:
 *
 * Returns: its pid; 0 once it has ended
 */
int vp_passt_get_pid (VpPasst *self);

G_END_DECLS
