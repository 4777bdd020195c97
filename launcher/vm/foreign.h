#pragma once

#include "devices/topology.h"

G_BEGIN_DECLS

/**
 * VpForeign:
 * @argv: the whole command line, argv[0] replaced by the QEMU to exec
 * @root: its machine, and what of the root bus is taken
 * @ids: (element-type utf8): every id in it, of whatever kind
 * @first_fd: from here on no number of a file descriptor is named in it
 * @max_memory: bytes of RAM that there can be (-m maxmem=); 0 for none but what is there. It is not
 *   ours to add, and so not in the configuration
 * @n_memory_slots: how many memory modules can be added (-m slots=)
 * @has_aperture: it has opt/ovmf/X-PciMmio64Mb itself
 * @has_data_folder: it has -L, so that QEMU's own firmware can be another
 * @is_daemon: -daemonize
 *
 * A machine whose command line is somebody else's, and what of it matters to us.
 */
typedef struct
{
  char **argv;
  VpRootBus root;
  GHashTable *ids;
  int first_fd;
  guint64 max_memory;
  guint n_memory_slots;
  gboolean has_aperture;
  gboolean has_data_folder;
  gboolean is_daemon;
} VpForeign;

/**
 * vp_foreign_new:
 * @argv: a command line; copied
 *
 * Returns: (transfer full): nothing is taken yet; free with vp_foreign_free()
 */
VpForeign *vp_foreign_new (const char *const *argv);
void vp_foreign_free (VpForeign *self);

/**
 * vp_foreign_check:
 * @self: a machine
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when something in it is called as only we call things
 */
gboolean vp_foreign_check (const VpForeign *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpForeign, vp_foreign_free)

G_END_DECLS
