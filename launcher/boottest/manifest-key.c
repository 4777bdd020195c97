#include "launcher/boottest/manifest-key.h"

#include "launcher/boottest/boot-options.h"

#include <string.h>

#define LONGEST_NAME 32

/* Those that are no options, or not as the command line has them. */
static const VpManifestKey own_keys[] = {
  { VP_MANIFEST_KEY_COMMAND, "command", TRUE, VP_OPTION_TEXT },
  { VP_MANIFEST_KEY_CONFIG, "config", FALSE, VP_OPTION_TEXT },
  { VP_MANIFEST_KEY_MATRIX, "matrix", FALSE, VP_OPTION_TEXT },
  { VP_MANIFEST_KEY_NAME, "name", FALSE, VP_OPTION_TEXT },
  { VP_MANIFEST_KEY_STEPS, "expect", TRUE, VP_OPTION_TEXT },
  { VP_MANIFEST_KEY_STEPS, "steps", TRUE, VP_OPTION_TEXT },
};

/* Between steps the order counts, which two arrays would not have: they are written as steps. */
static gboolean
is_no_key (const VpBootOption *option)
{
  return option->is_report || g_str_equal (option->name, "at") ||
         g_str_equal (option->name, "send");
}

gboolean
vp_manifest_key_find (const char *name, VpManifestKey *key)
{
  g_autofree char *option = g_strdelimit (g_strdup (name), "_", '-');
  const VpConfigOption *vm = vp_config_option_find (option);
  const VpBootOption *boot = vp_boot_option_find (option);

  if (strchr (name, '-') != NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (own_keys); i++)
    if (g_str_equal (own_keys[i].option, name))
      {
        *key = own_keys[i];
        return TRUE;
      }
  if (vm != NULL)
    *key = (VpManifestKey){ VP_MANIFEST_KEY_VM, vm->name, vm->repeats, vm->type };
  else if (boot != NULL && !is_no_key (boot))
    *key = (VpManifestKey){ VP_MANIFEST_KEY_BOOT, boot->name, boot->repeats, boot->type };
  else
    return FALSE;
  return TRUE;
}

/* How many letters have to be changed, added or left out to make @b of @a: Levenshtein's. */
static guint
distance (const char *a, const char *b)
{
  guint row[LONGEST_NAME + 1];
  guint length = (guint) strlen (b);

  g_return_val_if_fail (length <= LONGEST_NAME, G_MAXUINT);

  for (guint j = 0; j <= length; j++)
    row[j] = j;
  for (guint i = 0; a[i] != '\0'; i++)
    {
      guint corner = row[0];

      row[0] = i + 1;
      for (guint j = 0; j < length; j++)
        {
          guint above = row[j + 1];

          row[j + 1] = MIN (MIN (above, row[j]) + 1, corner + (a[i] != b[j] ? 1 : 0));
          corner = above;
        }
    }
  return row[length];
}

typedef struct
{
  const char *wanted;
  guint distance;
  char *name;
} Nearest;

static void
consider (Nearest *nearest, const char *option)
{
  g_autofree char *name = g_strdelimit (g_strdup (option), "-", '_');
  guint n = distance (nearest->wanted, name);

  if (n >= nearest->distance)
    return;
  nearest->distance = n;
  g_free (nearest->name);
  nearest->name = g_steal_pointer (&name);
}

char *
vp_manifest_key_suggest (const char *name)
{
  gsize length = strlen (name);
  Nearest nearest = { .wanted = name, .distance = length < 6 ? 2 : 3 };
  const VpConfigOption *vm;
  const VpBootOption *boot;

  if (length > LONGEST_NAME)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (own_keys); i++)
    consider (&nearest, own_keys[i].option);
  for (guint i = 0; (vm = vp_config_option_get (i)) != NULL; i++)
    consider (&nearest, vm->name);
  for (guint i = 0; (boot = vp_boot_option_get (i)) != NULL; i++)
    if (!is_no_key (boot))
      consider (&nearest, boot->name);
  return nearest.name;
}
