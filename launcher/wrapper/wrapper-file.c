#include "launcher/wrapper/wrapper-file.h"

#include "launcher/config/config-option.h"
#include "launcher/config/toml-value.h"
#include "launcher/wrapper/rule-table.h"

#define MAX_SECONDS 86400

static gboolean
set_qemu (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  const char *program;

  if (!vp_toml_value_get_string (value, &program, error))
    return FALSE;
  if (!g_path_is_absolute (program))
    return vp_toml_value_refuse (value, error, "must be an absolute path");

  g_free (config->qemu);
  config->qemu = g_strdup (program);
  return TRUE;
}

static gboolean
set_take_over (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  return vp_toml_value_get_boolean (value, &config->take_over, error);
}

static gboolean
set_unplug_timeout (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  return vp_toml_value_get_seconds (value, MAX_SECONDS, &config->unplug_timeout_ms, error);
}

static gboolean
set_attach_timeout (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  return vp_toml_value_get_seconds (value, MAX_SECONDS, &config->attach_timeout_ms, error);
}

/* What the command line takes under the name @option, too, is good here if it is there.
 * Returns: (transfer full) (nullable): a configuration with that option set; its text is @text */
static VpConfig *
set_as_option (const char *option, const VpTomlValue *value, char **text, GError **error)
{
  g_autoptr (VpConfig) scratch = vp_config_new ();
  g_autofree char *own = NULL;

  if (!vp_toml_value_get_text (value, &own, error))
    return NULL;
  if (!vp_config_option_find (option)->set (scratch, own, error))
    {
      vp_toml_value_prefix (value, error);
      return NULL;
    }
  if (text != NULL)
    *text = g_steal_pointer (&own);
  return g_steal_pointer (&scratch);
}

static gboolean
set_ready (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (VpConfig) scratch = set_as_option ("ready", value, &text, error);

  if (scratch == NULL)
    return FALSE;
  /* The console is the caller's, and so are the ports of virtio-serial. */
  if (scratch->ready.kind != VP_READY_NOW && scratch->ready.kind != VP_READY_AFTER)
    return vp_toml_value_refuse (value, error, "must be \"now\" or \"after:SECONDS\" here");

  g_free (config->ready);
  config->ready = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
set_large_bar (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  g_autoptr (VpConfig) scratch = set_as_option ("large-bar", value, NULL, error);

  if (scratch == NULL)
    return FALSE;
  config->large_bar = scratch->large_bar;
  return TRUE;
}

static gboolean
set_spare (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  g_autoptr (VpConfig) scratch = set_as_option ("spare", value, NULL, error);

  if (scratch == NULL)
    return FALSE;
  config->spare = scratch->spare;
  config->has_spare = TRUE;
  return TRUE;
}

static gboolean
set_spare_window (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  g_autoptr (VpConfig) scratch = set_as_option ("spare-window", value, NULL, error);

  if (scratch == NULL)
    return FALSE;
  config->spare_window = scratch->spare_window;
  return TRUE;
}

static gboolean
add_devices (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  g_auto (GStrv) specs = NULL;

  if (!vp_toml_value_get_strings (value, &specs, error))
    return FALSE;
  for (guint i = 0; specs[i] != NULL; i++)
    {
      g_autofree char *name =
          g_strdup_printf ("device %u of %s", i + 1, vp_toml_file_get_name (value->file));
      VpDeviceSpec *spec = vp_device_spec_parse (specs[i], error);
      VpDeviceRule *rule;

      if (spec == NULL)
        return vp_toml_value_prefix (value, error);
      rule = vp_device_rule_new (name);
      rule->spec = spec;
      g_ptr_array_add (config->rules, rule);
    }
  return TRUE;
}

static gboolean
add_rules (VpWrapperConfig *config, const VpTomlValue *value, GError **error)
{
  JsonArray *tables =
      JSON_NODE_HOLDS_ARRAY (value->node) ? json_node_get_array (value->node) : NULL;

  if (tables == NULL)
    return vp_toml_value_refuse (value, error, "must be tables: write [[rule]]");
  for (guint i = 0; i < json_array_get_length (tables); i++)
    {
      JsonNode *table = json_array_get_element (tables, i);
      VpDeviceRule *rule;

      if (!JSON_NODE_HOLDS_OBJECT (table))
        return vp_toml_value_refuse (value, error, "must be tables: write [[rule]]");
      rule = vp_rule_table_parse (value->file, i, json_node_get_object (table), config->warnings,
                                  error);
      if (rule == NULL)
        return FALSE;
      g_ptr_array_add (config->rules, rule);
    }
  return TRUE;
}

static const struct
{
  const char *key;
  gboolean (*set) (VpWrapperConfig *config, const VpTomlValue *value, GError **error);
} keys[] = {
  { "attach_timeout", set_attach_timeout },
  { "devices", add_devices },
  { "large_bar", set_large_bar },
  { "qemu", set_qemu },
  { "ready", set_ready },
  { "rule", add_rules },
  { "spare", set_spare },
  { "spare_window", set_spare_window },
  { "take_over", set_take_over },
  { "unplug_timeout", set_unplug_timeout },
};

static gboolean
set_key (const VpTomlValue *value, gpointer user_data, GError **error)
{
  VpWrapperConfig *config = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].key, value->key))
      return keys[i].set (config, value, error);

  vp_toml_value_warn_of_key (value, config->warnings, "there is no key");
  return TRUE;
}

gboolean
vp_wrapper_file_apply (VpTomlFile *file, VpWrapperConfig *config, GError **error)
{
  return vp_toml_value_for_each (file, NULL, vp_toml_file_get_root (file), set_key, config, error);
}
