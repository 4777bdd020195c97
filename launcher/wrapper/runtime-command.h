#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** VpRuntimeCommand: one command of the runtime, as far as it was understood */
typedef struct
{
  JsonNode *message; /* the whole, which owns the rest */
  const char *name;
  JsonObject *arguments; /* (nullable) */
  gboolean is_oob;       /* exec-oob: answered out of order */
} VpRuntimeCommand;

/**
 * vp_runtime_command_parse:
 * @text: (array length=len): a JSON value
 * @len: its length
 *
 * Returns: (transfer full) (nullable): the command, or %NULL for what only QEMU can judge; free
 * with vp_runtime_command_free()
 */
VpRuntimeCommand *vp_runtime_command_parse (const char *text, gsize len);
void vp_runtime_command_free (VpRuntimeCommand *self);

/**
 * vp_runtime_command_get_argument:
 *
 * Returns: (transfer none) (nullable): a string argument, or %NULL when there is no such string
 */
const char *vp_runtime_command_get_argument (const VpRuntimeCommand *self, const char *name);

/**
 * vp_runtime_command_get_id:
 *
 * Returns: (transfer none) (nullable): the id that its answer has to carry
 */
JsonNode *vp_runtime_command_get_id (const VpRuntimeCommand *self);

/**
 * vp_runtime_command_dup_place:
 *
 * Returns: (transfer full) (nullable): the argument "addr" as vp_bus_map_add() takes it; QEMU also
 *   reads a number there, slot times 8 plus function
 */
char *vp_runtime_command_dup_place (const VpRuntimeCommand *self);

/**
 * vp_runtime_command_to_return:
 *
 * Returns: (transfer full): the line that answers it with success
 */
char *vp_runtime_command_to_return (const VpRuntimeCommand *self);

/**
 * vp_runtime_command_to_error:
 * @self: a command
 * @desc: why not
 *
 * Returns: (transfer full): the line that answers it with an error
 */
char *vp_runtime_command_to_error (const VpRuntimeCommand *self, const char *desc);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRuntimeCommand, vp_runtime_command_free)

G_END_DECLS
