#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpRunDir:
 *
 * The folder of one live VM: <base>/vms/NAME, mode 0700, with a lock that its supervisor holds as
 * long as it lives, the control and console sockets and the logs. The base is ROOT/run/vmplug for
 * root, else $XDG_RUNTIME_DIR/vmplug, else /tmp/vmplug-UID; under a test root always
 * ROOT/run/vmplug.
 */
typedef struct _VpRunDir VpRunDir;

/**
 * vp_run_dir_base:
 * @root: where host paths start
 *
 * Returns: (transfer full): the base folder; it need not exist
 */
char *vp_run_dir_base (const char *root);

/**
 * vp_run_dir_create:
 * @root: where host paths start
 * @name: name of the VM
 * @error: return location for a #GError
 *
 * Makes the folder and takes its lock. Leftovers of a dead supervisor of the same name are removed.
 * Every step is relative to an opened folder, no link is followed, and a folder that another user
 * owns is refused.
 *
 * Returns: (transfer full) (nullable): %NULL with %VP_ERROR_USAGE when @name is no name for a VM,
 *   %VP_ERROR_EXISTS when a live VM has it, or %VP_ERROR_HOST
 */
VpRunDir *vp_run_dir_create (const char *root, const char *name, GError **error);

/**
 * vp_run_dir_adopt:
 * @root: where host paths start
 * @name: name of a VM
 * @error: return location for a #GError
 *
 * Takes the lock of a VM that is dead and leaves what is in its folder, so that it can be cleared
 * up and meanwhile nobody starts a VM of that name. Makes the folder when it is not there. The
 * caller holds the start guard: a folder that a supervisor has only just made looks the same.
 *
 * Returns: (transfer full) (nullable): %NULL with an error as vp_run_dir_create(),
 *   %VP_ERROR_EXISTS when the VM lives
 */
VpRunDir *vp_run_dir_adopt (const char *root, const char *name, GError **error);

/**
 * vp_run_dir_remove:
 * @self: (transfer full): a folder
 *
 * Removes it with everything in it, then lets the lock go.
 */
void vp_run_dir_remove (VpRunDir *self);

/**
 * vp_run_dir_free:
 *
 * Lets go of the lock without removing anything.
 */
void vp_run_dir_free (VpRunDir *self);

/**
 * vp_run_dir_get_path:
 *
 * Returns: (transfer none): its absolute path
 */
const char *vp_run_dir_get_path (VpRunDir *self);

/**
 * vp_run_dir_listen:
 * @self: a folder
 * @socket_name: "control" or "console"
 * @error: return location for a #GError
 *
 * Binds through /proc/self/fd, so that a long path does not meet the 108 bytes of sun_path.
 *
 * Returns: a listening, non-blocking stream socket of mode 0600, or -1 with %VP_ERROR_HOST
 */
int vp_run_dir_listen (VpRunDir *self, const char *socket_name, GError **error);

/**
 * vp_run_dir_open_log:
 * @self: a folder
 * @file_name: "console.log" or "qemu.log"
 * @error: return location for a #GError
 *
 * Returns: a descriptor open for reading and appending to a new file of mode 0600, or -1 with
 *   %VP_ERROR_HOST
 */
int vp_run_dir_open_log (VpRunDir *self, const char *file_name, GError **error);

/**
 * vp_run_dir_write:
 * @self: a folder
 * @file_name: a note in it
 * @text: what it shall say
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_run_dir_write (VpRunDir *self, const char *file_name, const char *text, GError **error);

/**
 * vp_run_dir_read:
 * @self: a folder
 * @file_name: a note in it
 *
 * Returns: (transfer full) (nullable): its first 256 bytes; %NULL when it cannot be read
 */
char *vp_run_dir_read (VpRunDir *self, const char *file_name);

/**
 * vp_run_dir_connect:
 * @root: where host paths start
 * @name: name of a VM
 * @socket_name: "control" or "console"
 * @error: return location for a #GError
 *
 * Returns: a connected, non-blocking stream socket, or -1 with %VP_ERROR_NO_VM
 */
int
vp_run_dir_connect (const char *root, const char *name, const char *socket_name, GError **error);

/**
 * vp_run_dir_list:
 * @root: where host paths start
 *
 * Returns: (transfer full): the names of the VMs whose supervisor lives, sorted
 */
char **vp_run_dir_list (const char *root);

/**
 * vp_run_dir_list_left:
 * @root: where host paths start
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the names of everything else that is there, sorted: VMs
 * whose supervisor is dead, or has only just made its folder, and what is no VM's at all; %NULL
 * with %VP_ERROR_HOST
 */
char **vp_run_dir_list_left (const char *root, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRunDir, vp_run_dir_free)

G_END_DECLS
