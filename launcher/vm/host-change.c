#include "launcher/vm/host-change.h"

#include "devices/vfio-bind.h"

typedef struct
{
  VpBindings *bindings;
  VpSysfs *sysfs;    /* of the bindings */
  GArray *takes;     /* nullable: they are given back */
  GArray *addresses; /* nullable: they are taken */
  guint patience_ms;
  guint deadline_ms;
} Change;

static void
change_free (Change *change)
{
  g_clear_pointer (&change->takes, g_array_unref);
  g_clear_pointer (&change->addresses, g_array_unref);
  g_free (change);
}

/* Nobody else may have the group: no other VM, which the lock tells, and no other process, which
 * only a node that is there can tell. */
static gboolean
claim_group (Change *change, const VpHostTake *take, GError **error)
{
  const VpPciFunction *function = take->function;
  g_autofree char *driver = NULL;

  if (function->group < 0)
    return TRUE;
  if (!vp_bindings_lock_group (change->bindings, function->group, error))
    return FALSE;

  driver = vp_vfio_driver_of (change->sysfs, &function->address);
  return !vp_vfio_is_vfio_driver (driver) ||
         vp_host_node_wait (change->sysfs, function, take->node, change->patience_ms, error);
}

static void
take (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Change *change = task_data;
  g_autoptr (GPtrArray) to_bind = g_ptr_array_new ();
  g_autoptr (GPtrArray) taken = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < change->takes->len && error == NULL; i++)
    {
      const VpHostTake *each = &g_array_index (change->takes, VpHostTake, i);

      if (claim_group (change, each, &error) && each->bind)
        g_ptr_array_add (to_bind, (gpointer) each->function);
    }
  if (error != NULL ||
      !vp_bindings_take_all (change->bindings, to_bind, change->deadline_ms, taken, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  for (guint i = 0; i < change->takes->len; i++)
    {
      VpHostTake *each = &g_array_index (change->takes, VpHostTake, i);

      each->taken = g_ptr_array_find (taken, each->function, NULL);
    }
  g_task_return_boolean (task, TRUE);
}

static void
give_back (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Change *change = task_data;
  g_autoptr (GError) first = NULL;

  for (guint i = change->addresses->len; i > 0; i--)
    {
      const VpPciAddress *address = &g_array_index (change->addresses, VpPciAddress, i - 1);

      if (vp_bindings_owes (change->bindings, address))
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
                           GArray *takes,
                           guint patience_ms,
                           guint deadline_ms,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  Change *change = g_new0 (Change, 1);

  change->bindings = bindings;
  change->sysfs = vp_bindings_get_sysfs (bindings);
  change->takes = g_array_ref (takes);
  change->patience_ms = patience_ms;
  change->deadline_ms = deadline_ms;
  start (change, takes->len == 0, take, vp_host_change_take_async, callback, user_data);
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

gboolean
vp_host_change_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
