#include "launcher/vm/attach-batch.h"

#include "launcher/vm/gathering.h"

struct _VpAttachBatch
{
  GObject parent_instance;

  GPtrArray *new_mates; /* (element-type VpSlotMates) */
  GPtrArray *counted;   /* (element-type VpSlotMates) */
  gint64 deadline_us;   /* on GLib's monotonic clock */
  GError *error;        /* nullable: what is told once it is rolled back */
};

G_DEFINE_FINAL_TYPE (VpAttachBatch, vp_attach_batch, G_TYPE_OBJECT)

/* What becomes of it from now on concerns each device alone. */
static void
disconnect (VpAttachBatch *self)
{
  for (guint i = 0; i < self->new_mates->len; i++)
    {
      const GPtrArray *members = vp_slot_mates_get_members (self->new_mates->pdata[i]);

      for (guint j = 0; j < members->len; j++)
        g_signal_handlers_disconnect_by_data (members->pdata[j], self);
    }
}

static void
roll_back (VpAttachBatch *self, const GError *why)
{
  disconnect (self);
  for (guint i = self->new_mates->len; i > 0; i--)
    vp_slot_mates_abandon (self->new_mates->pdata[i - 1], why);
  for (guint i = 0; i < self->counted->len; i++)
    vp_slot_mates_count_down (self->counted->pdata[i]);
}

/* QEMU opens a group only when all of it is there; and they are added in the order of the batch. */
static void
let_go (VpAttachBatch *self)
{
  for (guint i = 0; i < self->new_mates->len; i++)
    vp_slot_mates_set_held (self->new_mates->pdata[i], FALSE);
}

/* Whether all have come as far as @least, which is a state on the way to usable. */
static gboolean
have_reached (VpAttachBatch *self, VpDeviceState least)
{
  for (guint i = 0; i < self->new_mates->len; i++)
    {
      const GPtrArray *members = vp_slot_mates_get_members (self->new_mates->pdata[i]);

      for (guint j = 0; j < members->len; j++)
        if (vp_attachment_get_state (members->pdata[j]) < least)
          return FALSE;
    }
  return TRUE;
}

static void
on_stepped (VpAttachment *member, gpointer user_data)
{
  g_autoptr (VpAttachBatch) self = g_object_ref (VP_ATTACH_BATCH (user_data));
  const GError *failure = vp_attachment_get_view (member).failure;
  VpDeviceState state = vp_attachment_get_state (member);

  if (failure != NULL)
    roll_back (self, failure);
  else if (vp_device_state_is_over (state))
    {
      disconnect (self); /* somebody has taken it out again, and knows what they want */
      let_go (self);
    }
  else if (have_reached (self, VP_DEVICE_USABLE))
    disconnect (self);
  else if (state == VP_DEVICE_BOUND && have_reached (self, VP_DEVICE_BOUND))
    let_go (self);
}

static void
unref_batch (gpointer data, GClosure *closure)
{
  g_object_unref (data);
}

void
vp_attach_batch_add_new (VpAttachBatch *self, VpSlotMates *mates)
{
  const GPtrArray *members = vp_slot_mates_get_members (mates);

  g_ptr_array_add (self->new_mates, g_object_ref (mates));
  vp_slot_mates_set_held (mates, TRUE);
  for (guint i = 0; i < members->len; i++)
    g_signal_connect_data (members->pdata[i], "stepped", G_CALLBACK (on_stepped),
                           g_object_ref (self), unref_batch, 0);
}

void
vp_attach_batch_add_counted (VpAttachBatch *self, VpSlotMates *mates)
{
  g_ptr_array_add (self->counted, g_object_ref (mates));
}

static void
on_rolled_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  VpAttachBatch *self = g_task_get_task_data (task);
  g_autoptr (JsonObject) document = g_task_propagate_pointer (G_TASK (result), NULL);

  g_task_return_error (task, g_steal_pointer (&self->error));
}

/* Returns: (element-type VpAttachment): what the guest has not let go of yet */
static GPtrArray *
list_leaving (VpAttachBatch *self)
{
  GPtrArray *leaving = g_ptr_array_new ();

  for (guint i = 0; i < self->new_mates->len; i++)
    {
      const GPtrArray *members = vp_slot_mates_get_members (self->new_mates->pdata[i]);

      for (guint j = 0; j < members->len; j++)
        if (vp_attachment_get_state (members->pdata[j]) == VP_DEVICE_PENDING_REMOVAL)
          g_ptr_array_add (leaving, members->pdata[j]);
    }
  return leaving;
}

static void
on_gathered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  VpAttachBatch *self = g_task_get_task_data (task);
  JsonObject *document = g_task_propagate_pointer (G_TASK (result), &self->error);
  gint64 left_us = MAX (self->deadline_us - g_get_monotonic_time (), 0);
  g_autoptr (GPtrArray) leaving = list_leaving (self);
  g_autoptr (GPtrArray) parts = NULL;

  if (self->error == NULL)
    g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
  else if (leaving->len == 0)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else
    {
      parts = vp_gathering_new (g_task_new (NULL, NULL, on_rolled_back, g_steal_pointer (&task)),
                                leaving->len);
      for (guint i = 0; i < leaving->len; i++)
        vp_attachment_wait_removed (leaving->pdata[i], g_object_ref (parts->pdata[i]),
                                    (guint) (left_us / G_TIME_SPAN_MILLISECOND));
    }
}

GPtrArray *
vp_attach_batch_gather (VpAttachBatch *self, GTask *task, guint n_parts, guint timeout_ms)
{
  self->deadline_us = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_task_set_task_data (task, g_object_ref (self), g_object_unref);
  return vp_gathering_new (g_task_new (NULL, NULL, on_gathered, task), n_parts);
}

static void
vp_attach_batch_finalize (GObject *object)
{
  VpAttachBatch *self = VP_ATTACH_BATCH (object);

  g_ptr_array_unref (self->new_mates);
  g_ptr_array_unref (self->counted);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (vp_attach_batch_parent_class)->finalize (object);
}

static void
vp_attach_batch_class_init (VpAttachBatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_attach_batch_finalize;
}

static void
vp_attach_batch_init (VpAttachBatch *self)
{
  self->new_mates = g_ptr_array_new_with_free_func (g_object_unref);
  self->counted = g_ptr_array_new_with_free_func (g_object_unref);
}

VpAttachBatch *
vp_attach_batch_new (void)
{
  return g_object_new (VP_TYPE_ATTACH_BATCH, NULL);
}
