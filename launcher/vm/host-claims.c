#include "launcher/vm/host-claims.h"

#include "launcher/vm/host-change.h"

/* How long a process that ends may keep a group: 0.24 s was seen after a SIGKILL. */
#define PATIENCE_MS 5000

struct _VpHostClaims
{
  VpBindings *bindings;
  GHashTable *groups; /* number -> Group */
  GArray *failed;     /* (element-type VpPciAddress): what a driver did not take back */
};

typedef struct
{
  int number;
  guint n_inside;      /* how many of its functions are claimed */
  guint n_changes;     /* how many batches and returns go on */
  guint gather_source; /* collects what comes in one turn of the main loop */
  GPtrArray *waiting;  /* (element-type GTask): functions that are to be taken next */
  GArray *to_return;   /* (element-type VpPciAddress): what has left the VM and is to go back */
} Group;

/* One vp_host_claims_take_async(). */
typedef struct
{
  VpHostClaims *claims;
  const VpPciFunction *function;
  gboolean bind;
  VpHostNode node;
  gboolean taken;
} Take;

/* Those of a group that are taken together. */
typedef struct
{
  VpHostClaims *claims;
  Group *group;
  GPtrArray *tasks; /* (element-type GTask) */
  GArray *takes;    /* (element-type VpHostTake): of each */
} Batch;

/* One vp_host_claims_give_back_async(). */
typedef struct
{
  VpHostClaims *claims;
  Group *group;
  GArray *addresses;
} Return;

static void
group_free (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->waiting);
  g_array_unref (group->to_return);
  g_free (group);
}

static Group *
find_group (VpHostClaims *self, int number)
{
  Group *group = g_hash_table_lookup (self->groups, GINT_TO_POINTER (number));

  if (group != NULL)
    return group;

  group = g_new0 (Group, 1);
  group->number = number;
  group->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  group->to_return = g_array_new (FALSE, FALSE, sizeof (VpPciAddress));
  g_hash_table_insert (self->groups, GINT_TO_POINTER (number), group);
  return group;
}

VpHostClaims *
vp_host_claims_new (VpBindings *bindings)
{
  VpHostClaims *self = g_rc_box_new0 (VpHostClaims);

  self->bindings = bindings;
  self->groups = g_hash_table_new_full (NULL, NULL, NULL, group_free);
  self->failed = g_array_new (FALSE, FALSE, sizeof (VpPciAddress));
  return self;
}

VpHostClaims *
vp_host_claims_ref (VpHostClaims *self)
{
  return g_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  VpHostClaims *self = data;

  g_hash_table_unref (self->groups);
  g_array_unref (self->failed);
}

void
vp_host_claims_unref (VpHostClaims *self)
{
  g_rc_box_release_full (self, clear);
}

void
vp_host_claims_add (VpHostClaims *self, const VpPciFunction *function)
{
  if (function != NULL)
    find_group (self, function->group)->n_inside++;
}

static void
take_free (gpointer data)
{
  Take *take = data;

  vp_host_claims_unref (take->claims);
  g_free (take);
}

static void
unlock_if_unused (VpHostClaims *self, Group *group)
{
  if (group->n_inside == 0 && group->n_changes == 0)
    vp_bindings_unlock_group (self->bindings, group->number);
}

static void take_waiting (VpHostClaims *self, Group *group);

/* A batch or a return is over. */
static void
end_change (VpHostClaims *self, Group *group)
{
  group->n_changes--;
  take_waiting (self, group);
  unlock_if_unused (self, group);
}

static void
batch_free (Batch *batch)
{
  g_ptr_array_unref (batch->tasks);
  g_array_unref (batch->takes);
  vp_host_claims_unref (batch->claims);
  g_free (batch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Batch, batch_free)

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Batch) batch = user_data;
  g_autoptr (GError) error = NULL;

  vp_host_change_finish (result, &error);
  end_change (batch->claims, batch->group);

  /* Whoever is told may come with the next. */
  for (guint i = 0; i < batch->tasks->len; i++)
    {
      GTask *task = batch->tasks->pdata[i];
      Take *take = g_task_get_task_data (task);

      take->taken = g_array_index (batch->takes, VpHostTake, i).taken;
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
    }
}

