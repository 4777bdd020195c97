#include "launcher/wrapper/wrapper-config.h"

#include "devices/quote.h"
#include "launcher/config/config.h"
#include "launcher/config/vm-name.h"
#include "launcher/error.h"
#include "launcher/wrapper/device-rule.h"
#include "launcher/wrapper/file-trust.h"
#include "launcher/wrapper/real-qemu.h"
#include "launcher/wrapper/wrapper-file.h"

#include <errno.h>
#include <gio/gio.h>

#define FOLDER    "etc/vmplug"
#define MAIN_FILE "wrapper.toml"
#define DROP_INS  "wrapper.d"
#define SANDBOXES "sandboxes"
#define SUFFIX    ".toml"

#define UNPLUG_TIMEOUT_MS 30000
#define ATTACH_TIMEOUT_MS 3000

VpWrapperConfig *
vp_wrapper_config_new (void)
{
  g_autoptr (VpConfig) defaults = vp_config_new ();
  VpWrapperConfig *self = g_new0 (VpWrapperConfig, 1);

  self->unplug_timeout_ms = UNPLUG_TIMEOUT_MS;
  self->attach_timeout_ms = ATTACH_TIMEOUT_MS;
  self->ready = g_strdup ("now");
  self->large_bar = defaults->large_bar;
  self->spare = defaults->spare;
  self->spare_window = defaults->spare_window;
  self->rules = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_device_rule_free);
  self->warnings = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
vp_wrapper_config_free (VpWrapperConfig *self)
{
  if (self == NULL)
    return;

  g_free (self->qemu);
  g_free (self->ready);
  g_ptr_array_unref (self->rules);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

/* Returns: whether @path is there and can be believed; when it is not there, @error is not set */
static gboolean
is_there (const char *path, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (vp_file_trust_check (path, &why))
    return TRUE;
  if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* Nobody may exchange the file between the look at it and its reading: its folder is looked at,
 * too. */
static gboolean
read_file (VpWrapperConfig *self, const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) why = NULL;
  g_autoptr (VpTomlFile) file = NULL;

  if (!is_there (folder, &why) || !is_there (path, &why))
    {
      if (why == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }

  file = vp_toml_file_read (path, error);
  return file != NULL && vp_wrapper_file_apply (file, self, error);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* Editors hide their copies behind a dot. */
static gboolean
is_drop_in (const char *name)
{
  return g_str_has_suffix (name, SUFFIX) && name[0] != '.';
}

static gboolean
read_drop_ins (VpWrapperConfig *self, const char *folder, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &why);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL && !g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST, why->message);
      return FALSE;
    }
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_drop_in (name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    if (!read_file (self, folder, names->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
read_sandbox (VpWrapperConfig *self, const char *folder, const char *sandbox, GError **error)
{
  g_autofree char *path = g_build_filename (folder, SANDBOXES, NULL);
  g_autofree char *name = g_strconcat (sandbox, SUFFIX, NULL);

  /* Such a name has no slash, and starts with a letter: it stays in the folder. */
  if (vp_vm_name_is_valid (sandbox))
    return read_file (self, path, name, error);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_autofree char *quoted = vp_quote (sandbox);

      g_ptr_array_add (
          self->warnings,
          g_strdup_printf ("%s is not " VP_VM_NAME_GRAMMAR ": it has no file in %s", quoted, path));
    }
  return TRUE;
}

static gboolean
read_main (VpWrapperConfig *self, const char *folder, GError **error)
{
  const char *instead = g_getenv (VP_WRAPPER_CONFIG_VARIABLE);
  g_autofree char *parent = NULL;
  g_autofree char *name = NULL;

  if (instead == NULL || instead[0] == '\0')
    return read_file (self, folder, MAIN_FILE, error);

  if (!g_path_is_absolute (instead))
    return vp_error_refuse (error, instead,
                            "is not an absolute path (" VP_WRAPPER_CONFIG_VARIABLE ")");
  if (!g_file_test (instead, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                   "%s: %s, which " VP_WRAPPER_CONFIG_VARIABLE " names: make it, or unset that",
                   instead, g_strerror (ENOENT));
      return FALSE;
    }
  parent = g_path_get_dirname (instead);
  name = g_path_get_basename (instead);
  return read_file (self, parent, name, error);
}

static gboolean
read_all (VpWrapperConfig *self, const char *root, const char *sandbox, GError **error)
{
  g_autofree char *folder = g_build_filename (root, FOLDER, NULL);
  g_autofree char *drop_ins = g_build_filename (folder, DROP_INS, NULL);
  g_autoptr (GError) why = NULL;

  if (!read_main (self, folder, error))
    return FALSE;
  if (!is_there (folder, &why))
    {
      if (why == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  return read_drop_ins (self, drop_ins, error) &&
         (sandbox == NULL || read_sandbox (self, folder, sandbox, error));
}

static gboolean
find_qemu (VpWrapperConfig *self, GError **error)
{
  if (self->qemu == NULL)
    self->qemu = vp_real_qemu_find (g_getenv ("PATH"), error);
  else if (!vp_real_qemu_check (self->qemu, error))
    {
      g_prefix_error (error, "qemu: ");
      return FALSE;
    }
  return self->qemu != NULL;
}

VpWrapperConfig *
vp_wrapper_config_read (const char *root, const char *sandbox, GError **error)
{
  g_autoptr (VpWrapperConfig) self = vp_wrapper_config_new ();

  g_return_val_if_fail (root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!read_all (self, root, sandbox, error) || !find_qemu (self, error))
    return NULL;
  return g_steal_pointer (&self);
}
