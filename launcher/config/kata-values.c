#include "launcher/config/kata-values.h"

#include "launcher/config/toml-document.h"
#include "launcher/error.h"

#include <string.h>

#define QEMU    "hypervisor.qemu"
#define RUNTIME "runtime"

struct _VpKataValues
{
  GHashTable *values; /* (element-type VpKataKey VpKataValue) */
};

/* Whose keys are added now. */
typedef struct
{
  VpTomlFile *file;
  guint level;
  GPtrArray *warnings;
  GError **error;
} Source;

static void
value_free (gpointer data)
{
  VpKataValue *value = data;

  g_free (value->where);
  g_free (value);
}

VpKataValues *
vp_kata_values_new (void)
{
  VpKataValues *self = g_new0 (VpKataValues, 1);

  self->values = g_hash_table_new_full (NULL, NULL, NULL, value_free);
  return self;
}

void
vp_kata_values_free (VpKataValues *self)
{
  g_hash_table_unref (self->values);
  g_free (self);
}

static gboolean
add_value (
    VpKataValues *self, const Source *source, const char *table, const char *name, JsonNode *node)
{
  const VpKataKey *key = vp_kata_key_find (table, name);
  g_autoptr (GString) path = g_string_new (table);
  VpKataValue *value;

  vp_toml_document_add_key (path, name);
  if (key == NULL)
    {
      g_ptr_array_add (source->warnings,
                       g_strdup_printf ("%s:%u: %s is no key of kata's that vmplug knows",
                                        vp_toml_file_get_name (source->file),
                                        vp_toml_file_get_line (source->file, path->str),
                                        path->str));
      return TRUE;
    }

  value = g_new0 (VpKataValue, 1);
  *value = (VpKataValue){ .key = key,
                          .node = node,
                          .where = vp_toml_file_where (source->file, path->str),
                          .level = source->level };
  g_hash_table_replace (self->values, (gpointer) key, value);
  if (vp_kata_key_check_type (key, node, source->error))
    return TRUE;
  g_prefix_error (source->error, "%s: ", value->where);
  return FALSE;
}

static gboolean
add_table (VpKataValues *self, const Source *source, const char *table, JsonNode *node)
{
  g_autoptr (GList) names = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_autofree char *where = vp_toml_file_where (source->file, table);

      g_set_error (source->error, VP_ERROR, VP_ERROR_USAGE, "%s: %s is %s, and must be a table",
                   where, table, vp_kata_key_describe_type (node));
      return FALSE;
    }

  names = json_object_get_members (json_node_get_object (node));
  for (GList *name = names; name != NULL; name = name->next)
    if (!add_value (self, source, table, name->data,
                    json_object_get_member (json_node_get_object (node), name->data)))
      return FALSE;
  return TRUE;
}

static gboolean
add_hypervisor (VpKataValues *self, const Source *source, JsonNode *node)
{
  JsonObject *tables = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (tables == NULL)
    return add_table (self, source, "hypervisor", node);
  if (json_object_has_member (tables, "qemu"))
    return add_table (self, source, QEMU, json_object_get_member (tables, "qemu"));

  g_ptr_array_add (source->warnings,
                   g_strdup_printf ("%s:%u: there is no [" QEMU "], and vmplug starts nothing else",
                                    vp_toml_file_get_name (source->file),
                                    vp_toml_file_get_line (source->file, "hypervisor")));
  return TRUE;
}

gboolean
vp_kata_values_add_file (
    VpKataValues *self, VpTomlFile *file, guint level, GPtrArray *warnings, GError **error)
{
  const Source source = { .file = file, .level = level, .warnings = warnings, .error = error };
  JsonObject *root;

  g_return_val_if_fail (self != NULL && file != NULL && warnings != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  root = vp_toml_file_get_root (file);
  if (json_object_has_member (root, "hypervisor") &&
      !add_hypervisor (self, &source, json_object_get_member (root, "hypervisor")))
    return FALSE;
  return !json_object_has_member (root, RUNTIME) ||
         add_table (self, &source, RUNTIME, json_object_get_member (root, RUNTIME));
}

gboolean
vp_kata_values_check (VpKataValues *self, GPtrArray *warnings, GError **error)
{
  const VpKataKey *key;

  g_return_val_if_fail (self != NULL && warnings != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  for (guint i = 0; (key = vp_kata_key_get (i)) != NULL; i++)
    {
      const VpKataValue *value = g_hash_table_lookup (self->values, key);

      if (value == NULL || !vp_kata_key_asks (key, value->node))
        continue;
      if (key->fate == VP_KATA_REFUSED)
        return vp_kata_value_refuse (value, error, "refused: %s", key->why);
      if (key->fate == VP_KATA_MISSED)
        g_ptr_array_add (
            warnings, g_strdup_printf ("%s: %s: ignored: %s", value->where, key->name, key->why));
    }
  return TRUE;
}

const VpKataValue *
vp_kata_values_get (VpKataValues *self, const char *name)
{
  const VpKataKey *key = vp_kata_key_find (QEMU, name);

  g_return_val_if_fail (self != NULL && key != NULL, NULL);

  return g_hash_table_lookup (self->values, key);
}

const VpKataValue *
vp_kata_values_get_text (VpKataValues *self, const char *name, const char **text)
{
  const VpKataValue *value = vp_kata_values_get (self, name);

  *text = value != NULL ? json_node_get_string (value->node) : "";
  return (*text)[0] != '\0' ? value : NULL;
}

gboolean
vp_kata_value_refuse (const VpKataValue *value, GError **error, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: %s: %s", value->where, value->key->name, why);
  return FALSE;
}
