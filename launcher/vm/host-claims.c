#include "launcher/vm/host-claims.h"

#include "launcher/vm/host-change.h"

struct _VpHostClaims
{
  VpBindings *bindings;
  GHashTable *groups; /* number -> Group */
  GArray *failed;     /* (element-type VpPciAddress): what a driver did not take back */
};

typedef struct
{
  guint n_inside;    /* how many of its functions are claimed */
  guint n_taking;    /* how many of them are on their way to us */
  GPtrArray *taken;  /* (element-type GTask): those that have ended, and wait for these */
  GArray *to_return; /* (element-type VpPciAddress): what has left the VM and is to go back */
} Group;

/* One vp_host_claims_take_async(). */
typedef struct
{
  VpHostClaims *claims;
  Group *group;
  GError *error; /* nullable */
} Take;

/* One vp_host_claims_give_back_async(). */
typedef struct
{
  VpHostClaims *claims;
  GArray *addresses;
} Return;

static void
group_free (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->taken);
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
  group->taken = g_ptr_array_new_with_free_func (g_object_unref);
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

  g_clear_error (&take->error);
  vp_host_claims_unref (take->claims);
  g_free (take);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Take *take = g_task_get_task_data (user_data);
  Group *group = take->group;
  g_autoptr (GPtrArray) taken = NULL;

  vp_host_change_finish (result, &take->error);
  g_ptr_array_add (group->taken, user_data);
  if (--group->n_taking > 0)
    return;

  /* Whoever is told may come with the next. */
  taken = g_steal_pointer (&group->taken);
  group->taken = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < taken->len; i++)
    {
      take = g_task_get_task_data (taken->pdata[i]);
      if (take->error != NULL)
        g_task_return_error (taken->pdata[i], g_steal_pointer (&take->error));
      else
        g_task_return_boolean (taken->pdata[i], TRUE);
    }
}

void
vp_host_claims_take_async (VpHostClaims *self,
                           const VpPciFunction *function,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Take *take = g_new0 (Take, 1);

  take->claims = vp_host_claims_ref (self);
  take->group = find_group (self, function->group);
  take->group->n_taking++;
  g_task_set_source_tag (task, vp_host_claims_take_async);
  g_task_set_task_data (task, take, take_free);
  vp_host_change_take_one_async (self->bindings, function, on_taken, task);
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
  return --group->n_inside == 0 && group->to_return->len > 0;
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

  if (vp_host_change_finish (result, &error))
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
  back->addresses = g_steal_pointer (&group->to_return);
  group->to_return = g_array_new (FALSE, FALSE, sizeof (VpPciAddress));
  g_task_set_source_tag (task, vp_host_claims_give_back_async);
  g_task_set_task_data (task, back, return_free);
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
    if (vp_bindings_has (self->bindings, &g_array_index (self->failed, VpPciAddress, i)))
      return TRUE;
  return FALSE;
}

gboolean
vp_host_claims_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
