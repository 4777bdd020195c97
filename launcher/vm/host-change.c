#include "launcher/vm/host-change.h"

typedef struct
{
  VpBindings *bindings;
  GPtrArray *functions; /* nullable: they are given back */
  GArray *addresses;    /* nullable: they are taken */
} Change;

static void
change_free (Change *change)
{
  g_clear_pointer (&change->functions, g_ptr_array_unref);
  g_clear_pointer (&change->addresses, g_array_unref);
  g_free (change);
}

static void
take (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Change *change = task_data;
  g_autoptr (GError) error = NULL;
  guint taken = 0;

  while (taken < change->functions->len &&
         vp_bindings_take (change->bindings, change->functions->pdata[taken], &error))
    taken++;
  if (error == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  while (taken > 0)
    {
      const VpPciFunction *function = change->functions->pdata[--taken];

      /* The first error is the one to tell; the journal still knows a device that stays behind. */
      if (vp_bindings_has (change->bindings, &function->address))
        vp_bindings_give_back (change->bindings, &function->address, NULL);
    }
  g_task_return_error (task, g_steal_pointer (&error));
}

static void
give_back (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Change *change = task_data;
  g_autoptr (GError) first = NULL;

  for (guint i = change->addresses->len; i > 0; i--)
    {
      const VpPciAddress *address = &g_array_index (change->addresses, VpPciAddress, i - 1);

      if (vp_bindings_has (change->bindings, address))
        vp_bindings_give_back (change->bindings, address, first == NULL ? &first : NULL);
    }

  if (first != NULL)
    g_task_return_error (task, g_steal_pointer (&first));
  else
    g_task_return_boolean (task, TRUE);
}

static void
start (Change *change,
       gboolean is_empty,
       GTaskThreadFunc work,
       gpointer source_tag,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, change, (GDestroyNotify) change_free);
  if (is_empty) /* most VMs take nothing: no thread for them */
    g_task_return_boolean (task, TRUE);
  else
    g_task_run_in_thread (task, work);
}

void
vp_host_change_take_async (VpBindings *bindings,
                           GPtrArray *functions,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  Change *change = g_new0 (Change, 1);

  change->bindings = bindings;
  change->functions = g_ptr_array_ref (functions);
  start (change, functions->len == 0, take, vp_host_change_take_async, callback, user_data);
}

void
vp_host_change_give_back_async (VpBindings *bindings,
                                GArray *addresses,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  Change *change = g_new0 (Change, 1);

  change->bindings = bindings;
  change->addresses = g_array_ref (addresses);
  start (change, addresses->len == 0, give_back, vp_host_change_give_back_async, callback,
         user_data);
}

void
vp_host_change_take_one_async (VpBindings *bindings,
                               const VpPciFunction *function,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GPtrArray) functions = g_ptr_array_new ();

  g_ptr_array_add (functions, (gpointer) function);
  vp_host_change_take_async (bindings, functions, callback, user_data);
}

gboolean
vp_host_change_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
