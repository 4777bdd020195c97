#include "launcher/boottest/test-case.h"

#include "devices/quote.h"
#include "launcher/error.h"

#define MAX_FOLDER 120 /* a file name has at most 255 bytes */

void
vp_test_case_free (VpTestCase *self)
{
  if (self == NULL)
    return;

  g_free (self->name);
  g_free (self->manifest);
  g_free (self->place);
  g_strfreev (self->argv);
  g_free (self->folder);
  g_strfreev (self->claims);
  g_free (self);
}

gboolean
vp_test_case_check_names (const GPtrArray *cases, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < cases->len; i++)
    {
      VpTestCase *each = cases->pdata[i];
      const VpTestCase *other = g_hash_table_lookup (names, each->name);

      if (other != NULL)
        {
          g_autofree char *quoted = vp_quote (each->name);

          g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                       "%s: name: %s is what the case of %s is called already", each->place, quoted,
                       other->place);
          return FALSE;
        }
      g_hash_table_insert (names, each->name, each);
    }
  return TRUE;
}

static char *
make_safe (const char *name)
{
  char *safe = g_strndup (name, MAX_FOLDER);

  g_strcanon (safe, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.,=[]", '_');
  if (safe[0] == '.' || safe[0] == '-')
    safe[0] = '_';
  return safe;
}

void
vp_test_case_name_folders (const GPtrArray *cases)
{
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < cases->len; i++)
    {
      VpTestCase *each = cases->pdata[i];
      char *safe = make_safe (each->name);
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (taken, safe)) + 1;

      g_free (each->folder);
      each->folder = n == 1 ? g_strdup (safe) : g_strdup_printf ("%s~%u", safe, n);
      g_hash_table_replace (taken, safe, GUINT_TO_POINTER (n));
    }
}
