#include "launcher/vm/attach-call.h"

#include "devices/error.h"
#include "devices/siblings.h"
#include "launcher/vm/attach-batch.h"

/* Functions of one host device that are to share a new slot. */
typedef struct
{
  GPtrArray *ids;
  VpSlotRequest *requests; /* as many as ids */
} Wish;

static void
wish_free (gpointer data)
{
  Wish *wish = data;

  g_ptr_array_unref (wish->ids);
  g_free (wish->requests);
  g_free (wish);
}

/* Sorts the functions of @device: those that the VM has already, and those that want a slot. */
static void
sort_out (VpDeviceRegistry *registry,
          const VpAttachCall *call,
          const GPtrArray *device,
          GPtrArray *present,
          GPtrArray *wishes)
{
  Wish *wish = g_new0 (Wish, 1);

  wish->ids = g_ptr_array_new_with_free_func (g_free);
  wish->requests = g_new0 (VpSlotRequest, device->len);
  for (guint i = 0; i < device->len; i++)
    {
      VpAttachment *there = vp_device_registry_find (registry, call->source, device->pdata[i]);
      guint n = wish->ids->len;

      if (there != NULL)
        {
          g_ptr_array_add (present, there);
          continue;
        }
      g_ptr_array_add (wish->ids,
                       vp_device_registry_make_id (registry, call->source, device->pdata[i]));
      wish->requests[n] =
          (VpSlotRequest){ .id = wish->ids->pdata[n], .function = device->pdata[i] };
    }
  if (wish->ids->len > 0)
    g_ptr_array_add (wishes, wish);
  else
    wish_free (wish);
}

static gboolean
reserve_all (VpDeviceRegistry *registry, const GPtrArray *wishes, GError **error)
{
  VpSlotMap *slots = vp_device_registry_get_slots (registry);

  for (guint i = 0; i < wishes->len; i++)
    {
      const Wish *wish = wishes->pdata[i];

      if (vp_device_registry_reserve (registry, wish->requests, wish->ids->len, error))
        continue;
      while (i > 0)
        {
          wish = wishes->pdata[--i];
          for (guint j = 0; j < wish->ids->len; j++)
            vp_slot_map_release (slots, wish->ids->pdata[j]);
        }
      return FALSE;
    }
  return TRUE;
}

/* Whether the VM can give out @device, which it has, once more. */
static gboolean
check_countable (VpAttachment *device, const char *id, GError **error)
{
  VpDeviceState state = vp_attachment_get_state (device);
  gboolean is_leaving = state == VP_DEVICE_PENDING_REMOVAL || vp_device_state_is_over (state);

  if (!is_leaving && (id == NULL || g_str_equal (id, vp_attachment_get_facts (device)->id)))
    return TRUE;
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
               "the VM already has %s for that host device, which is %s",
               vp_attachment_get_facts (device)->id, vp_device_state_to_string (state));
  return FALSE;
}

/* Returns: (nullable) (element-type VpSlotMates): the slots of @present, counted once more */
static GPtrArray *
count_up (VpDeviceRegistry *registry, const GPtrArray *present, const char *id, GError **error)
{
  g_autoptr (GPtrArray) counted = g_ptr_array_new ();

  for (guint i = 0; i < present->len; i++)
    {
      VpSlotMates *mates = vp_device_registry_find_mates (registry, present->pdata[i]);
      gboolean is_new = !g_ptr_array_find (counted, mates, NULL);

      if (check_countable (present->pdata[i], id, error) &&
          (!is_new || vp_slot_mates_count_up (mates, error)))
        {
          if (is_new)
            g_ptr_array_add (counted, mates);
          continue;
        }
      for (guint j = 0; j < counted->len; j++)
        vp_slot_mates_count_down (counted->pdata[j]);
      return NULL;
    }
  return g_steal_pointer (&counted);
}

/* Makes the devices of @wish, whose outcomes @parts wait for. */
static VpSlotMates *
begin (VpDeviceRegistry *registry, const VpAttachCall *call, const Wish *wish, gpointer *parts)
{
  VpSlotMates *mates = NULL;

  for (guint i = 0; i < wish->ids->len; i++)
    {
      VpAttachmentFacts facts = { .id = wish->ids->pdata[i],
                                  .source = call->source,
                                  .spec = call->source->spec,
                                  .function = wish->requests[i].function,
                                  .plug = VP_PLUG_HOT,
                                  .place = wish->requests[i].place };
      VpAttachment *attachment;

      mates = vp_device_registry_add (registry, mates, &facts, &attachment);
      vp_attachment_set_paused (attachment, call->is_paused);
      vp_attachment_set_running (attachment, call->client);
      vp_attachment_wait_usable (attachment, g_object_ref (parts[i]), call->timeout_ms);
    }
  return mates;
}

static void
begin_all (VpDeviceRegistry *registry,
           const VpAttachCall *call,
           const GPtrArray *wishes,
           VpAttachBatch *batch,
           gpointer *parts)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < wishes->len; i++)
    {
      const Wish *wish = wishes->pdata[i];
      VpSlotMates *mates = begin (registry, call, wish, parts);

      vp_attach_batch_add_new (batch, mates);
      g_ptr_array_add (all, g_object_ref (mates));
      parts += wish->ids->len;
    }
  for (guint i = 0; call->is_ready && i < all->len; i++)
    vp_slot_mates_add (all->pdata[i]);
}

void
vp_attach_call (VpDeviceRegistry *registry, const VpAttachCall *call, GTask *task)
{
  g_autoptr (GTask) owned = task;
  g_autoptr (GPtrArray) devices = vp_siblings_split (call->functions);
  g_autoptr (GPtrArray) present = g_ptr_array_new ();
  g_autoptr (GPtrArray) wishes = g_ptr_array_new_with_free_func (wish_free);
  g_autoptr (GPtrArray) counted = NULL;
  g_autoptr (GPtrArray) parts = NULL;
  g_autoptr (VpAttachBatch) batch = vp_attach_batch_new ();
  GError *error = NULL;

  for (guint i = 0; i < devices->len; i++)
    sort_out (registry, call, devices->pdata[i], present, wishes);
  if (vp_device_registry_check_backend (registry, call->source->spec, &error))
    counted = count_up (registry, present, call->source->spec->id, &error);
  if (counted == NULL || !reserve_all (registry, wishes, &error))
    {
      for (guint i = 0; counted != NULL && i < counted->len; i++)
        vp_slot_mates_count_down (counted->pdata[i]);
      g_task_return_error (owned, error);
      return;
    }

  parts = vp_attach_batch_gather (batch, g_steal_pointer (&owned), call->functions->len,
                                  call->timeout_ms);
  for (guint i = 0; i < counted->len; i++)
    vp_attach_batch_add_counted (batch, counted->pdata[i]);
  for (guint i = 0; i < present->len; i++)
    vp_attachment_wait_usable (present->pdata[i], g_object_ref (parts->pdata[i]), call->timeout_ms);
  begin_all (registry, call, wishes, batch, &parts->pdata[present->len]);
}