static void
take_waiting (VpHostClaims *self, Group *group)
{
  /* What is inside and does not wait here, QEMU has open. */
  gboolean is_open = group->n_inside > group->waiting->len;
  Batch *batch;

  if (group->n_changes > 0 || group->waiting->len == 0)
    return;

  batch = g_new0 (Batch, 1);
  batch->claims = vp_host_claims_ref (self);
  batch->group = group;
  batch->tasks = g_steal_pointer (&group->waiting);
  batch->takes = g_array_new (FALSE, FALSE, sizeof (VpHostTake));
  group->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  group->n_changes++;
  for (guint i = 0; i < batch->tasks->len; i++)
    {
      const Take *take = g_task_get_task_data (batch->tasks->pdata[i]);
      const VpHostTake each = { take->function, take->bind,
                                is_open ? VP_HOST_NODE_NONE : take->node, FALSE };

      g_array_append_val (batch->takes, each);
    }
  vp_host_change_take_async (self->bindings, batch->takes, PATIENCE_MS, 0, on_taken, batch);
}

static gboolean
on_gathered (gpointer user_data)
{
  GTask *first = user_data;
  const Take *take = g_task_get_task_data (first);
  Group *group = find_group (take->claims, take->function->group);

  group->gather_source = 0;
  take_waiting (take->claims, group);
  return G_SOURCE_REMOVE;
}

void
vp_host_claims_take_async (VpHostClaims *self,
                           const VpPciFunction *function,
                           gboolean bind,
                           VpHostNode node,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Group *group = find_group (self, function->group);
  Take *take = g_new0 (Take, 1);

  take->claims = vp_host_claims_ref (self);
  take->function = function;
  take->bind = bind;
  take->node = node;
  g_task_set_source_tag (task, vp_host_claims_take_async);
  g_task_set_task_data (task, take, take_free);
  g_ptr_array_add (group->waiting, task);
  if (group->gather_source == 0)
    group->gather_source =
        g_idle_add_full (G_PRIORITY_DEFAULT, on_gathered, g_object_ref (task), g_object_unref);
}

gboolean
vp_host_claims_take_finish (GAsyncResult *result, gboolean *taken, GError **error)
{
  const Take *take;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  take = g_task_get_task_data (G_TASK (result));
  *taken = take->taken;
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
vp_host_claims_drop (VpHostClaims *self, const VpPciFunction *function, gboolean taken)
{
  Group *group;

  if (function == NULL)
    return FALSE;
  group = find_group (self, function->group);
  g_return_val_if_fail (group->n_inside > 0, FALSE);

  if (taken)
    g_array_append_val (group->to_return, function->address);
  if (--group->n_inside > 0 || group->to_return->len > 0)
    return group->n_inside == 0;

  unlock_if_unused (self, group);
  return FALSE;
}

static void
return_free (gpointer data)
{
  Return *back = data;

  g_array_unref (back->addresses);
  vp_host_claims_unref (back->claims);
  g_free (back);
}

static void
on_given_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Return *back = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  vp_host_change_finish (result, &error);
  end_change (back->claims, back->group);
  if (error == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  g_array_append_vals (back->claims->failed, back->addresses->data, back->addresses->len);
  g_task_return_error (task, g_steal_pointer (&error));
}

void
vp_host_claims_give_back_async (VpHostClaims *self,
                                int number,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Group *group = find_group (self, number);
  Return *back = g_new0 (Return, 1);

  back->claims = vp_host_claims_ref (self);
  back->group = group;
  back->addresses = g_steal_pointer (&group->to_return);
  group->to_return = g_array_new (FALSE, FALSE, sizeof (VpPciAddress));
  g_task_set_source_tag (task, vp_host_claims_give_back_async);
  g_task_set_task_data (task, back, return_free);
  group->n_changes++;
  vp_host_change_give_back_async (self->bindings, back->addresses, on_given_back, task);
}

gboolean
vp_host_claims_is_ours (VpHostClaims *self, const VpPciFunction *function)
{
  return function == NULL || vp_bindings_is_with_vfio (self->bindings, &function->address);
}

gboolean
vp_host_claims_is_owing (VpHostClaims *self)
{
  /* Whoever has repaired it meanwhile has cleared its journal entry. */
  for (guint i = 0; i < self->failed->len; i++)
    if (vp_bindings_owes (self->bindings, &g_array_index (self->failed, VpPciAddress, i)))
      return TRUE;
  return FALSE;
}

gboolean
vp_host_claims_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
