#include "launcher/wrapper/rule-table.h"

#include "devices/quote.h"
#include "launcher/config/params.h"
#include "launcher/config/toml-value.h"

#include <string.h>

#define MAX_COUNT 256

/* A vendor or device, and a class, written out. */
#define ID_DIGITS    4
#define CLASS_DIGITS 6

static gboolean
set_sandbox (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  const char *glob;

  if (!vp_toml_value_get_string (value, &glob, error))
    return FALSE;
  rule->sandbox = g_strdup (glob);
  return TRUE;
}

static gboolean
set_refs (
    GArray *refs, VpDeviceRefKind kind, const char *what, const VpTomlValue *value, GError **error)
{
  g_auto (GStrv) texts = NULL;

  if (!vp_toml_value_get_strings (value, &texts, error))
    return FALSE;
  for (char **text = texts; *text != NULL; text++)
    {
      VpDeviceRef ref;

      if (!vp_device_ref_parse (*text, &ref, error))
        return vp_toml_value_prefix (value, error);
      if (ref.kind != kind)
        {
          g_autofree char *quoted = vp_quote (*text);

          return vp_toml_value_refuse (value, error, "%s is no %s", quoted, what);
        }
      g_array_append_val (refs, ref);
    }
  return TRUE;
}

static gboolean
set_address (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return set_refs (rule->addresses, VP_DEVICE_REF_PCI, "PCI address", value, error);
}

static gboolean
set_group (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return set_refs (rule->groups, VP_DEVICE_REF_GROUP, "IOMMU group: write it as /dev/vfio/N", value,
                   error);
}

/* Whether @glob can match @digits hexadecimal digits at all: what cannot is a slip. */
static gboolean
is_hex_glob (const char *glob, gsize digits)
{
  gsize length = strlen (glob);
  gboolean is_open = strchr (glob, '*') != NULL;

  for (const char *p = glob; *p != '\0'; p++)
    if (!g_ascii_isxdigit (*p) && *p != '*' && *p != '?')
      return FALSE;
  return is_open ? length <= 2 * digits : length == digits;
}

static gboolean
is_id_glob (const char *glob)
{
  g_auto (GStrv) halves = g_strsplit (glob, ":", -1);

  return g_strv_length (halves) == 2 && is_hex_glob (halves[0], ID_DIGITS) &&
         is_hex_glob (halves[1], ID_DIGITS);
}

static gboolean
is_class_glob (const char *glob)
{
  return is_hex_glob (glob, CLASS_DIGITS);
}

/* @is_good: (nullable): whether a glob makes sense
 * @wanted: what one that does looks like */
static gboolean
set_globs (char ***globs,
           gboolean (*is_good) (const char *glob),
           const char *wanted,
           const VpTomlValue *value,
           GError **error)
{
  g_auto (GStrv) texts = NULL;

  if (!vp_toml_value_get_strings (value, &texts, error))
    return FALSE;
  for (char **text = texts; *text != NULL && is_good != NULL; text++)
    {
      g_autofree char *lower = g_ascii_strdown (*text, -1);
      g_autofree char *quoted = vp_quote (*text);

      if (!is_good (*text))
        return vp_toml_value_refuse (value, error, "%s is not %s", quoted, wanted);
      g_free (*text);
      *text = g_steal_pointer (&lower);
    }
  g_strfreev (*globs);
  *globs = g_steal_pointer (&texts);
  return TRUE;
}

static gboolean
set_id (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return set_globs (&rule->ids, is_id_glob,
                    "vendor:device, four hexadecimal digits each, or fewer and a *: \"10de:*\"",
                    value, error);
}

static gboolean
set_class (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return set_globs (&rule->classes, is_class_glob,
                    "a class, six hexadecimal digits, or fewer and a *: \"0302*\"", value, error);
}

static gboolean
set_driver (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return set_globs (&rule->drivers, NULL, NULL, value, error);
}

static gboolean
set_large (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  gboolean large;

  if (!vp_toml_value_get_boolean (value, &large, error))
    return FALSE;
  rule->large = large ? VP_RULE_LARGE_YES : VP_RULE_LARGE_NO;
  return TRUE;
}

static gboolean
set_count (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return vp_toml_value_get_number (value, 1, MAX_COUNT, &rule->count, error);
}

static gboolean
set_plug (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  static const char *const choices[] = { "auto", "cold", "hot", NULL }; /* as VpPlug */
  const char *text;
  guint choice;

  if (!vp_toml_value_get_string (value, &text, error))
    return FALSE;
  if (!vp_params_parse_choice (text, choices, &choice, error))
    return vp_toml_value_prefix (value, error);
  rule->plug = (VpPlug) choice;
  return TRUE;
}

static gboolean
set_bind (VpDeviceRule *rule, const VpTomlValue *value, GError **error)
{
  return vp_toml_value_get_boolean (value, &rule->bind, error);
}

static const struct
{
  const char *key;
  gboolean (*set) (VpDeviceRule *rule, const VpTomlValue *value, GError **error);
} keys[] = {
  { "address", set_address }, { "bind", set_bind },     { "class", set_class },
  { "count", set_count },     { "driver", set_driver }, { "group", set_group },
  { "id", set_id },           { "large", set_large },   { "plug", set_plug },
  { "sandbox", set_sandbox },
};

/* A rule in the making. */
typedef struct
{
  VpDeviceRule *rule;
  GPtrArray *warnings;
} Making;

static gboolean
set_key (const VpTomlValue *value, gpointer user_data, GError **error)
{
  const Making *making = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].key, value->key))
      return keys[i].set (making->rule, value, error);

  vp_toml_value_warn_of_key (value, making->warnings, "a rule has no key");
  return TRUE;
}

VpDeviceRule *
vp_rule_table_parse (
    VpTomlFile *file, guint index, JsonObject *table, GPtrArray *warnings, GError **error)
{
  g_autofree char *name =
      g_strdup_printf ("rule %u of %s", index + 1, vp_toml_file_get_name (file));
  g_autofree char *whole = g_strdup_printf ("rule[%u]", index);
  g_autoptr (VpDeviceRule) rule = vp_device_rule_new (name);
  const VpTomlValue itself = { .file = file, .path = whole, .key = "rule" };
  Making making = { rule, warnings };

  if (!vp_toml_value_for_each (file, whole, table, set_key, &making, error))
    return NULL;
  if (!vp_device_rule_check (rule, error))
    {
      vp_toml_value_prefix (&itself, error);
      return NULL;
    }
  return g_steal_pointer (&rule);
}
