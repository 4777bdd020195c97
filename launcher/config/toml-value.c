#include "launcher/config/toml-value.h"

#include "devices/quote.h"
#include "launcher/config/params.h"
#include "launcher/config/toml-document.h"
#include "launcher/error.h"

static void
free_path (gpointer data)
{
  g_free ((char *) ((VpTomlValue *) data)->path);
}

static int
compare_places (gconstpointer a, gconstpointer b)
{
  const VpTomlValue *one = a, *other = b;

  return vp_toml_file_compare (one->file, one->path, other->path);
}

gboolean
vp_toml_value_for_each (VpTomlFile *file,
                        const char *path,
                        JsonObject *table,
                        VpTomlValueFunc func,
                        gpointer user_data,
                        GError **error)
{
  g_autoptr (GList) members = json_object_get_members (table);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (VpTomlValue));

  g_array_set_clear_func (values, free_path);
  for (const GList *member = members; member != NULL; member = member->next)
    {
      GString *whole = g_string_new (path);
      VpTomlValue value = {
        .file = file,
        .key = member->data,
        .node = json_object_get_member (table, member->data),
      };

      vp_toml_document_add_key (whole, value.key);
      value.path = g_string_free (whole, FALSE);
      g_array_append_val (values, value);
    }

  /* The parser has them in the order of their names. */
  g_array_sort (values, compare_places);
  for (guint i = 0; i < values->len; i++)
    if (!func (&g_array_index (values, VpTomlValue, i), user_data, error))
      return FALSE;
  return TRUE;
}

void
vp_toml_value_warn_of_key (const VpTomlValue *self, GPtrArray *warnings, const char *what)
{
  g_autofree char *where = vp_toml_file_where (self->file, self->path);
  g_autofree char *quoted = vp_quote (self->key);

  g_ptr_array_add (warnings, g_strdup_printf ("%s: %s %s", where, what, quoted));
}

gboolean
vp_toml_value_prefix (const VpTomlValue *self, GError **error)
{
  g_autofree char *where = vp_toml_file_where (self->file, self->path);

  g_prefix_error (error, "%s: %s: ", where, self->key);
  return FALSE;
}

gboolean
vp_toml_value_refuse (const VpTomlValue *self, GError **error, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, why);
  return vp_toml_value_prefix (self, error);
}

static gboolean
is_a (const VpTomlValue *self, GType type)
{
  return JSON_NODE_HOLDS_VALUE (self->node) && json_node_get_value_type (self->node) == type;
}

gboolean
vp_toml_value_get_boolean (const VpTomlValue *self, gboolean *value, GError **error)
{
  if (!is_a (self, G_TYPE_BOOLEAN))
    return vp_toml_value_refuse (self, error, "must be true or false");

  *value = json_node_get_boolean (self->node);
  return TRUE;
}

gboolean
vp_toml_value_get_string (const VpTomlValue *self, const char **value, GError **error)
{
  const char *text = is_a (self, G_TYPE_STRING) ? json_node_get_string (self->node) : NULL;

  if (text == NULL)
    return vp_toml_value_refuse (self, error, "must be a string");
  if (text[0] == '\0')
    return vp_toml_value_refuse (self, error, "must not be empty");
  if (!vp_params_check_text (text, error))
    return vp_toml_value_prefix (self, error);

  *value = text;
  return TRUE;
}

gboolean
vp_toml_value_get_strings (const VpTomlValue *self, char ***values, GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (self->node) ? json_node_get_array (self->node) : NULL;
  guint n = array != NULL ? json_array_get_length (array) : 1;

  if (array == NULL && !is_a (self, G_TYPE_STRING))
    return vp_toml_value_refuse (self, error, "must be a string or an array of strings");
  if (n == 0)
    return vp_toml_value_refuse (self, error, "must not be empty: leave it out");

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", self->path, i);
      const VpTomlValue element = {
        .file = self->file,
        .path = array != NULL ? path : self->path,
        .key = self->key,
        .node = array != NULL ? json_array_get_element (array, i) : self->node,
      };
      const char *text = NULL;

      if (!vp_toml_value_get_string (&element, &text, error))
        return FALSE;
      g_ptr_array_add (strings, g_strdup (text));
    }
  g_ptr_array_add (strings, NULL);
  *values = (char **) g_ptr_array_free (g_steal_pointer (&strings), FALSE);
  return TRUE;
}

gboolean
vp_toml_value_get_number (
    const VpTomlValue *self, guint min, guint max, guint *value, GError **error)
{
  gint64 number = is_a (self, G_TYPE_INT64) ? json_node_get_int (self->node) : -1;

  if (number < min || number > max)
    return vp_toml_value_refuse (self, error, "must be a number from %u to %u", min, max);

  *value = (guint) number;
  return TRUE;
}

gboolean
vp_toml_value_get_seconds (const VpTomlValue *self, guint max, guint *milliseconds, GError **error)
{
  double seconds = is_a (self, G_TYPE_INT64) || is_a (self, G_TYPE_DOUBLE)
                       ? json_node_get_double (self->node)
                       : 0;

  if (!(seconds >= 0.001 && seconds <= max))
    return vp_toml_value_refuse (self, error, "must be a number of seconds from 0.001 to %u", max);

  *milliseconds = (guint) (seconds * 1000 + 0.5);
  return TRUE;
}

gboolean
vp_toml_value_get_text (const VpTomlValue *self, char **value, GError **error)
{
  const char *text = NULL;

  if (is_a (self, G_TYPE_INT64))
    {
      *value = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (self->node));
      return TRUE;
    }
  if (!vp_toml_value_get_string (self, &text, error))
    return FALSE;

  *value = g_strdup (text);
  return TRUE;
}
