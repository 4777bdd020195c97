#include "launcher/config/config.h"

#include "launcher/config/config-option.h"
#include "launcher/config/params.h"
#include "launcher/error.h"

#define DEFAULT_MEMORY (G_GUINT64_CONSTANT (1) << 30)
#define DEFAULT_SPARE  4

static void
disk_free (gpointer data)
{
  vp_disk_free (data);
}

static void
nic_free (gpointer data)
{
  vp_nic_free (data);
}

static void
share_free (gpointer data)
{
  vp_share_free (data);
}

static void
setting_free (gpointer data)
{
  vp_setting_free (data);
}

static void
device_spec_free (gpointer data)
{
  vp_device_spec_free (data);
}

VpConfig *
vp_config_new (void)
{
  VpConfig *config = g_new0 (VpConfig, 1);

  config->machine = VP_MACHINE_Q35;
  config->accel = VP_ACCEL_AUTO;
  config->smp = 1;
  config->memory = DEFAULT_MEMORY;
  config->numa = 1;
  config->firmware = VP_FIRMWARE_SEABIOS;
  config->disks = g_ptr_array_new_with_free_func (disk_free);
  config->nics = g_ptr_array_new_with_free_func (nic_free);
  config->shares = g_ptr_array_new_with_free_func (share_free);
  config->devices = g_ptr_array_new_with_free_func (device_spec_free);
  config->large_bar = VP_PLAN_DEFAULT_LARGE_BAR;
  config->spare = DEFAULT_SPARE;
  config->hotplug_mode = VP_HOTPLUG_ACPI;
  config->ready.kind = VP_READY_NOW;
  config->qemu = g_strdup ("qemu-system-x86_64");
  config->settings = g_ptr_array_new_with_free_func (setting_free);
  config->warnings = g_ptr_array_new_with_free_func (g_free);
  config->given = g_hash_table_new (g_str_hash, g_str_equal);
  return config;
}

void
vp_config_free (VpConfig *config)
{
  if (config == NULL)
    return;

  g_free (config->name);
  g_free (config->cpu);
  g_free (config->cpu_features);
  g_free (config->firmware_path);
  g_free (config->firmware_version);
  g_free (config->kernel);
  g_free (config->initrd);
  g_free (config->append);
  g_ptr_array_unref (config->disks);
  g_ptr_array_unref (config->nics);
  g_ptr_array_unref (config->shares);
  g_ptr_array_unref (config->devices);
  g_clear_pointer (&config->ready.pattern, g_regex_unref);
  g_free (config->ready.port);
  g_free (config->qemu);
  g_strfreev (config->qemu_args);
  g_free (config->file);
  g_ptr_array_unref (config->settings);
  g_ptr_array_unref (config->warnings);
  g_hash_table_unref (config->given);
  g_free (config);
}

gboolean
vp_config_shares_memory (const VpConfig *config)
{
  for (guint i = 0; i < config->devices->len; i++)
    if (((const VpDeviceSpec *) config->devices->pdata[i])->kind == VP_DEVICE_SPEC_VFIO_USER)
      return TRUE;

  return config->shared_memory;
}

char *
vp_config_full_cpu (const VpConfig *config, const char *model)
{
  if (config->cpu_features == NULL)
    return g_strdup (config->cpu);
  return g_strconcat (config->cpu != NULL ? config->cpu : model, ",", config->cpu_features, NULL);
}

static gboolean
set (VpConfig *config, const VpConfigOption *option, const VpSetting *setting, GError **error)
{
  gboolean is_typed = setting->where == NULL;

  /* The table owns the names, so the set need not copy them. */
  if (!g_hash_table_add (config->given, (gpointer) option->name) && !option->repeats)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s is given twice", option->name);
      return FALSE;
    }
  if (vp_params_check_text (setting->value, error) && option->set (config, setting->value, error))
    return TRUE;

  if (is_typed)
    g_prefix_error (error, "--%s: ", option->name);
  else
    g_prefix_error (error, "%s: %s: ", setting->where, setting->key);
  return FALSE;
}

gboolean
vp_config_take (VpConfig *config, VpSetting *setting, GError **error)
{
  const VpConfigOption *option;

  g_return_val_if_fail (config != NULL && setting != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  option = vp_config_option_find (setting->option);
  g_ptr_array_add (config->settings, setting);
  if (option == NULL)
    return vp_error_refuse (error, setting->option, "is not an option");
  return set (config, option, setting, error);
}

gboolean
vp_config_set (VpConfig *config, const char *name, const char *value, GError **error)
{
  g_return_val_if_fail (config != NULL && name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (value == NULL && vp_config_option_find (name) != NULL)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s needs a value", name);
      return FALSE;
    }
  return vp_config_take (config, vp_setting_new (name, value, NULL, NULL), error);
}

gboolean
vp_config_set_qemu_args (VpConfig *config, char **args, GError **error)
{
  static const char *const refused[] = { "daemonize", "S",        "sandbox", "pidfile",
                                         "runas",     "run-with", "chroot",  "incoming",
                                         "preconfig", "machine",  "M",       "nodefaults",
                                         NULL };

  g_return_val_if_fail (config != NULL && config->qemu_args == NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  for (guint i = 0; args != NULL && args[i] != NULL; i++)
    {
      const char *name = args[i];

      if (!vp_params_check_text (name, error))
        {
          g_prefix_error (error, "argument %u for QEMU: ", i + 1);
          return FALSE;
        }
      if (name[0] != '-')
        continue;

      name += name[1] == '-' ? 2 : 1;
      if (g_strv_contains (refused, name))
        return vp_error_refuse (error, args[i],
                                "cannot be handed to QEMU: vmplug sets it or depends on it");
    }

  config->qemu_args = g_strdupv (args);
  return TRUE;
}
