#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpIdMap:
 *
 * What the runtime calls the devices that vmplug has in QEMU under ids of its own, and where these
 * ids stand in QMP.
 */
typedef struct _VpIdMap VpIdMap;

/**
 * vp_id_map_new:
 *
 * Returns: (transfer full): free with vp_id_map_free()
 */
VpIdMap *vp_id_map_new (void);
void vp_id_map_free (VpIdMap *self);

/**
 * vp_id_map_add:
 * @self: a map with neither of the two
 * @runtime: the runtime's id
 * @qemu: QEMU's, which may be the same
 */
void vp_id_map_add (VpIdMap *self, const char *runtime, const char *qemu);

/**
 * vp_id_map_remove:
 * @self: a map
 * @qemu: QEMU's id of a device, which need not be there
 */
void vp_id_map_remove (VpIdMap *self, const char *qemu);

/**
 * vp_id_map_to_qemu:
 *
 * Returns: (transfer none) (nullable): QEMU's id of what the runtime calls @runtime
 */
const char *vp_id_map_to_qemu (const VpIdMap *self, const char *runtime);

/**
 * vp_id_map_to_runtime:
 *
 * Returns: (transfer none) (nullable): the runtime's id of QEMU's @qemu
 */
const char *vp_id_map_to_runtime (const VpIdMap *self, const char *qemu);

/**
 * vp_id_map_is_needed:
 *
 * Returns: whether any device has two different ids
 */
gboolean vp_id_map_is_needed (const VpIdMap *self);

/**
 * vp_id_map_occurs:
 * @self: a map
 * @text: (array length=len): part of QMP
 * @len: its length
 *
 * Returns: whether one of the runtime's ids that are not QEMU's is in it, wherever
 */
gboolean vp_id_map_occurs (const VpIdMap *self, const char *text, gsize len);

/**
 * vp_id_map_rewrite_command:
 * @self: a map
 * @name: the command
 * @text: (array length=len): its JSON
 * @len: its length
 * @out: where to append
 *
 * Appends the command with QEMU's ids for the runtime's, and every other byte as it is.
 */
void vp_id_map_rewrite_command (
    const VpIdMap *self, const char *name, const char *text, gsize len, GString *out);

/**
 * vp_id_map_replace_in_reply:
 *
 * A #VpJsonReplace for what QEMU says; @user_data is the #VpIdMap.
 */
gboolean vp_id_map_replace_in_reply (
    const char *text, gsize len, const char *key, GString *out, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpIdMap, vp_id_map_free)

G_END_DECLS
