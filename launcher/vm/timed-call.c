#include "launcher/vm/timed-call.h"

/* Shared by who waits and the thread. */
typedef struct
{
  void (*work) (gpointer data);
  void (*late) (gpointer data);
  gpointer data;
  GDestroyNotify free_data;
  GMutex mutex;
  GCond changed;
  gboolean has_ended;
  gboolean is_abandoned;
} Call;

static void
call_clear (gpointer data)
{
  Call *call = data;

  g_mutex_clear (&call->mutex);
  g_cond_clear (&call->changed);
}

static gpointer
run (gpointer user_data)
{
  Call *call = user_data;
  gboolean is_abandoned;

  call->work (call->data);

  g_mutex_lock (&call->mutex);
  call->has_ended = TRUE;
  is_abandoned = call->is_abandoned;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->mutex);

  if (is_abandoned)
    {
      call->late (call->data);
      call->free_data (call->data);
    }
  g_atomic_rc_box_release_full (call, call_clear);
  return NULL;
}

static gboolean
wait_until (Call *call, gint64 end_us)
{
  gboolean has_ended;

  g_mutex_lock (&call->mutex);
  while (!call->has_ended && g_cond_wait_until (&call->changed, &call->mutex, end_us))
    ;
  has_ended = call->has_ended;
  call->is_abandoned = !has_ended;
  g_mutex_unlock (&call->mutex);
  return has_ended;
}

gboolean
vp_timed_call (void (*work) (gpointer data),
               void (*late) (gpointer data),
               gpointer data,
               GDestroyNotify free_data,
               gint64 end_us)
{
  Call *call;
  GThread *thread;
  gboolean has_ended;

  if (end_us == VP_TIMED_CALL_NO_END)
    {
      work (data);
      return TRUE;
    }

  call = g_atomic_rc_box_new0 (Call);
  call->work = work;
  call->late = late;
  call->data = data;
  call->free_data = free_data;
  g_mutex_init (&call->mutex);
  g_cond_init (&call->changed);

  thread = g_thread_new ("timed-call", run, g_atomic_rc_box_acquire (call));
  has_ended = wait_until (call, end_us);
  if (has_ended)
    g_thread_join (thread);
  else
    g_thread_unref (thread);
  g_atomic_rc_box_release_full (call, call_clear);
  return has_ended;
}
