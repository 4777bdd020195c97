#include "launcher/boottest/manifest.h"

#include "launcher/boottest/manifest-setting.h"
#include "launcher/boottest/matrix.h"
#include "launcher/boottest/test-claims.h"
#include "launcher/config/config-file.h"
#include "launcher/error.h"

typedef struct
{
  VpTomlFile *file;
  const char *folder;
  const char *root;
  GPtrArray *cases;
  GPtrArray *defaults; /* (element-type VpManifestSetting) */
} Reader;

/* A table in the making. */
typedef struct
{
  const Reader *reader;
  gboolean is_case;
  gboolean in_matrix;
  const char *name; /* nullable */
  GPtrArray *settings;
} Table;

static void
setting_free (gpointer data)
{
  vp_manifest_setting_free (data);
}

static GPtrArray *
settings_new (void)
{
  return g_ptr_array_new_with_free_func (setting_free);
}

static gboolean set_key (const VpTomlValue *value, gpointer user_data, GError **error);

static gboolean
refuse_unknown (const VpTomlValue *value, GError **error)
{
  g_autofree char *meant = vp_manifest_key_suggest (value->key);

  if (meant != NULL)
    return vp_toml_value_refuse (value, error, "is no key; %s is one", meant);
  return vp_toml_value_refuse (value, error, "is no key; vmplug-test.toml(5) has the list");
}

static gboolean
set_name (Table *table, const VpTomlValue *value, GError **error)
{
  if (!table->is_case || table->in_matrix)
    return vp_toml_value_refuse (value, error, "only a [[case]] has one");
  return vp_toml_value_get_string (value, &table->name, error);
}

static gboolean
set_matrix (Table *table, const VpTomlValue *value, GError **error)
{
  Table inner = *table;

  if (table->in_matrix || !JSON_NODE_HOLDS_OBJECT (value->node))
    return vp_toml_value_refuse (value, error,
                                 "must be a table: matrix.machine = [\"q35\", \"pc\"]");

  inner.in_matrix = TRUE;
  return vp_toml_value_for_each (value->file, value->path, json_node_get_object (value->node),
                                 set_key, &inner, error);
}

/* Of what can be set only once: steps are that, however they are written. */
static gboolean
is_same (const VpManifestKey *a, const VpManifestKey *b)
{
  return a->kind == b->kind &&
         (a->kind == VP_MANIFEST_KEY_STEPS || g_str_equal (a->option, b->option));
}

static const VpManifestSetting *
find (const GPtrArray *settings, const VpManifestKey *key)
{
  for (guint i = 0; i < settings->len; i++)
    {
      const VpManifestSetting *setting = settings->pdata[i];

      if (is_same (&setting->key, key))
        return setting;
    }
  return NULL;
}

static gboolean
set_key (const VpTomlValue *value, gpointer user_data, GError **error)
{
  Table *table = user_data;
  const VpManifestSetting *other;
  VpManifestSetting *setting;
  VpManifestKey key;

  if (!vp_manifest_key_find (value->key, &key))
    return refuse_unknown (value, error);
  if (key.kind == VP_MANIFEST_KEY_NAME)
    return set_name (table, value, error);
  if (key.kind == VP_MANIFEST_KEY_MATRIX)
    return set_matrix (table, value, error);
  if (table->in_matrix &&
      (key.kind == VP_MANIFEST_KEY_COMMAND || g_str_equal (key.option, "steps")))
    return vp_toml_value_refuse (value, error, "cannot be in a matrix");

  other = find (table->settings, &key);
  if (other != NULL)
    return vp_toml_value_refuse (value, error, "is set by %s already", other->name);
  setting = vp_manifest_setting_read (&key, value, table->in_matrix, table->reader->folder, error);
  if (setting == NULL)
    return FALSE;
  g_ptr_array_add (table->settings, setting);
  return TRUE;
}

