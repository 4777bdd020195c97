#include "launcher/vm/host-change.h"

typedef struct
{
  VpBindings *bindings;
  GPtrArray *functions;
} Change;

static void
change_free (Change *change)
{
  g_ptr_array_unref (change->functions);
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

  for (guint i = change->functions->len; i > 0; i--)
    {
      const VpPciFunction *function = change->functions->pdata[i - 1];

      if (vp_bindings_has (change->bindings, &function->address))
        vp_bindings_give_back (change->bindings, &function->address, first == NULL ? &first : NULL);
    }

  if (first != NULL)
    g_task_return_error (task, g_steal_pointer (&first));
  else
    g_task_return_boolean (task, TRUE);
}

static void
start (VpBindings *bindings,
       GPtrArray *functions,
       GTaskThreadFunc work,
       gpointer source_tag,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Change *change = g_new0 (Change, 1);

  change->bindings = bindings;
  change->functions = g_ptr_array_ref (functions);
  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, change, (GDestroyNotify) change_free);
  if (functions->len == 0) /* most VMs take nothing: no thread for them */
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
  start (bindings, functions, take, vp_host_change_take_async, callback, user_data);
}

void
vp_host_change_give_back_async (VpBindings *bindings,
                                GPtrArray *functions,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  start (bindings, functions, give_back, vp_host_change_give_back_async, callback, user_data);
}

static GPtrArray *
array_of_one (const VpPciFunction *function)
{
  GPtrArray *functions = g_ptr_array_new ();

  g_ptr_array_add (functions, (gpointer) function);
  return functions;
}

void
vp_host_change_take_one_async (VpBindings *bindings,
                               const VpPciFunction *function,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GPtrArray) functions = array_of_one (function);

  vp_host_change_take_async (bindings, functions, callback, user_data);
}

void
vp_host_change_give_back_one_async (VpBindings *bindings,
                                    const VpPciFunction *function,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GPtrArray) functions = array_of_one (function);

  vp_host_change_give_back_async (bindings, functions, callback, user_data);
}

gboolean
vp_host_change_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
