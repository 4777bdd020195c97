#include "launcher/boottest/manifest-setting.h"

#include "launcher/boottest/manifest-path.h"
#include "launcher/boottest/manifest-steps.h"
#include "launcher/boottest/step.h"
#include "launcher/config/config-file.h"

static void
setting_free (gpointer data)
{
  vp_setting_free (data);
}

static VpManifestSetting *
setting_new (const VpManifestKey *key, const char *name)
{
  VpManifestSetting *self = g_new0 (VpManifestSetting, 1);

  self->key = *key;
  self->name = g_strdup (name);
  self->values = g_ptr_array_new_with_free_func (setting_free);
  self->texts = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
vp_manifest_setting_free (VpManifestSetting *self)
{
  if (self == NULL)
    return;

  g_free (self->name);
  g_ptr_array_unref (self->values);
  g_ptr_array_unref (self->texts);
  g_free (self);
}

static const char *
switch_word (const VpManifestKey *key, gboolean is_on)
{
  return is_on ? "on" : key->kind == VP_MANIFEST_KEY_VM ? "auto" : "off";
}

/* Returns: (transfer full) (nullable): the value as the command line would have it */
static char *
to_text (const VpManifestKey *key, JsonNode *node)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      return g_strdup (json_node_get_string (node));
    case G_TYPE_INT64:
      return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
    case G_TYPE_DOUBLE:
      return g_strdup (
          g_ascii_formatd (number, sizeof number, "%.15g", json_node_get_double (node)));
    case G_TYPE_BOOLEAN:
      return key->type == VP_OPTION_SWITCH
                 ? g_strdup (switch_word (key, json_node_get_boolean (node)))
                 : NULL;
    default:
      return NULL;
    }
}

static gboolean
has_text (const VpManifestSetting *self, const char *text)
{
  return g_ptr_array_find_with_equal_func (self->texts, text, g_str_equal, NULL);
}

static gboolean
add (VpManifestSetting *self, const VpTomlValue *value, const char *folder, GError **error)
{
  g_autofree char *where = vp_toml_file_where (value->file, value->path);
  g_autofree char *text = to_text (&self->key, value->node);
  g_autofree char *located = NULL;

  if (text == NULL)
    return vp_toml_value_refuse (value, error, "must be a string%s%s",
                                 self->key.type == VP_OPTION_TEXT ? "" : " or a number",
                                 self->key.type == VP_OPTION_SWITCH ? ", true or false" : "");
  if (self->is_axis && has_text (self, text))
    return vp_toml_value_refuse (value, error, "is there twice");

  located = vp_manifest_path_locate (self->key.option, text, folder);
  g_ptr_array_add (self->values, vp_setting_new (self->key.option, located, value->key, where));
  g_ptr_array_add (self->texts, g_steal_pointer (&text));
  return TRUE;
}

static gboolean
add_all (VpManifestSetting *self, const VpTomlValue *value, const char *folder, GError **error)
{
  JsonArray *array = json_node_get_array (value->node);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", value->path, i);
      const VpTomlValue element = {
        .file = value->file,
        .path = path,
        .key = value->key,
        .node = json_array_get_element (array, i),
      };

      if (!add (self, &element, folder, error))
        return FALSE;
    }
  return TRUE;
}

VpManifestSetting *
vp_manifest_setting_read (const VpManifestKey *key,
                          const VpTomlValue *value,
                          gboolean in_matrix,
                          const char *folder,
                          GError **error)
{
  g_autoptr (VpManifestSetting) self = setting_new (key, value->key);
  gboolean is_array = JSON_NODE_HOLDS_ARRAY (value->node);
  guint n = is_array ? json_array_get_length (json_node_get_array (value->node)) : 1;
  gboolean ok;

  if (in_matrix && (!is_array || n == 0))
    {
      vp_toml_value_refuse (value, error, "must be an array of what it is in turn");
      return NULL;
    }

  self->is_axis = in_matrix || (is_array && n > 0 && !key->repeats);
  if (g_str_equal (key->option, "steps"))
    ok = vp_manifest_steps_read (value, folder, self->values, error);
  else
    ok = is_array ? add_all (self, value, folder, error) : add (self, value, folder, error);
  return ok ? g_steal_pointer (&self) : NULL;
}