/* Returns: (transfer container) (element-type VpManifestSetting): what holds in a case */
static GPtrArray *
merge (const GPtrArray *defaults, const GPtrArray *own)
{
  GPtrArray *merged = g_ptr_array_new ();

  for (guint i = 0; i < defaults->len; i++)
    if (find (own, &((VpManifestSetting *) defaults->pdata[i])->key) == NULL)
      g_ptr_array_add (merged, defaults->pdata[i]);
  g_ptr_array_extend (merged, (GPtrArray *) own, NULL, NULL);
  return merged;
}

static GArray *
get_axes (const GPtrArray *settings)
{
  GArray *axes = g_array_new (FALSE, FALSE, sizeof (VpMatrixAxis));

  for (guint i = 0; i < settings->len; i++)
    {
      const VpManifestSetting *setting = settings->pdata[i];
      const VpMatrixAxis axis = { setting->name, setting->texts };

      if (setting->is_axis)
        g_array_append_val (axes, axis);
    }
  return axes;
}

/* The values of the options that vary, in the order of @settings; 0 for the others. */
static guint *
get_choices (const GPtrArray *settings, const GArray *axes, guint point)
{
  guint *choices = g_new0 (guint, settings->len + 1);
  guint axis = 0;

  for (guint i = 0; i < settings->len; i++)
    if (((VpManifestSetting *) settings->pdata[i])->is_axis)
      choices[i] = vp_matrix_choice (axes, point, axis++);
  return choices;
}

static const VpManifestKeyKind order[] = { VP_MANIFEST_KEY_CONFIG, VP_MANIFEST_KEY_VM,
                                           VP_MANIFEST_KEY_BOOT, VP_MANIFEST_KEY_STEPS,
                                           VP_MANIFEST_KEY_COMMAND };

static char **
make_argv (const GPtrArray *settings, const guint *choices)
{
  GPtrArray *argv = g_ptr_array_new ();

  g_ptr_array_add (argv, g_strdup ("vmplug"));
  g_ptr_array_add (argv, g_strdup ("boot"));
  for (guint kind = 0; kind < G_N_ELEMENTS (order); kind++)
    for (guint i = 0; i < settings->len; i++)
      {
        const VpManifestSetting *setting = settings->pdata[i];

        if (setting->key.kind == order[kind])
          vp_manifest_setting_add_words (setting, choices[i], argv);
      }
  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (argv, FALSE);
}

/* What vmplug boot would have against it, whatever the host has. */
static gboolean
check (VpConfig *config, VpBootOptions *options, char **argv, const char *root, GError **error)
{
  guint n = 0;

  while (argv[n] != NULL && !g_str_equal (argv[n], "--"))
    n++;
  if (argv[n] != NULL)
    options->command = g_strdupv (argv + n + 1);
  /* The folder of artifacts is whoever runs them to give. */
  if (options->artifacts == NULL)
    options->artifacts = g_strdup (".");

  if (!vp_config_file_apply (config, root, error) || !vp_boot_options_check (options, error))
    return FALSE;
  if (config->kernel != NULL || (config->initrd == NULL && config->append == NULL))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s is given without kernel",
               config->initrd != NULL ? "initrd" : "append");
  return FALSE;
}

static gboolean
add_case (const Table *table,
          const GPtrArray *settings,
          const GArray *axes,
          guint point,
          const VpTomlValue *itself,
          GError **error)
{
  g_autofree guint *choices = get_choices (settings, axes, point);
  g_autoptr (VpTestCase) made = g_new0 (VpTestCase, 1);
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();

  for (guint i = 0; i < settings->len; i++)
    if (!vp_manifest_setting_apply (settings->pdata[i], choices[i], config, options, error))
      return FALSE;

  made->name = vp_matrix_name (axes, point, table->name);
  made->manifest = g_strdup (vp_toml_file_get_name (itself->file));
  made->place = vp_toml_file_where (itself->file, itself->path);
  made->argv = make_argv (settings, choices);
  if (!check (config, options, made->argv, table->reader->root, error))
    {
      g_prefix_error (error, "%s: %s: ", made->place, made->name);
      return FALSE;
    }
  made->claims = vp_test_claims_of (config, options);
  made->cpus = config->smp;
  made->accel = config->accel;
  made->dumps_memory = options->dump_memory;
  g_ptr_array_add (table->reader->cases, g_steal_pointer (&made));
  return TRUE;
}

