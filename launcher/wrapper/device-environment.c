#include "launcher/wrapper/device-environment.h"

#include "devices/quote.h"
#include "launcher/config/device-spec.h"

#include <stdlib.h>
#include <string.h>

#define INFO_SUFFIX "_INFO"

/* A variable that a device plugin sets: its prefix, and what it lists. The first that fits counts:
 * one prefix is the end of the other, not its beginning. */
static const struct
{
  const char *prefix;
  VpDeviceRefKind kind;
  const char *what;
} plugins[] = {
  { "PCIDEVICE_", VP_DEVICE_REF_PCI, "PCI address" },
  { "PCI_RESOURCE_", VP_DEVICE_REF_PCI, "PCI address" },
  { "MDEV_PCI_RESOURCE_", VP_DEVICE_REF_MDEV, "UUID of a mediated device" },
};

static VpDeviceEnvironment *
environment_new (void)
{
  VpDeviceEnvironment *self = g_new (VpDeviceEnvironment, 1);

  self->specs = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_device_spec_free);
  self->reasons = g_ptr_array_new_with_free_func (g_free);
  self->warnings = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
vp_device_environment_free (VpDeviceEnvironment *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->specs);
  g_ptr_array_unref (self->reasons);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

/* Takes @spec, unless there is one with that text already. */
static void
add (VpDeviceEnvironment *self, VpDeviceSpec *spec, const char *name)
{
  for (guint i = 0; i < self->specs->len; i++)
    if (g_str_equal (((VpDeviceSpec *) self->specs->pdata[i])->text, spec->text))
      {
        vp_device_spec_free (spec);
        return;
      }

  g_ptr_array_add (self->specs, spec);
  g_ptr_array_add (self->reasons, g_strdup (name));
}

static gboolean
add_own (VpDeviceEnvironment *self, const char *value, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (value, " \t\r\n;", -1);

  for (char **word = words; *word != NULL; word++)
    {
      VpDeviceSpec *spec;

      if ((*word)[0] == '\0')
        continue;
      spec = vp_device_spec_parse (*word, error);
      if (spec == NULL)
        {
          g_prefix_error_literal (error, VP_DEVICE_ENVIRONMENT_OWN ": ");
          return FALSE;
        }
      add (self, spec, VP_DEVICE_ENVIRONMENT_OWN);
    }
  return TRUE;
}

/* One spelling for one device: two plugins may write the same address in two ways. */
static VpDeviceSpec *
parse_ref (const char *word, VpDeviceRefKind kind)
{
  g_autofree char *text = NULL;
  VpDeviceRef ref;

  if (!vp_device_ref_parse (word, &ref, NULL) || ref.kind != kind)
    return NULL;
  text = vp_device_ref_to_string (&ref);
  return vp_device_spec_parse (text, NULL);
}

static void
add_plugin (VpDeviceEnvironment *self, guint plugin, const char *name, const char *value)
{
  g_auto (GStrv) words = g_strsplit (value, ",", -1);

  for (char **word = words; *word != NULL; word++)
    {
      VpDeviceSpec *spec;

      g_strstrip (*word);
      if ((*word)[0] == '\0')
        continue;
      spec = parse_ref (*word, plugins[plugin].kind);
      if (spec != NULL)
        add (self, spec, name);
      else
        {
          g_autofree char *shown_name = vp_quote (name);
          g_autofree char *shown = vp_quote (*word);

          g_ptr_array_add (self->warnings,
                           g_strdup_printf ("%s: %s is no %s, and left out", shown_name, shown,
                                            plugins[plugin].what));
        }
    }
}

/* PCIDEVICE_RESOURCE_INFO is about the devices of PCIDEVICE_RESOURCE, unless there is a resource
 * that is called so. */
static gboolean
is_document (const char *name, const char *value)
{
  return g_str_has_prefix (name, plugins[0].prefix) && g_str_has_suffix (name, INFO_SUFFIX) &&
         value[0] == '{';
}

static void
add_entry (VpDeviceEnvironment *self, const char *entry)
{
  gsize length = strcspn (entry, "=");
  g_autofree char *name = g_strndup (entry, length);
  const char *value = entry + length + 1;

  if (entry[length] == '\0')
    return;
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++)
    if (g_str_has_prefix (name, plugins[i].prefix) && !is_document (name, value))
      {
        add_plugin (self, i, name, value);
        return;
      }
}

static int
compare_entries (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

VpDeviceEnvironment *
vp_device_environment_parse (const char *const *environment, GError **error)
{
  g_autoptr (VpDeviceEnvironment) self = environment_new ();
  guint n = environment != NULL ? g_strv_length ((char **) environment) : 0;
  g_autofree const char **sorted = g_memdup2 (environment, n * sizeof *environment);

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (guint i = 0; i < n; i++)
    if (g_str_has_prefix (environment[i], VP_DEVICE_ENVIRONMENT_OWN "=") &&
        !add_own (self, environment[i] + strlen (VP_DEVICE_ENVIRONMENT_OWN "="), error))
      return NULL;

  if (n > 0)
    qsort (sorted, n, sizeof sorted[0], compare_entries);
  for (guint i = 0; i < n; i++)
    add_entry (self, sorted[i]);
  return g_steal_pointer (&self);
}
