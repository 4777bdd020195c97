#include "launcher/config/config-file.h"

#include "devices/byte-size.h"
#include "launcher/config/config-option.h"
#include "launcher/config/kata-settings.h"
#include "launcher/config/memory-block.h"
#include "launcher/config/own-table.h"
#include "launcher/error.h"

#include <errno.h>
#include <string.h>

#define DROP_INS "config.d"

/* More of them nobody reads, and a file may have a hundred thousand keys. */
#define MAX_WARNINGS 64

/* What all files say. */
typedef struct
{
  GPtrArray *files;    /* (element-type VpTomlFile): their levels are their indices */
  GPtrArray *settings; /* (element-type VpSetting) */
  VpSetting *image;    /* nullable */
  char *root;          /* nullable: what the kernel is told of it */
} Layers;

static void
toml_file_free (gpointer data)
{
  vp_toml_file_free (data);
}

static void
setting_free (gpointer data)
{
  vp_setting_free (data);
}

static Layers
layers_new (void)
{
  return (Layers){ .files = g_ptr_array_new_with_free_func (toml_file_free),
                   .settings = g_ptr_array_new_with_free_func (setting_free) };
}

static void
layers_clear (Layers *layers)
{
  g_ptr_array_unref (layers->files);
  g_ptr_array_unref (layers->settings);
  g_clear_pointer (&layers->image, vp_setting_free);
  g_clear_pointer (&layers->root, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Layers, layers_clear)

gboolean
vp_config_file_set (VpConfig *config, const char *path, GError **error)
{
  g_return_val_if_fail (config != NULL && path != NULL, FALSE);

  if (config->file != NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "--config is given twice");
      return FALSE;
    }
  config->file = g_strdup (path);
  return TRUE;
}

static gboolean
read_file (Layers *layers, const char *path, GError **error)
{
  VpTomlFile *file = vp_toml_file_read (path, error);

  if (file == NULL)
    return FALSE;
  g_ptr_array_add (layers->files, file);
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns: (transfer full) (element-type utf8) (nullable): sorted; none where there is no folder */
static GPtrArray *
list_drop_ins (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) why = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &why);
  const char *name;

  if (dir == NULL && g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer (&names);
  if (dir == NULL)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: cannot be read as a folder: %s", folder,
                   why->message);
      return NULL;
    }

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (names->len == VP_CONFIG_FILE_MAX_DROP_INS)
        {
          g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: more than %u files", folder,
                       VP_CONFIG_FILE_MAX_DROP_INS);
          return NULL;
        }
      g_ptr_array_add (names, g_strdup (name));
    }
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static gboolean
read_files (Layers *layers, const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *drop_ins = g_build_filename (folder, DROP_INS, NULL);
  g_autoptr (GPtrArray) names = NULL;

  if (!read_file (layers, path, error))
    return FALSE;

  names = list_drop_ins (drop_ins, error);
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (drop_ins, names->pdata[i], NULL);

      if (!read_file (layers, file, error))
        return FALSE;
    }
  return names != NULL;
}

static gboolean
read_layers (Layers *layers, VpConfig *config, const char *root, GError **error)
{
  g_autoptr (VpKataValues) values = vp_kata_values_new ();
  g_autoptr (VpSysfs) sysfs = NULL;
  VpHostSize host;

  for (guint i = 0; i < layers->files->len; i++)
    if (!vp_own_table_add (layers->files->pdata[i], i, layers->settings, config->warnings, error) ||
        !vp_kata_values_add_file (values, layers->files->pdata[i], i, config->warnings, error))
      return FALSE;
  if (!vp_kata_values_check (values, config->warnings, error))
    return FALSE;

  sysfs = vp_sysfs_open (root, error);
  if (sysfs == NULL)
    return FALSE;
  vp_host_size_read (sysfs, &host);
  if (!vp_kata_settings_add (values, &host, layers->settings, error))
    return FALSE;
  layers->image = vp_kata_settings_get_image (values, &layers->root);
  return TRUE;
}

