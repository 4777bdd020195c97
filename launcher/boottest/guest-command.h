#pragma once

#include "launcher/boottest/guest-record.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/**
 * VpGuestCommandInput:
 * @argv: (nullable): the command, for a guest that guest-init runs in; %NULL: the guest reports a
 *   status by itself
 * @folder: where to run it
 * @environment: (array zero-terminated=1): its environment
 * @out_fd: where its stdout goes
 * @err_fd: where its stderr goes
 */
typedef struct
{
  char **argv;
  const char *folder;
  char **environment;
  int out_fd;
  int err_fd;
} VpGuestCommandInput;

/**
 * VpGuestCommand:
 *
 * Our side of the virtio-serial ports of a boot test: hands guest-init its job, moves the output of
 * the command to ours, and knows what the guest has reported.
 *
 * The order between ports is not guaranteed, so a status counts once as much output has been moved
 * as the guest says that there is. Only then the guest is told that it may power off.
 */
typedef struct _VpGuestCommand VpGuestCommand;

/**
 * vp_guest_command_prepare:
 * @config: what the user asked for, not checked
 * @error: return location for a #GError
 *
 * Adds to a VM what a command in its guest needs: the ready-made initrd, unless there is another,
 * the host's files and the ports. The initrd is the file that VMPLUG_GUEST_INITRD names, or
 * guest-initrd beside the program or in its data folder.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when there is no kernel, or %VP_ERROR_HOST without an initrd
 */
gboolean vp_guest_command_prepare (VpConfig *config, GError **error);

/**
 * vp_guest_command_new:
 * @input: what to run
 * @changed: called when vp_guest_command_get_state() has changed; must not free the command
 * @user_data: for @changed
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_guest_command_free(); %NULL with
 *   %VP_ERROR_USAGE when the command with its environment is too long, or %VP_ERROR_HOST
 */
VpGuestCommand *vp_guest_command_new (const VpGuestCommandInput *input,
                                      void (*changed) (gpointer user_data),
                                      gpointer user_data,
                                      GError **error);
void vp_guest_command_free (VpGuestCommand *self);

/**
 * vp_guest_command_steal_port:
 * @self: a command
 *
 * Returns: (transfer full): the next of the descriptors that QEMU is to inherit, in the order of
 *   vp_own_devices_count_ports(); -1 after the last
 */
int vp_guest_command_steal_port (VpGuestCommand *self);

/**
 * vp_guest_command_get_state:
 *
 * Returns: what the guest has reported; %VP_GUEST_RECORD_ENDED once all output has been moved, too
 */
VpGuestRecordState vp_guest_command_get_state (const VpGuestCommand *self);

/**
 * vp_guest_command_get_status:
 *
 * Returns: the status, of a state of %VP_GUEST_RECORD_ENDED: of a command as a shell has it, 128 +
 *   N for one that signal N has ended
 */
guint vp_guest_command_get_status (const VpGuestCommand *self);

/**
 * vp_guest_command_get_text:
 *
 * Returns: (transfer none) (nullable): of %VP_GUEST_RECORD_FAILED why there will be no status, of
 *   %VP_GUEST_RECORD_ENDED why the command could not be run; printable
 */
const char *vp_guest_command_get_text (const VpGuestCommand *self);

/**
 * vp_guest_command_get_tail:
 * @self: a command
 * @n: how many at most
 *
 * Returns: (transfer full): the last lines of its output, stdout and stderr as they came, any
 *   bytes; free with g_strfreev()
 */
char **vp_guest_command_get_tail (const VpGuestCommand *self, guint n);

/**
 * vp_guest_command_flush:
 * @self: a command
 * @timeout_ms: longest wait for who reads our output
 *
 * Moves what the command printed before its guest was gone.
 */
void vp_guest_command_flush (VpGuestCommand *self, guint timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpGuestCommand, vp_guest_command_free)

G_END_DECLS
