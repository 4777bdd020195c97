#include "launcher/boottest/manifest-steps.h"

#include "launcher/boottest/manifest-path.h"
#include "launcher/boottest/step.h"
#include "launcher/config/setting.h"

#define MAX_SECONDS 86400

/* A step in the making. */
typedef struct
{
  gboolean has_kind;
  VpStepKind kind;
  VpTomlValue value; /* of the key that says what to do; its path is that of the whole step */
  const char *text;
  guint within_ms;
} Making;

static gboolean
set_kind (Making *making, VpStepKind kind, const VpTomlValue *value, GError **error)
{
  gboolean is_true = TRUE;

  if (making->has_kind)
    return vp_toml_value_refuse (value, error, "a step does one thing: begin another { }");

  making->has_kind = TRUE;
  making->kind = kind;
  making->value.key = value->key;
  if (vp_step_kind_takes_text (kind))
    return vp_toml_value_get_string (value, &making->text, error);
  return vp_toml_value_get_boolean (value, &is_true, error) &&
         (is_true || vp_toml_value_refuse (value, error, "must be true"));
}

static gboolean
set_key (const VpTomlValue *value, gpointer user_data, GError **error)
{
  Making *making = user_data;
  VpStepKind kind;

  if (vp_step_kind_from_string (value->key, &kind))
    return set_kind (making, kind, value, error);
  if (g_str_equal (value->key, "within"))
    return vp_toml_value_get_seconds (value, MAX_SECONDS, &making->within_ms, error);
  return vp_toml_value_refuse (
      value, error, "is no step: those are expect, send, attach, detach, stop and reset");
}

/* Returns: (transfer full) (nullable): how the command line says it */
static char *
spell (const Making *making, const char *folder, GError **error)
{
  g_autofree char *located = NULL;
  g_autofree char *text = NULL;
  g_autoptr (VpStep) step = NULL;
  char seconds[G_ASCII_DTOSTR_BUF_SIZE];

  located = vp_manifest_path_locate (making->value.key, making->text, folder);
  text = making->within_ms == 0
             ? g_strdup (located)
             : g_strdup_printf (
                   "%s@%s", located,
                   g_ascii_formatd (seconds, sizeof seconds, "%.10g", making->within_ms / 1000.0));
  step = vp_step_new (making->kind, text, error);
  if (step == NULL)
    {
      vp_toml_value_prefix (&making->value, error);
      return NULL;
    }
  if (g_str_equal (step->text, located) && step->within_ms == making->within_ms)
    return g_steal_pointer (&text);

  vp_toml_value_refuse (&making->value, error,
                        "ends like a time: write within = SECONDS for it, or \\\\@ for an @");
  return NULL;
}

static gboolean
add_step (const Making *making, const char *folder, GPtrArray *settings, GError **error)
{
  const VpTomlValue *value = &making->value;
  g_autofree char *where = vp_toml_file_where (value->file, value->path);
  g_autofree char *text = NULL;

  if (!making->has_kind)
    return vp_toml_value_refuse (value, error,
                                 "needs one of expect, send, attach, detach, stop and reset");
  if (making->within_ms != 0 &&
      (making->kind == VP_STEP_SEND || !vp_step_kind_takes_text (making->kind)))
    return vp_toml_value_refuse (value, error, "has no within");

  text = making->text != NULL ? spell (making, folder, error) : NULL;
  if (making->text != NULL && text == NULL)
    return FALSE;
  g_ptr_array_add (settings, vp_setting_new (value->key, text, value->key, where));
  return TRUE;
}

gboolean
vp_manifest_steps_read (const VpTomlValue *value,
                        const char *folder,
                        GPtrArray *settings,
                        GError **error)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (value->node) ? json_node_get_array (value->node) : NULL;

  if (array == NULL)
    return vp_toml_value_refuse (value, error, "must be an array of tables: [ {expect = \"…\"} ]");

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", value->path, i);
      JsonNode *node = json_array_get_element (array, i);
      Making making = { .value = { value->file, path, value->key, node } };

      if (!JSON_NODE_HOLDS_OBJECT (node))
        return vp_toml_value_refuse (&making.value, error,
                                     "must be an array of tables: [ {expect = \"…\"} ]");
      if (!vp_toml_value_for_each (value->file, path, json_node_get_object (node), set_key, &making,
                                   error) ||
          !add_step (&making, folder, settings, error))
        return FALSE;
    }
  return TRUE;
}
