#include "devices/siblings.h"

gboolean
vp_siblings_key (const VpPciFunction *function, gpointer *key)
{
  g_return_val_if_fail (key != NULL, FALSE);

  if (function == NULL || function->is_virtual)
    return FALSE;

  *key = GSIZE_TO_POINTER ((gsize) function->address.domain << 13 |
                           (gsize) function->address.bus << 5 | function->address.slot);
  return TRUE;
}

void
vp_siblings_number (const VpPciFunction *const *functions, guint n_functions, guint8 *numbers)
{
  guint8 lowest = G_MAXUINT8;
  gpointer key;

  for (guint i = 0; i < n_functions; i++)
    {
      numbers[i] = vp_siblings_key (functions[i], &key) ? functions[i]->address.function : 0;
      lowest = MIN (lowest, numbers[i]);
    }

  for (guint i = 0; i < n_functions; i++)
    if (numbers[i] == lowest)
      numbers[i] = 0;
}

GPtrArray *
vp_siblings_split (const GPtrArray *functions)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GHashTable) of_device = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < functions->len; i++)
    {
      GPtrArray *device = NULL;
      gpointer key;
      gboolean has_key = vp_siblings_key (functions->pdata[i], &key);

      if (has_key)
        device = g_hash_table_lookup (of_device, key);
      if (device == NULL)
        {
          device = g_ptr_array_new ();
          g_ptr_array_add (devices, device);
          if (has_key)
            g_hash_table_insert (of_device, key, device);
        }
      g_ptr_array_add (device, functions->pdata[i]);
    }
  return devices;
}