/* The one that beats all others of the option; those of one array are equals. */
static const VpSetting *
find_best (const GPtrArray *settings, const char *option)
{
  const VpSetting *best = NULL;

  for (guint i = 0; i < settings->len; i++)
    {
      const VpSetting *setting = settings->pdata[i];

      if (g_str_equal (setting->option, option) &&
          (best == NULL || setting->level > best->level ||
           (setting->level == best->level && setting->is_own && !best->is_own)))
        best = setting;
    }
  return best;
}

static gboolean
is_none (const VpSetting *setting)
{
  return g_str_equal (setting->option, "nic") && g_str_equal (setting->value, "none");
}

static gboolean
take_typed (VpConfig *config, const GPtrArray *typed, const char *option, GError **error)
{
  for (guint i = 0; i < typed->len; i++)
    {
      const VpSetting *setting = typed->pdata[i];

      if (g_str_equal (setting->option, option) &&
          !vp_config_take (config, vp_setting_copy (setting), error))
        return FALSE;
    }
  return TRUE;
}

/* The network cards that are typed are added to those of the files, but "none" is a last word. */
static gboolean
is_overruled (const VpSetting *setting, const GPtrArray *typed)
{
  gboolean has_nic = FALSE, has_none = FALSE;

  for (guint i = 0; i < typed->len; i++)
    {
      has_nic |= g_str_equal (((VpSetting *) typed->pdata[i])->option, "nic");
      has_none |= is_none (typed->pdata[i]);
    }
  return g_str_equal (setting->option, "nic") && (has_none || (has_nic && is_none (setting)));
}

