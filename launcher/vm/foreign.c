#include "launcher/vm/foreign.h"

#include "devices/quote.h"
#include "launcher/error.h"

VpForeign *
vp_foreign_new (const char *const *argv)
{
  VpForeign *self;

  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  self = g_new0 (VpForeign, 1);
  self->argv = g_strdupv ((char **) argv);
  self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
vp_foreign_free (VpForeign *self)
{
  if (self == NULL)
    return;

  g_strfreev (self->argv);
  g_hash_table_unref (self->ids);
  g_free (self);
}

gboolean
vp_foreign_check (const VpForeign *self, GError **error)
{
  const char *prefix, *id;
  GHashTableIter iter;
  gpointer key;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  prefix = vp_topology_own_prefix (&self->root);
  g_hash_table_iter_init (&iter, self->ids);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      g_autofree char *quoted = NULL;

      id = key;
      if (!g_str_has_prefix (id, prefix))
        continue;
      quoted = vp_quote (id);
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "the id %s on QEMU's command line: ids that begin with \"%s\" are for what is "
                   "added to it: give it another",
                   quoted, prefix);
      return FALSE;
    }
  return TRUE;
}
