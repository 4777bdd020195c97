#include "launcher/boottest/skip-condition.h"

#include "devices/inventory.h"
#include "launcher/config/accelerator.h"
#include "launcher/error.h"

#include <string.h>
#include <unistd.h>

/* @value: what stands after the "="; %NULL where there is none. Returns: (nullable): why to skip */
typedef char *(*Find) (const char *value, const char *root);

static char *
find_no_kvm (const char *value, const char *root)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root, NULL);
  g_autofree char *reason = NULL;

  if (sysfs == NULL)
    return g_strdup ("the host cannot be read");
  return vp_accelerator_has_kvm (sysfs, &reason) ? NULL : g_strdup_printf ("no KVM: %s", reason);
}

static char *
find_not_root (const char *value, const char *root)
{
  return geteuid () == 0 ? NULL : g_strdup ("not root");
}

static char *
find_no_file (const char *value, const char *root)
{
  return access (value, F_OK) == 0 ? NULL : g_strdup_printf ("no file %s", value);
}

static char *
find_no_device (const char *value, const char *root)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root, NULL);
  g_autoptr (VpInventory) inventory = sysfs != NULL ? vp_inventory_read (sysfs, NULL) : NULL;
  g_autoptr (GPtrArray) functions = NULL;
  VpDeviceRef ref;

  if (inventory == NULL || !vp_device_ref_parse (value, &ref, NULL))
    return g_strdup_printf ("no device %s", value);
  if (ref.kind == VP_DEVICE_REF_MDEV)
    return vp_inventory_find_mdev (inventory, ref.uuid, NULL)
               ? NULL
               : g_strdup_printf ("no device %s", value);
  functions = vp_inventory_resolve (inventory, &ref, NULL);
  return functions != NULL ? NULL : g_strdup_printf ("no device %s", value);
}

static gboolean
has_variable (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL && value[0] != '\0';
}

static char *
find_env (const char *value, const char *root)
{
  return has_variable (value) ? g_strdup_printf ("%s is set", value) : NULL;
}

static char *
find_no_env (const char *value, const char *root)
{
  return has_variable (value) ? NULL : g_strdup_printf ("%s is not set", value);
}

/* Each ends with "=" when something must follow. */
static const struct
{
  const char *word;
  Find find;
} conditions[] = {
  { "no-kvm", find_no_kvm },        { "not-root", find_not_root }, { "no-file=", find_no_file },
  { "no-device=", find_no_device }, { "env=", find_env },          { "no-env=", find_no_env },
};

/* Returns: the number of the condition, and in @value what stands after its "="; or -1 */
static int
parse (const char *text, const char **value)
{
  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    {
      const char *word = conditions[i].word;

      *value = g_str_has_suffix (word, "=") ? text + strlen (word) : NULL;
      if (*value == NULL ? g_str_equal (text, word)
                         : g_str_has_prefix (text, word) && (*value)[0] != '\0')
        return (int) i;
    }
  return -1;
}

gboolean
vp_skip_condition_check (const char *text, GError **error)
{
  VpDeviceRef ref;
  const char *value;
  int index = parse (text, &value);

  if (index < 0)
    return vp_error_refuse (
        error, text,
        "is none of no-kvm, not-root, no-file=PATH, no-device=REF, env=NAME, no-env=NAME");
  return conditions[index].find != find_no_device || vp_device_ref_parse (value, &ref, error);
}

char *
vp_skip_condition_find (const GPtrArray *texts, const char *root)
{
  for (guint i = 0; i < texts->len; i++)
    {
      const char *value;
      int index = parse (texts->pdata[i], &value);
      char *reason = index < 0 ? NULL : conditions[index].find (value, root);

      if (reason != NULL)
        return reason;
    }
  return NULL;
}