static gboolean
take_filed (VpConfig *config,
            const GPtrArray *settings,
            const GPtrArray *typed,
            const VpConfigOption *option,
            GError **error)
{
  const VpSetting *best = find_best (settings, option->name);

  for (guint i = 0; best != NULL && i < settings->len; i++)
    {
      const VpSetting *setting = settings->pdata[i];

      if (g_str_equal (setting->option, option->name) && setting->level == best->level &&
          setting->is_own == best->is_own && !is_overruled (setting, typed) &&
          !vp_config_take (config, vp_setting_copy (setting), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_typed (const GPtrArray *typed, const char *option)
{
  for (guint i = 0; i < typed->len; i++)
    if (g_str_equal (((VpSetting *) typed->pdata[i])->option, option))
      return TRUE;
  return FALSE;
}

static gboolean
is_limit (const Layers *layers, const GPtrArray *typed, const char *option)
{
  const VpSetting *best = find_best (layers->settings, option);

  return best != NULL && best->is_limit && !is_typed (typed, option);
}

static gboolean
take_option (VpConfig *config,
             const Layers *layers,
             const GPtrArray *typed,
             const VpConfigOption *option,
             GError **error)
{
  if (is_limit (layers, typed, option->name))
    return TRUE;
  if (g_str_equal (option->name, "disk") && layers->image != NULL &&
      !vp_config_take (config, vp_setting_copy (layers->image), error))
    return FALSE;
  if ((option->repeats || !is_typed (typed, option->name)) &&
      !take_filed (config, layers->settings, typed, option, error))
    return FALSE;
  return take_typed (config, typed, option->name, error);
}

static gboolean
has_root (const char *append)
{
  g_auto (GStrv) words = g_strsplit (append, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (g_str_has_prefix (*word, "root="))
      return TRUE;
  return FALSE;
}

/* What kata has for a kernel is of no use without one; its files may leave out that key. */
static gboolean
check_kernel (const VpConfig *config, GError **error)
{
  for (guint i = 0; config->kernel == NULL && i < config->settings->len; i++)
    {
      const VpSetting *setting = config->settings->pdata[i];

      if (setting->where == NULL || setting->is_own ||
          (!g_str_equal (setting->option, "append") && !g_str_equal (setting->option, "initrd") &&
           !g_str_equal (setting->option, "disk")))
        continue;
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: %s: is given without kernel",
                   setting->where, setting->key);
      return FALSE;
    }
  return TRUE;
}

static gboolean
take_root (VpConfig *config, const Layers *layers, GError **error)
{
  if (layers->image == NULL)
    return TRUE;

  for (guint i = 0; i < config->settings->len; i++)
    {
      VpSetting *setting = config->settings->pdata[i];
      char *both;

      if (!g_str_equal (setting->option, "append"))
        continue;
      if (has_root (setting->value))
        return TRUE;
      both = g_strconcat (layers->root, setting->value[0] != '\0' ? " " : "", setting->value, NULL);
      g_free (setting->value);
      setting->value = both;
      g_free (config->append);
      config->append = g_strdup (both);
      return TRUE;
    }
  return vp_config_take (
      config, vp_setting_new ("append", layers->root, layers->image->key, layers->image->where),
      error);
}

static gboolean
take_bounded (VpConfig *config, const VpSetting *limit, const char *value, GError **error)
{
  VpSetting *setting = vp_setting_copy (limit);

  g_free (setting->value);
  setting->value = g_strdup (value);
  return vp_config_take (config, setting, error);
}

static gboolean
take_max_cpus (VpConfig *config, const VpSetting *limit, GError **error)
{
  return g_ascii_strtoull (limit->value, NULL, 10) <= config->smp ||
         take_bounded (config, limit, limit->value, error);
}

/* The host's RAM is rarely a whole number of blocks more than the VM's. */
static gboolean
take_max_memory (VpConfig *config, const VpSetting *limit, GError **error)
{
  g_autofree char *value = NULL;
  guint64 max, block;

  if (!vp_byte_size_parse (limit->value, &max, error))
    return FALSE;
  if (max <= config->memory)
    return TRUE;
  block = vp_memory_block (config->memory, max);
  if (max - config->memory < block)
    return TRUE;

  max = config->memory + (max - config->memory) / block * block;
  value = g_strdup_printf ("%" G_GUINT64_FORMAT "M", max >> 20);
  return take_bounded (config, limit, value, error);
}

/* Kata's bounds are for what may come later, so they give way to what the VM starts with. */
static gboolean
take_limits (VpConfig *config, const Layers *layers, const GPtrArray *typed, GError **error)
{
  if (config->numa > 1)
    return TRUE;
  if (is_limit (layers, typed, "max-cpus") &&
      !take_max_cpus (config, find_best (layers->settings, "max-cpus"), error))
    return FALSE;
  return !is_limit (layers, typed, "max-memory") ||
         take_max_memory (config, find_best (layers->settings, "max-memory"), error);
}

static gboolean
take_all (VpConfig *config, const Layers *layers, const GPtrArray *typed, GError **error)
{
  const VpConfigOption *option;

  for (guint i = 0; (option = vp_config_option_get (i)) != NULL; i++)
    if (!take_option (config, layers, typed, option, error))
      return FALSE;
  return check_kernel (config, error) && take_root (config, layers, error) &&
         take_limits (config, layers, typed, error);
}

static void
cut_warnings (GPtrArray *warnings)
{
  guint n = warnings->len;

  if (n <= MAX_WARNINGS)
    return;
  g_ptr_array_set_size (warnings, MAX_WARNINGS);
  g_ptr_array_add (warnings, g_strdup_printf ("and %u more of what the files say is not heeded",
                                              n - MAX_WARNINGS));
}

gboolean
vp_config_file_apply (VpConfig *config, const char *root, GError **error)
{
  g_auto (Layers) layers = layers_new ();
  g_autoptr (VpConfig) fresh = vp_config_new ();
  VpConfig old;

  g_return_val_if_fail (config != NULL && root != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (config->file == NULL)
    return TRUE;
  if (!read_files (&layers, config->file, error) || !read_layers (&layers, fresh, root, error) ||
      !take_all (fresh, &layers, config->settings, error))
    return FALSE;

  cut_warnings (fresh->warnings);
  fresh->file = g_strdup (config->file);
  fresh->qemu_args = g_steal_pointer (&config->qemu_args);
  old = *config;
  *config = *fresh;
  *fresh = old;
  return TRUE;
}
