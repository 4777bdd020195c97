#include "launcher/config/own-table.h"

#include "launcher/config/config-option.h"
#include "launcher/config/kata-key.h"
#include "launcher/config/toml-document.h"
#include "launcher/error.h"

#include <string.h>

/* What may stand beside it: kata's tables, see kata-values.h. */
static const char *const other_tables[] = { VP_OWN_TABLE, "hypervisor", "agent",  "runtime",
                                            "factory",    "image",      "netmon", "proxy",
                                            "shim",       NULL };

typedef struct
{
  VpTomlFile *file;
  guint level;
  GPtrArray *settings;
  GPtrArray *warnings;
} Reader;

static gboolean
refuse (const Reader *reader, const char *path, JsonNode *node, const char *wanted, GError **error)
{
  g_autofree char *where = vp_toml_file_where (reader->file, path);
  const char *key = strrchr (path, '.');

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: %s is %s, and must be %s", where,
               key != NULL ? key + 1 : path, vp_kata_key_describe_type (node), wanted);
  return FALSE;
}

/* Returns: (transfer full) (nullable): the value as the command line would have it */
static char *
to_text (const VpConfigOption *option, JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      return g_strdup (json_node_get_string (node));
    case G_TYPE_INT64:
      return option->type == VP_OPTION_NUMBER || option->type == VP_OPTION_SIZE
                 ? g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node))
                 : NULL;
    case G_TYPE_BOOLEAN:
      if (option->type != VP_OPTION_SWITCH)
        return NULL;
      return g_strdup (json_node_get_boolean (node) ? "on" : "auto");
    default:
      return NULL;
    }
}

static gboolean
add_value (const Reader *reader,
           const VpConfigOption *option,
           const char *key,
           const char *path,
           JsonNode *node,
           GError **error)
{
  static const char *const wanted[] = { "a string", "an integer", "a string or an integer",
                                        "a string, true or false" };
  g_autofree char *text = to_text (option, node);
  g_autofree char *where = NULL;
  VpSetting *setting;

  if (text == NULL)
    return refuse (reader, path, node, wanted[option->type], error);

  where = vp_toml_file_where (reader->file, path);
  setting = vp_setting_new (option->name, text, key, where);
  setting->level = reader->level;
  setting->is_own = TRUE;
  g_ptr_array_add (reader->settings, setting);
  return TRUE;
}

static gboolean
add_list (const Reader *reader,
          const VpConfigOption *option,
          const char *key,
          const char *path,
          JsonNode *node,
          GError **error)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return refuse (reader, path, node, "an array of strings", error);

  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *element = g_strdup_printf ("%s[%u]", path, i);

      if (!add_value (reader, option, key, element, json_array_get_element (array, i), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_key (const Reader *reader, const char *key, JsonNode *node, GError **error)
{
  g_autoptr (GString) path = g_string_new (VP_OWN_TABLE);
  g_autofree char *name = g_strdelimit (g_strdup (key), "_", '-');
  const VpConfigOption *option = vp_config_option_find (name);

  vp_toml_document_add_key (path, key);
  if (option == NULL || strchr (key, '-') != NULL)
    {
      g_ptr_array_add (reader->warnings,
                       g_strdup_printf ("%s:%u: %s is no option, with _ for -",
                                        vp_toml_file_get_name (reader->file),
                                        vp_toml_file_get_line (reader->file, path->str),
                                        path->str));
      return TRUE;
    }
  return option->repeats ? add_list (reader, option, key, path->str, node, error)
                         : add_value (reader, option, key, path->str, node, error);
}

static void
warn_of_tables (const Reader *reader)
{
  g_autoptr (GList) names = json_object_get_members (vp_toml_file_get_root (reader->file));

  for (GList *name = names; name != NULL; name = name->next)
    {
      g_autoptr (GString) path = g_string_new (NULL);

      if (g_strv_contains (other_tables, name->data))
        continue;
      vp_toml_document_add_key (path, name->data);
      g_ptr_array_add (reader->warnings,
                       g_strdup_printf ("%s:%u: %s is nothing that vmplug knows",
                                        vp_toml_file_get_name (reader->file),
                                        vp_toml_file_get_line (reader->file, path->str),
                                        path->str));
    }
}

gboolean
vp_own_table_add (
    VpTomlFile *file, guint level, GPtrArray *settings, GPtrArray *warnings, GError **error)
{
  const Reader reader = {
    .file = file, .level = level, .settings = settings, .warnings = warnings
  };
  g_autoptr (GList) keys = NULL;
  JsonObject *root;
  JsonNode *table;

  g_return_val_if_fail (file != NULL && settings != NULL && warnings != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  warn_of_tables (&reader);
  root = vp_toml_file_get_root (file);
  table = json_object_get_member (root, VP_OWN_TABLE);
  if (table == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (table))
    return refuse (&reader, VP_OWN_TABLE, table, "a table", error);

  keys = json_object_get_members (json_node_get_object (table));
  for (GList *key = keys; key != NULL; key = key->next)
    if (!add_key (&reader, key->data,
                  json_object_get_member (json_node_get_object (table), key->data), error))
      return FALSE;
  return TRUE;
}

/* Settings have no control characters. */
static void
write_string (GString *text, const char *value)
{
  g_string_append_c (text, '"');
  for (const char *p = value; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_c (text, '\\');
      g_string_append_c (text, *p);
    }
  g_string_append_c (text, '"');
}

static void
write_value (GString *text, const VpConfigOption *option, const char *value)
{
  guint64 number;

  if (option->type == VP_OPTION_NUMBER &&
      g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &number, NULL))
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, number);
  else
    write_string (text, value);
}

static void
write_option (GString *text, const VpConfigOption *option, const GPtrArray *settings)
{
  guint n = 0;

  for (guint i = 0; i < settings->len; i++)
    {
      const VpSetting *setting = settings->pdata[i];

      if (!g_str_equal (setting->option, option->name))
        continue;
      if (n++ == 0)
        {
          g_autofree char *key = g_strdelimit (g_strdup (option->name), "-", '_');

          g_string_append_printf (text, "%s = %s", key, option->repeats ? "[" : "");
        }
      else
        g_string_append (text, ", ");
      write_value (text, option, setting->value);
    }
  if (n > 0)
    g_string_append (text, option->repeats ? "]\n" : "\n");
}

char *
vp_own_table_write (const GPtrArray *settings)
{
  g_autoptr (GString) text = g_string_new ("[" VP_OWN_TABLE "]\n");
  const VpConfigOption *option;

  g_return_val_if_fail (settings != NULL, NULL);

  for (guint i = 0; (option = vp_config_option_get (i)) != NULL; i++)
    write_option (text, option, settings);
  return g_strdup (text->str);
}
