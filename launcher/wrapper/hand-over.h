#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Most file descriptors that one message takes: SCM_MAX_FD of the kernel, include/net/scm.h. */
#define VP_HAND_OVER_MAX_FDS 253

/**
 * VpHandOver:
 * @argv: (array zero-terminated=1): what to exec, of any bytes
 * @warnings: (array zero-terminated=1): what to tell whoever reads its stderr
 * @fds: (element-type int): file descriptors for it
 * @numbers: (element-type int): under which number it is to find each of them
 *
 * What the sidecar gives the process that waits to become QEMU. It owns its file descriptors.
 */
typedef struct
{
  char **argv;
  char **warnings;
  GArray *fds;
  GArray *numbers;
} VpHandOver;

/**
 * vp_hand_over_new:
 * @argv: (array zero-terminated=1) (nullable): what to exec; copied
 *
 * Returns: (transfer full): without file descriptors and warnings
 */
VpHandOver *vp_hand_over_new (char **argv);
void vp_hand_over_free (VpHandOver *self);

/**
 * vp_hand_over_add_fd:
 * @self: a hand-over
 * @fd: (transfer full): a file descriptor, close-on-exec
 * @number: under which it is to be found
 */
void vp_hand_over_add_fd (VpHandOver *self, int fd, int number);

/**
 * vp_hand_over_send:
 * @self: all that there is to say
 * @socket: the sidecar's end of a socketpair; that it is closed makes the hand-over valid
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_START: nobody waits any more
 */
gboolean vp_hand_over_send (const VpHandOver *self, int socket, GError **error);

/**
 * vp_hand_over_fail:
 * @socket: the sidecar's end of a socketpair
 * @failure: why there will be no QEMU
 */
void vp_hand_over_fail (int socket, const GError *failure);

/**
 * vp_hand_over_receive:
 * @socket: the other end
 * @error: return location for a #GError
 *
 * Waits until the sidecar has closed its end.
 *
 * Returns: (transfer full) (nullable): %NULL with the sidecar's failure, or with %VP_ERROR_START
 *   when it died without a word
 */
VpHandOver *vp_hand_over_receive (int socket, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpHandOver, vp_hand_over_free)

G_END_DECLS
