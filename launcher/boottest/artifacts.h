#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpArtifacts:
 *
 * A folder that keeps what is left of a boot test. What cannot be written, on a disk that is full
 * say, is told at the end and stops nothing.
 */
typedef struct _VpArtifacts VpArtifacts;

/**
 * vp_artifacts_open:
 * @path: the folder; made with its parents when it is not there
 * @unfinished: the document that says that the test has not finished
 * @error: return location for a #GError
 *
 * Writes @unfinished as verdict.json at once, so that a test whose launcher is killed does not
 * leave the verdict of an earlier one. What else an earlier one has left is removed.
 *
 * Returns: (transfer full) (nullable): free with vp_artifacts_free(); %NULL with %VP_ERROR_HOST
 */
VpArtifacts *vp_artifacts_open (const char *path, JsonObject *unfinished, GError **error);
void vp_artifacts_free (VpArtifacts *self);

/**
 * vp_artifacts_get_path:
 * @self: a folder
 * @name: a file in it
 *
 * Returns: (transfer full): its absolute path
 */
char *vp_artifacts_get_path (VpArtifacts *self, const char *name);

/**
 * vp_artifacts_add_console:
 * @self: a folder
 * @output: what the guest's console said
 *
 * Appends it to console.log, as it is and all of it.
 */
void vp_artifacts_add_console (VpArtifacts *self, GBytes *output);

/**
 * vp_artifacts_add_qmp:
 * @self: a folder
 * @event: one of QEMU's events, as in the document
 *
 * Appends it to qmp.jsonl, which keeps the first 16 MiB of them.
 */
void vp_artifacts_add_qmp (VpArtifacts *self, JsonObject *event);

/**
 * vp_artifacts_copy:
 * @self: a folder
 * @name: a file in it
 * @from: what to copy there; nothing happens when that is not there
 */
void vp_artifacts_copy (VpArtifacts *self, const char *name, const char *from);

/**
 * vp_artifacts_get_fault:
 *
 * Returns: (transfer none) (nullable): the first thing that could not be written, and why
 */
const char *vp_artifacts_get_fault (VpArtifacts *self);

/**
 * vp_artifacts_write_verdict:
 * @folder: where the artifacts of a test are
 * @document: how the test ended
 * @error: return location for a #GError
 *
 * Replaces verdict.json.
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_artifacts_write_verdict (const char *folder, JsonObject *document, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpArtifacts, vp_artifacts_free)

G_END_DECLS
