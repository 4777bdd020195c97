#include "launcher/boottest/manifest-path.h"

#include <string.h>

/* Which values name a file: what stands before it, and whether parameters follow, with a comma
 * before each, and two for a comma that is part of the name. */
static const struct
{
  const char *option;
  const char *prefix;
  gboolean has_params;
} files[] = {
  { "kernel", "", FALSE },     { "initrd", "", FALSE },
  { "config", "", FALSE },     { "firmware", "", FALSE },
  { "qemu", "", FALSE },       { "disk", "", TRUE },
  { "share", "", TRUE },       { "device", "disk,", TRUE },
  { "attach", "disk,", TRUE }, { "skip-if", "no-file=", FALSE },
};

/* A bare word is a firmware that vmplug knows, and a program that is looked up. */
static gboolean
is_word (const char *option, const char *file)
{
  return (g_str_equal (option, "firmware") &&
          (g_str_equal (file, "seabios") || g_str_equal (file, "ovmf"))) ||
         (g_str_equal (option, "qemu") && strchr (file, '/') == NULL);
}

static char *
double_commas (const char *text)
{
  GString *doubled = g_string_new (text);

  g_string_replace (doubled, ",", ",,", 0);
  return g_string_free (doubled, FALSE);
}

char *
vp_manifest_path_locate (const char *option, const char *value, const char *folder)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      const char *file = value + strlen (files[i].prefix);
      g_autofree char *place = NULL;

      if (!g_str_equal (files[i].option, option) || !g_str_has_prefix (value, files[i].prefix))
        continue;
      if (file[0] == '\0' || file[0] == '/' || g_str_equal (folder, ".") || is_word (option, file))
        break;
      place = files[i].has_params ? double_commas (folder) : g_strdup (folder);
      return g_strconcat (files[i].prefix, place, g_str_has_suffix (place, "/") ? "" : "/", file,
                          NULL);
    }
  return g_strdup (value);
}