static gboolean
add_cases (const Reader *reader, const VpTomlValue *value, GError **error)
{
  g_autoptr (GPtrArray) own = settings_new ();
  g_autoptr (GPtrArray) settings = NULL;
  g_autoptr (GArray) axes = NULL;
  Table table = { .reader = reader, .is_case = TRUE, .settings = own };
  guint size;

  if (!JSON_NODE_HOLDS_OBJECT (value->node))
    return vp_toml_value_refuse (value, error, "must be tables: write [[case]]");
  if (!vp_toml_value_for_each (value->file, value->path, json_node_get_object (value->node),
                               set_key, &table, error))
    return FALSE;
  if (table.name == NULL)
    return vp_toml_value_refuse (value, error, "has no name");

  settings = merge (reader->defaults, own);
  axes = get_axes (settings);
  size = vp_matrix_size (axes);
  if (size > VP_TEST_CASE_MAX - reader->cases->len)
    return vp_toml_value_refuse (value, error, "makes more than %u cases of it all",
                                 VP_TEST_CASE_MAX);
  for (guint point = 0; point < size; point++)
    if (!add_case (&table, settings, axes, point, value, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_defaults (Reader *reader, JsonObject *root, GError **error)
{
  JsonNode *node = json_object_get_member (root, "defaults");
  const VpTomlValue value = { reader->file, "defaults", "defaults", node };
  Table table = { .reader = reader, .settings = reader->defaults };

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return vp_toml_value_refuse (&value, error, "must be a table: write [defaults]");
  return vp_toml_value_for_each (reader->file, value.path, json_node_get_object (node), set_key,
                                 &table, error);
}

/* They may stand before the defaults, which hold for all of them. */
static gboolean
read_cases (const Reader *reader, JsonObject *root, GError **error)
{
  JsonNode *node = json_object_get_member (root, "case");
  const VpTomlValue value = { reader->file, "case", "case", node };
  JsonArray *array;

  if (node != NULL && !JSON_NODE_HOLDS_ARRAY (node))
    return vp_toml_value_refuse (&value, error, "must be tables: write [[case]]");

  array = node != NULL ? json_node_get_array (node) : NULL;
  if (array == NULL || json_array_get_length (array) == 0)
    return vp_toml_value_refuse (&value, error, "there is none: write [[case]]");
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("case[%u]", i);
      const VpTomlValue each = { reader->file, path, "case", json_array_get_element (array, i) };

      if (!add_cases (reader, &each, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_table (const VpTomlValue *value, gpointer user_data, GError **error)
{
  VpManifestKey key;

  if (g_str_equal (value->key, "defaults") || g_str_equal (value->key, "case"))
    return TRUE;
  if (vp_manifest_key_find (value->key, &key))
    return vp_toml_value_refuse (value, error, "belongs in [defaults] or in a [[case]]");
  return vp_toml_value_refuse (value, error,
                               "is nothing of a manifest: that has [defaults] and "
                               "[[case]]");
}

gboolean
vp_manifest_add (
    VpTomlFile *file, const char *folder, const char *root, GPtrArray *cases, GError **error)
{
  g_autoptr (GPtrArray) defaults = settings_new ();
  Reader reader = { file, folder, root, cases, defaults };
  JsonObject *table = vp_toml_file_get_root (file);

  return vp_toml_value_for_each (file, NULL, table, check_table, NULL, error) &&
         read_defaults (&reader, table, error) && read_cases (&reader, table, error);
}

gboolean
vp_manifest_read (const char *path, const char *root, GPtrArray *cases, GError **error)
{
  g_autoptr (VpTomlFile) file = NULL;
  g_autofree char *folder = NULL;

  g_return_val_if_fail (path != NULL && root != NULL && cases != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  file = vp_toml_file_read (path, error);
  if (file == NULL)
    return FALSE;
  folder = g_path_get_dirname (path);
  return vp_manifest_add (file, folder, root, cases, error);
}
