#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpQemuParam:
 * @key: "addr", of JSON with its way to it: "file.filename", "audiodevs.0"
 * @value: as text; "on" or "off" for a JSON boolean
 * @is_number: whether it is a number in JSON
 *
 * One key of the value of an option.
 */
typedef struct
{
  char *key;
  char *value;
  gboolean is_number;
} VpQemuParam;

/**
 * VpQemuParams:
 *
 * The value of an option of QEMU taken apart, whichever of its two forms it has.
 */
typedef struct _VpQemuParams VpQemuParams;

/**
 * vp_qemu_params_parse:
 * @text: value of an option, of any content
 * @first_key: (nullable): key that the first word may leave out
 *
 * Reads JSON when it begins with a brace, else "key=value,flag,noflag", where ",," is a comma of
 * the value (QEMU, util/qemu-option.c). What is no JSON has no keys.
 *
 * Returns: (transfer full): free with vp_qemu_params_free()
 */
VpQemuParams *vp_qemu_params_parse (const char *text, const char *first_key);
void vp_qemu_params_free (VpQemuParams *self);

/**
 * vp_qemu_params_is_json:
 *
 * Returns: whether it was JSON
 */
gboolean vp_qemu_params_is_json (const VpQemuParams *self);

/**
 * vp_qemu_params_append:
 * @self: what came first
 * @later: (nullable): an option of the same name, whose keys replace those of @self
 */
void vp_qemu_params_append (VpQemuParams *self, const VpQemuParams *later);

/**
 * vp_qemu_params_n:
 *
 * Returns: how many keys there are, counting those that come twice twice
 */
guint vp_qemu_params_n (const VpQemuParams *self);

/**
 * vp_qemu_params_at:
 *
 * Returns: (transfer none): the @index-th of them
 */
const VpQemuParam *vp_qemu_params_at (const VpQemuParams *self, guint index);

/**
 * vp_qemu_params_find:
 *
 * Returns: (transfer none) (nullable): the last one whose key is @key
 */
const VpQemuParam *vp_qemu_params_find (const VpQemuParams *self, const char *key);

/**
 * vp_qemu_params_get:
 *
 * Returns: (transfer none) (nullable): the value of @key
 */
const char *vp_qemu_params_get (const VpQemuParams *self, const char *key);

/**
 * vp_qemu_params_is_on:
 * @self: parameters
 * @key: a key
 * @otherwise: what it is when it is not there, or is neither on nor off
 *
 * Returns: whether it is on
 */
gboolean vp_qemu_params_is_on (const VpQemuParams *self, const char *key, gboolean otherwise);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpQemuParams, vp_qemu_params_free)

G_END_DECLS
