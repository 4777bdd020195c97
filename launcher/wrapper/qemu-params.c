#include "launcher/wrapper/qemu-params.h"

#include "qmp/json-reader.h"

#include <string.h>

/* Much more than any option needs. */
#define MAX_DEPTH  32
#define MAX_VALUES 100000

struct _VpQemuParams
{
  GPtrArray *params; /* VpQemuParam */
  gboolean is_json;
};

static void
param_free (gpointer data)
{
  VpQemuParam *param = data;

  g_free (param->key);
  g_free (param->value);
  g_free (param);
}

void
vp_qemu_params_free (VpQemuParams *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->params);
  g_free (self);
}

/* Takes @key and @value. */
static void
add (VpQemuParams *self, char *key, char *value, gboolean is_number)
{
  VpQemuParam *param = g_new0 (VpQemuParam, 1);

  param->key = key;
  param->value = value;
  param->is_number = is_number;
  g_ptr_array_add (self->params, param);
}

/* Reads up to the next single comma, and past it. */
static char *
take_value (const char **at)
{
  GString *value = g_string_new (NULL);
  const char *p = *at;

  while (*p != '\0' && (*p != ',' || p[1] == ','))
    {
      g_string_append_c (value, *p);
      p += *p == ',' ? 2 : 1;
    }
  *at = *p == ',' ? p + 1 : p;
  return g_string_free (value, FALSE);
}

static void
parse_text (VpQemuParams *self, const char *text, const char *first_key)
{
  const char *at = text;

  while (*at != '\0')
    {
      gsize length = strcspn (at, "=,");
      char *word;

      if (at[length] == '=')
        {
          char *key = g_strndup (at, length);

          at += length + 1;
          add (self, key, take_value (&at), FALSE);
        }
      else if (at == text && first_key != NULL)
        add (self, g_strdup (first_key), take_value (&at), FALSE);
      else
        {
          word = take_value (&at);
          if (g_str_has_prefix (word, "no") && word[2] != '\0')
            add (self, g_strdup (word + 2), g_strdup ("off"), FALSE);
          add (self, word, g_strdup ("on"), FALSE);
        }
    }
}

static void
flatten_value (VpQemuParams *self, const char *way, JsonNode *node)
{
  char *value;

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      add (self, g_strdup (way), g_strdup (json_node_get_string (node)), FALSE);
      break;
    case G_TYPE_BOOLEAN:
      add (self, g_strdup (way), g_strdup (json_node_get_boolean (node) ? "on" : "off"), FALSE);
      break;
    case G_TYPE_INT64:
      value = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
      add (self, g_strdup (way), value, TRUE);
      break;
    default:
      value = g_strdup_printf ("%g", json_node_get_double (node));
      add (self, g_strdup (way), value, TRUE);
      break;
    }
}

/* The reader bounds the depth.
 * NOLINTBEGIN(misc-no-recursion) */
static void
flatten (VpQemuParams *self, const char *way, JsonNode *node)
{
  const char *dot = way[0] != '\0' ? "." : "";

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObject *object = json_node_get_object (node);
      g_autoptr (GList) names = json_object_get_members (object);

      for (const GList *l = names; l != NULL; l = l->next)
        {
          g_autofree char *further = g_strconcat (way, dot, l->data, NULL);

          flatten (self, further, json_object_get_member (object, l->data));
        }
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          g_autofree char *further = g_strdup_printf ("%s%s%u", way, dot, i);

          flatten (self, further, json_array_get_element (array, i));
        }
    }
  else if (JSON_NODE_HOLDS_VALUE (node))
    flatten_value (self, way, node);
}
/* NOLINTEND(misc-no-recursion) */

VpQemuParams *
vp_qemu_params_parse (const char *text, const char *first_key)
{
  VpQemuParams *self;
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  self = g_new0 (VpQemuParams, 1);
  self->params = g_ptr_array_new_with_free_func (param_free);
  self->is_json = text[0] == '{';
  if (!self->is_json)
    {
      parse_text (self, text, first_key);
      return self;
    }

  node = vp_json_read (text, MAX_DEPTH, MAX_VALUES, NULL);
  if (node != NULL)
    flatten (self, "", node);
  return self;
}

gboolean
vp_qemu_params_is_json (const VpQemuParams *self)
{
  return self->is_json;
}

void
vp_qemu_params_append (VpQemuParams *self, const VpQemuParams *later)
{
  g_return_if_fail (self != NULL && self != later);

  for (guint i = 0; later != NULL && i < later->params->len; i++)
    {
      const VpQemuParam *param = later->params->pdata[i];

      add (self, g_strdup (param->key), g_strdup (param->value), param->is_number);
    }
}

guint
vp_qemu_params_n (const VpQemuParams *self)
{
  return self->params->len;
}

const VpQemuParam *
vp_qemu_params_at (const VpQemuParams *self, guint index)
{
  g_return_val_if_fail (index < self->params->len, NULL);

  return self->params->pdata[index];
}

const VpQemuParam *
vp_qemu_params_find (const VpQemuParams *self, const char *key)
{
  g_return_val_if_fail (self != NULL && key != NULL, NULL);

  for (guint i = self->params->len; i > 0; i--)
    {
      const VpQemuParam *param = self->params->pdata[i - 1];

      if (g_str_equal (param->key, key))
        return param;
    }
  return NULL;
}

const char *
vp_qemu_params_get (const VpQemuParams *self, const char *key)
{
  const VpQemuParam *param = vp_qemu_params_find (self, key);

  return param != NULL ? param->value : NULL;
}

gboolean
vp_qemu_params_is_on (const VpQemuParams *self, const char *key, gboolean otherwise)
{
  static const char *const on[] = { "on", "yes", "true", "y", NULL };
  static const char *const off[] = { "off", "no", "false", "n", NULL };
  const char *value = vp_qemu_params_get (self, key);

  if (value != NULL && g_strv_contains (on, value))
    return TRUE;
  if (value != NULL && g_strv_contains (off, value))
    return FALSE;
  return otherwise;
}
