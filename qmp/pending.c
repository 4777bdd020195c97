#include "qmp/pending.h"

#include "qmp/error.h"

typedef struct
{
  VpPending *owner;
  gint64 id;
  GTask *task;
  gint64 deadline; /* monotonic time, G_MAXINT64 for ever */
  GSource *cancelled;
} Call;

struct _VpPending
{
  GHashTable *calls; /* (element-type gint64 Call): by id */
  GSource *timer; /* never later than the earliest deadline; sometimes earlier, which is harmless */
  guint n_abandoned;
};

static void
call_free (gpointer data)
{
  Call *self = data;

  if (self->cancelled != NULL)
    g_source_destroy (self->cancelled);
  g_clear_pointer (&self->cancelled, g_source_unref);
  g_clear_object (&self->task);
  g_free (self);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const Call *first = *(Call *const *) a;
  const Call *second = *(Call *const *) b;

  return first->id < second->id ? -1 : first->id > second->id;
}

/* Returns: (transfer full): the calls whose deadline is not after @time, in the order of their ids;
 *   @next: the earliest deadline of the others */
static GPtrArray *
take_due (VpPending *self, gint64 time, gint64 *next)
{
  GPtrArray *due = g_ptr_array_new_with_free_func (call_free);
  GHashTableIter iter;
  gpointer value;

  *next = G_MAXINT64;
  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Call *call = value;

      if (call->deadline > time)
        {
          *next = MIN (*next, call->deadline);
          continue;
        }
      g_hash_table_iter_steal (&iter);
      g_ptr_array_add (due, call);
    }
  g_ptr_array_sort (due, compare_ids);
  return due;
}

static gboolean
on_deadline (gpointer user_data)
{
  VpPending *self = user_data;
  g_autoptr (GPtrArray) due = NULL;
  gint64 next;

  due = take_due (self, g_source_get_time (self->timer), &next);
  g_source_set_ready_time (self->timer, next == G_MAXINT64 ? -1 : next);
  self->n_abandoned += due->len;

  /* the tasks hold the client and so its pending calls, until the last one has returned */
  for (guint i = 0; i < due->len; i++)
    {
      GTask *task = ((Call *) due->pdata[i])->task;

      g_task_return_new_error (task, VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT, "no reply to %s in time",
                               g_task_get_name (task));
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (GTask) task = NULL;

  call->owner->n_abandoned++;
  task = vp_pending_take (call->owner, call->id);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the wait for %s was cancelled",
                           g_task_get_name (task));
  return G_SOURCE_REMOVE;
}

void
vp_pending_add (VpPending *self, gint64 id, GTask *task, guint timeout_ms)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  gint64 ready = g_source_get_ready_time (self->timer);
  Call *call = g_new0 (Call, 1);

  call->owner = self;
  call->id = id;
  call->task = g_object_ref (task);
  call->deadline = G_MAXINT64;
  if (timeout_ms > 0)
    {
      call->deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
      if (ready < 0 || call->deadline < ready)
        g_source_set_ready_time (self->timer, call->deadline);
    }
  if (cancellable != NULL)
    {
      call->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (call->cancelled, G_SOURCE_FUNC (on_cancelled), call, NULL);
      g_source_attach (call->cancelled, g_task_get_context (task));
    }
  g_hash_table_insert (self->calls, &call->id, call);
}

GTask *
vp_pending_take (VpPending *self, gint64 id)
{
  Call *call = g_hash_table_lookup (self->calls, &id);
  GTask *task = NULL;

  if (call == NULL)
    return NULL;

  task = g_object_ref (call->task);
  g_hash_table_remove (self->calls, &id);
  return task;
}

gint64
vp_pending_get_only (VpPending *self)
{
  GHashTableIter iter;
  gpointer call;

  if (self->n_abandoned > 0 || g_hash_table_size (self->calls) != 1)
    return 0;

  g_hash_table_iter_init (&iter, self->calls);
  g_hash_table_iter_next (&iter, NULL, &call);
  return ((Call *) call)->id;
}

void
vp_pending_forget_abandoned (VpPending *self)
{
  if (self->n_abandoned > 0)
    self->n_abandoned--;
}

void
vp_pending_fail_all (VpPending *self, const GError *reason)
{
  g_autoptr (GPtrArray) calls = NULL;
  gint64 next;

  calls = take_due (self, G_MAXINT64, &next);
  for (guint i = 0; i < calls->len; i++)
    g_task_return_error (((Call *) calls->pdata[i])->task, g_error_copy (reason));
}

VpPending *
vp_pending_new (void)
{
  static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };
  VpPending *self = g_new0 (VpPending, 1);

  self->calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, call_free);
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_deadline, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
  return self;
}

void
vp_pending_free (VpPending *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->calls);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_free (self);
}
