#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  VP_KATA_TEXT,
  VP_KATA_LIST, /* of texts */
  VP_KATA_INTEGER,
  VP_KATA_NUMBER, /* with or without a fraction */
  VP_KATA_SWITCH,
} VpKataType;

/**
 * VpKataFate:
 * @VP_KATA_HONOURED: it becomes options of the VM
 * @VP_KATA_IGNORED: it has no meaning for a VM of vmplug's
 * @VP_KATA_MISSED: ignored too, but who has set it is told
 * @VP_KATA_REFUSED: a value that means something is an error, because a VM without it is not what
 *   was asked for
 */
typedef enum
{
  VP_KATA_HONOURED,
  VP_KATA_IGNORED,
  VP_KATA_MISSED,
  VP_KATA_REFUSED,
} VpKataFate;

/**
 * VpKataKey:
 * @table: "hypervisor.qemu" or "runtime"
 * @name: the key
 * @type: what its value must be
 * @fate: what becomes of it
 * @why: one line
 *
 * One key of kata's configuration.toml.
 */
typedef struct
{
  const char *table;
  const char *name;
  VpKataType type;
  VpKataFate fate;
  const char *why;
} VpKataKey;

/**
 * vp_kata_key_get:
 * @index: 0 and up
 *
 * Returns: (transfer none) (nullable): the key, in the order of their tables and names, or %NULL
 *   after the last
 */
const VpKataKey *vp_kata_key_get (guint index);

/**
 * vp_kata_key_find:
 *
 * Returns: (transfer none) (nullable): the key called @name of @table
 */
const VpKataKey *vp_kata_key_find (const char *table, const char *name);

/**
 * vp_kata_key_fate_to_string:
 *
 * Returns: (transfer none): "honoured", "ignored", "ignored with a warning" or "refused"
 */
const char *vp_kata_key_fate_to_string (VpKataFate fate);

/**
 * vp_kata_key_check_type:
 * @self: a key
 * @value: its value in a file
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE, which names the key, but not the place
 */
gboolean vp_kata_key_check_type (const VpKataKey *self, JsonNode *value, GError **error);

/**
 * vp_kata_key_asks:
 * @self: a key
 * @value: its value, of the right type
 *
 * Returns: whether @value asks for anything: "", 0, false and [] do not
 */
gboolean vp_kata_key_asks (const VpKataKey *self, JsonNode *value);

/**
 * vp_kata_key_join:
 * @text: a list that is separated by commas: machine_accelerators or cpu_features
 *
 * Returns: (transfer full): the same without empty parts and without blanks around the others
 */
char *vp_kata_key_join (const char *text);

/**
 * vp_kata_key_sandbox_is_covered:
 * @text: a value of seccompsandbox, that is an argument of -sandbox
 *
 * Returns: whether the sandbox that vmplug gives each QEMU denies all that it denies
 */
gboolean vp_kata_key_sandbox_is_covered (const char *text);

/**
 * vp_kata_key_describe_type:
 *
 * Returns: (transfer none): what @value is, "a string", for messages
 */
const char *vp_kata_key_describe_type (JsonNode *value);

G_END_DECLS