/* Its values that hold: all, or one. */
static void
get_range (const VpManifestSetting *self, guint choice, guint *first, guint *end)
{
  *first = self->is_axis ? choice : 0;
  *end = self->is_axis ? choice + 1 : self->values->len;
}

static gboolean
add_to_script (VpBootOptions *options, const VpSetting *setting, GError **error)
{
  VpStepKind kind = VP_STEP_EXPECT;
  VpStep *step;

  vp_step_kind_from_string (setting->option, &kind);
  step = vp_step_new (kind, setting->value, error);
  if (step == NULL)
    return FALSE;
  g_ptr_array_add (options->steps, step);
  return TRUE;
}

static gboolean
apply_value (const VpManifestSetting *self,
             const VpSetting *setting,
             VpConfig *config,
             VpBootOptions *options,
             GError **error)
{
  switch (self->key.kind)
    {
    case VP_MANIFEST_KEY_CONFIG:
      return vp_config_file_set (config, setting->value, error);
    case VP_MANIFEST_KEY_BOOT:
      return vp_boot_option_find (setting->option)->set (options, setting->value, error);
    case VP_MANIFEST_KEY_STEPS:
      return add_to_script (options, setting, error);
    case VP_MANIFEST_KEY_COMMAND:
    case VP_MANIFEST_KEY_VM:
    case VP_MANIFEST_KEY_NAME:
    case VP_MANIFEST_KEY_MATRIX:
      return TRUE;
    }
  return FALSE;
}

gboolean
vp_manifest_setting_apply (const VpManifestSetting *self,
                           guint choice,
                           VpConfig *config,
                           VpBootOptions *options,
                           GError **error)
{
  guint first, end;

  get_range (self, choice, &first, &end);
  for (guint i = first; i < end; i++)
    {
      const VpSetting *setting = self->values->pdata[i];

      /* It names the place by itself. */
      if (self->key.kind == VP_MANIFEST_KEY_VM &&
          !vp_config_take (config, vp_setting_copy (setting), error))
        return FALSE;
      if (vp_params_check_text (setting->value != NULL ? setting->value : "", error) &&
          apply_value (self, setting, config, options, error))
        continue;
      g_prefix_error (error, "%s: %s: ", setting->where, setting->key);
      return FALSE;
    }
  return TRUE;
}

static void
add_option (GPtrArray *argv, const char *option, const char *value)
{
  /* Else it would be taken for an option itself, or for the end of them. */
  if (value != NULL && value[0] == '-')
    {
      g_ptr_array_add (argv, g_strdup_printf ("--%s=%s", option, value));
      return;
    }
  g_ptr_array_add (argv, g_strconcat ("--", option, NULL));
  if (value != NULL)
    g_ptr_array_add (argv, g_strdup (value));
}

static void
add_step (GPtrArray *argv, const VpSetting *step)
{
  if (g_str_equal (step->option, "expect") || g_str_equal (step->option, "send"))
    {
      add_option (argv, step->option, step->value);
      return;
    }
  g_ptr_array_add (argv, g_strdup (step->option));
  if (step->value != NULL)
    g_ptr_array_add (argv, g_strdup (step->value));
}

void
vp_manifest_setting_add_words (const VpManifestSetting *self, guint choice, GPtrArray *argv)
{
  gboolean is_flag = self->key.kind == VP_MANIFEST_KEY_BOOT && self->key.type == VP_OPTION_SWITCH;
  guint first, end;

  get_range (self, choice, &first, &end);
  if (self->key.kind == VP_MANIFEST_KEY_COMMAND && first < end)
    g_ptr_array_add (argv, g_strdup ("--"));
  for (guint i = first; i < end; i++)
    {
      const VpSetting *setting = self->values->pdata[i];

      if (self->key.kind == VP_MANIFEST_KEY_STEPS)
        add_step (argv, setting);
      else if (self->key.kind == VP_MANIFEST_KEY_COMMAND)
        g_ptr_array_add (argv, g_strdup (setting->value));
      else if (!is_flag)
        add_option (argv, setting->option, setting->value);
      else if (g_str_equal (setting->value, "on"))
        add_option (argv, setting->option, NULL);
    }
}
