#include "launcher/vm/hotplug.h"

#include "devices/device-id.h"
#include "devices/error.h"
#include "devices/siblings.h"
#include "devices/slot-map.h"
#include "launcher/error.h"
#include "launcher/vm/attachment-list.h"
#include "launcher/vm/gathering.h"
#include "launcher/vm/slot-mates.h"
#include "qmp/message.h"

struct _VpHotplug
{
  GObject parent_instance;

  const VpBlueprint *blueprint;
  VpHostClaims *claims;
  VpQmpClient *client; /* nullable: not running */
  VpSlotMap *slots;
  GPtrArray *attachments; /* (element-type VpAttachment): in the order they came */
  GPtrArray *mates;       /* (element-type VpSlotMates): who of them shares a slot */
  gboolean ready;
  gboolean gone;
  GError *left_behind; /* nullable: why the first host function did not go back */
};

G_DEFINE_FINAL_TYPE (VpHotplug, vp_hotplug, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* Returns: (nullable): those that @attachment shares its slot with */
static VpSlotMates *
find_mates (VpHotplug *self, VpAttachment *attachment)
{
  for (guint i = 0; i < self->mates->len; i++)
    if (vp_slot_mates_has (self->mates->pdata[i], attachment))
      return self->mates->pdata[i];
  return NULL;
}

static void
on_changed (VpAttachment *attachment, gpointer user_data)
{
  VpHotplug *self = VP_HOTPLUG (user_data);
  const GError *host_error = vp_attachment_get_host_error (attachment);

  if (host_error != NULL && self->left_behind == NULL)
    self->left_behind = g_error_copy (host_error);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, vp_attachment_get_id (attachment),
                 (int) vp_attachment_get_state (attachment));
}

static void
forget (VpHotplug *self, VpAttachment *attachment)
{
  g_signal_handlers_disconnect_by_data (attachment, self);
  g_ptr_array_remove (self->attachments, attachment);
}

static void
on_released (VpAttachment *attachment, gpointer user_data)
{
  VpHotplug *self = VP_HOTPLUG (user_data);
  VpSlotMates *mates = find_mates (self, attachment);

  vp_slot_map_release (self->slots, vp_attachment_get_id (attachment));
  if (mates != NULL && vp_slot_mates_is_over (mates))
    g_ptr_array_remove (self->mates, mates);
  /* What was declared and failed stays to be seen in the status; anything else has been told. */
  if (vp_attachment_get_state (attachment) == VP_DEVICE_FAILED &&
      vp_plan_find_device (self->blueprint->plan, vp_attachment_get_id (attachment)) != NULL)
    return;
  forget (self, attachment);
}

static VpSlotMates *
add_mates (VpHotplug *self)
{
  VpSlotMates *mates = vp_slot_mates_new ();

  g_ptr_array_add (self->mates, mates);
  return mates;
}

static VpAttachment *
add_attachment (VpHotplug *self, VpSlotMates *mates, VpAttachmentFacts *facts)
{
  const VpPlan *plan = self->blueprint->plan;
  g_autofree char *guest_path = vp_plan_guest_path (plan, &facts->place);
  VpAttachment *attachment;

  facts->guest_path = guest_path;
  facts->machine = plan->root.machine;
  facts->repeat_delete =
      self->blueprint->config->hotplug_mode == VP_HOTPLUG_ACPI &&
      vp_plan_port_has_acpi_hotplug (vp_plan_find_port (plan, facts->place.port));
  facts->claims = self->claims;
  attachment = vp_attachment_new (facts);
  g_signal_connect (attachment, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect (attachment, "released", G_CALLBACK (on_released), self);
  g_ptr_array_add (self->attachments, attachment);
  vp_slot_mates_join (mates, attachment);
  return attachment;
}

void
vp_hotplug_mark_taken (VpHotplug *self, const VpPciFunction *function)
{
  for (guint i = 0; i < self->attachments->len; i++)
    if (vp_attachment_get_facts (self->attachments->pdata[i])->function == function)
      vp_attachment_set_taken (self->attachments->pdata[i]);
}

void
vp_hotplug_set_running (VpHotplug *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  for (guint i = 0; i < self->attachments->len; i++)
    vp_attachment_set_running (self->attachments->pdata[i], client);
  if (self->ready) /* the guest has shown so before QEMU's reply was read */
    vp_hotplug_set_ready (self);
}

void
vp_hotplug_set_ready (VpHotplug *self)
{
  g_autoptr (GPtrArray) all = vp_attachment_list_copy (self->mates);

  self->ready = TRUE;
  for (guint i = 0; self->client != NULL && i < all->len; i++)
    vp_slot_mates_add (all->pdata[i]);
}

gboolean
vp_hotplug_holds_group (VpHotplug *self, int group)
{
  return vp_attachment_list_holds_group (self->attachments, group);
}

gboolean
vp_hotplug_holds_mediated (VpHotplug *self, const char *uuid)
{
  return vp_attachment_list_find_mediated (self->attachments, uuid) != NULL;
}

static char *
make_id (VpHotplug *self, const VpAttachSource *source, const VpPciFunction *function)
{
  if (source->spec->id != NULL)
    return g_strdup (source->spec->id);
  if (function != NULL)
    return vp_device_id_from_address (&function->address);
  if (vp_device_spec_is_mediated (source->spec))
    return vp_device_id_from_uuid (source->spec->ref.uuid);

  for (guint n = 0;; n++)
    {
      g_autofree char *id = vp_device_id_from_driver (source->spec->driver, n);

      if (vp_attachment_list_find (self->attachments, id) == NULL)
        return g_steal_pointer (&id);
    }
}

/* A device that failed makes room for another try. */
static gboolean
check_not_attached (VpHotplug *self,
                    const char *id,
                    const VpDeviceSpec *spec,
                    const VpPciFunction *function,
                    GError **error)
{
  g_autoptr (GPtrArray) all = vp_attachment_list_copy (self->attachments);

  for (guint i = 0; i < all->len; i++)
    {
      VpAttachment *other = all->pdata[i];
      gboolean same_id = g_str_equal (vp_attachment_get_id (other), id);

      if (!same_id && !vp_attachment_facts_are_of (vp_attachment_get_facts (other), spec, function))
        continue;
      if (vp_attachment_get_state (other) != VP_DEVICE_FAILED ||
          vp_attachment_is_host_changing (other))
        {
          g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                       "the VM already has %s%s, which is %s%s", vp_attachment_get_id (other),
                       same_id ? "" : " for that host device",
                       vp_device_state_to_string (vp_attachment_get_state (other)),
                       vp_attachment_is_host_changing (other) ? " and changing its host driver"
                                                              : "");
          return FALSE;
        }
      forget (self, other);
    }
  return TRUE;
}

/* Takes a place for the functions of @device, which @spec stands for. */
static gboolean
reserve (VpHotplug *self,
         const VpDeviceSpec *spec,
         VpSlotRequest *requests,
         const GPtrArray *device,
         GError **error)
{
  for (guint i = 0; i < device->len; i++)
    if (!check_not_attached (self, requests[i].id, spec, requests[i].function, error))
      return FALSE;
  return vp_slot_map_reserve (self->slots, requests, device->len,
                              self->blueprint->config->large_bar, error);
}

/* Adds the functions of one host device, @device, whose outcomes @parts wait for. */
static void
attach_device (VpHotplug *self,
               VpAttachSource *source,
               const GPtrArray *device,
               guint timeout_ms,
               gpointer *parts)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autofree VpSlotRequest *requests = g_new0 (VpSlotRequest, device->len);
  g_autoptr (GPtrArray) attachments = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (VpSlotMates) mates = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < device->len; i++)
    {
      g_ptr_array_add (ids, make_id (self, source, device->pdata[i]));
      requests[i] = (VpSlotRequest){ .id = ids->pdata[i], .function = device->pdata[i] };
    }
  if (!reserve (self, source->spec, requests, device, &error))
    {
      for (guint i = 0; i < device->len; i++)
        g_task_return_error (parts[i], g_error_copy (error));
      return;
    }

  mates = g_object_ref (add_mates (self));
  for (guint i = 0; i < device->len; i++)
    {
      VpAttachmentFacts facts = { .id = requests[i].id,
                                  .source = source,
                                  .spec = source->spec,
                                  .function = requests[i].function,
                                  .plug = VP_PLUG_HOT,
                                  .place = requests[i].place };
      VpAttachment *attachment = add_attachment (self, mates, &facts);

      g_ptr_array_add (attachments, g_object_ref (attachment));
      vp_attachment_set_running (attachment, self->client);
      vp_attachment_wait_usable (attachment, g_object_ref (parts[i]), timeout_ms);
    }
  for (guint i = 0; i < attachments->len; i++)
    vp_attachment_take (attachments->pdata[i]);
  if (self->ready)
    vp_slot_mates_add (mates);
}

void
vp_hotplug_attach_async (VpHotplug *self,
                         VpAttachSource *source,
                         GPtrArray *functions,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) devices = vp_siblings_split (functions);
  g_autoptr (GPtrArray) parts = NULL;
  guint n_begun = 0;

  g_task_set_source_tag (task, vp_hotplug_attach_async);
  if (self->client == NULL || self->gone)
    {
      g_autofree char *id = make_id (self, source, functions->pdata[0]);

      g_task_return_new_error (task, VP_ERROR, VP_ERROR_STATE, "%s: the VM is not running", id);
      return;
    }

  parts = vp_gathering_new (g_steal_pointer (&task), functions->len);
  for (guint i = 0; i < devices->len; i++)
    {
      const GPtrArray *device = devices->pdata[i];

      attach_device (self, source, device, timeout_ms, &parts->pdata[n_begun]);
      n_begun += device->len;
    }
}

JsonObject *
vp_hotplug_attach_finish (VpHotplug *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
remove_attachment (VpHotplug *self, VpAttachment *attachment, GTask *task, guint timeout_ms)
{
  VpSlotMates *mates = find_mates (self, attachment);
  GError *error = NULL;

  if (mates != NULL)
    {
      vp_slot_mates_remove (mates, attachment, task, timeout_ms);
      return;
    }
  /* All of its slot is over, but it is still on its way back to its driver, or kept to be seen. */
  vp_attachment_check_removable (attachment, &error);
  g_task_return_error (task, error);
  g_object_unref (task);
}

void
vp_hotplug_detach_async (VpHotplug *self,
                         const char *id,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  VpAttachment *attachment = vp_attachment_list_find (self->attachments, id);

  g_task_set_source_tag (task, vp_hotplug_detach_async);
  if (attachment == NULL || self->gone)
    g_task_return_new_error (task, VP_ERROR, VP_ERROR_NO_DEVICE, "the VM has no device “%s”", id);
  else
    remove_attachment (self, attachment, g_steal_pointer (&task), timeout_ms);
}

JsonObject *
vp_hotplug_detach_finish (VpHotplug *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vp_hotplug_handle_event (VpHotplug *self, const char *name, JsonObject *data)
{
  if (g_str_equal (name, "DEVICE_DELETED"))
    {
      /* It also comes for the parts of a device, with a path and no id. */
      VpAttachment *attachment =
          vp_attachment_list_find (self->attachments, vp_qmp_message_get_string (data, "device"));

      if (attachment != NULL)
        vp_attachment_step (attachment, VP_DEVICE_EVENT_DELETED, NULL);
    }
  else if (g_str_equal (name, "RESET"))
    for (guint i = 0; i < self->attachments->len; i++)
      vp_attachment_handle_reset (self->attachments->pdata[i]);
}

void
vp_hotplug_set_gone (VpHotplug *self)
{
  g_autoptr (GPtrArray) all = vp_attachment_list_copy (self->attachments);

  self->gone = TRUE;
  g_ptr_array_set_size (self->mates, 0); /* nothing is added or removed any more */
  for (guint i = 0; i < all->len; i++)
    vp_attachment_handle_gone (all->pdata[i]);
}

gboolean
vp_hotplug_is_idle (VpHotplug *self)
{
  return vp_attachment_list_find_changing (self->attachments) == NULL;
}

gboolean
vp_hotplug_check_given_back (VpHotplug *self, GError **error)
{
  VpAttachment *changing = vp_attachment_list_find_changing (self->attachments);

  if (changing != NULL)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                   "%s has left the VM, but its driver is still taking it back",
                   vp_attachment_get_id (changing));
      return FALSE;
    }

  if (self->left_behind == NULL || !vp_host_claims_is_owing (self->claims))
    return TRUE;
  g_propagate_error (error, g_error_copy (self->left_behind));
  return FALSE;
}

void
vp_hotplug_add_status (VpHotplug *self, JsonObject *status)
{
  JsonArray *devices = json_array_new ();
  JsonObject *ports = json_object_new ();
  guint total, spare;

  for (guint i = 0; i < self->attachments->len; i++)
    json_array_add_object_element (devices, vp_attachment_to_json (self->attachments->pdata[i]));
  json_object_set_array_member (status, "devices", devices);

  vp_slot_map_count (self->slots, &total, &spare);
  json_object_set_int_member (ports, "total", total);
  json_object_set_int_member (ports, "spare", spare);
  json_object_set_object_member (status, "ports", ports);
}

static void
vp_hotplug_dispose (GObject *object)
{
  VpHotplug *self = VP_HOTPLUG (object);

  while (self->attachments->len > 0)
    forget (self, self->attachments->pdata[self->attachments->len - 1]);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_hotplug_parent_class)->dispose (object);
}

static void
vp_hotplug_finalize (GObject *object)
{
  VpHotplug *self = VP_HOTPLUG (object);

  g_ptr_array_unref (self->attachments);
  g_ptr_array_unref (self->mates);
  vp_host_claims_unref (self->claims);
  vp_slot_map_free (self->slots);
  g_clear_error (&self->left_behind);

  G_OBJECT_CLASS (vp_hotplug_parent_class)->finalize (object);
}

static void
vp_hotplug_class_init (VpHotplugClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_hotplug_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_hotplug_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_HOTPLUG, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_INT);
}

static void
vp_hotplug_init (VpHotplug *self)
{
  self->attachments = g_ptr_array_new_with_free_func (g_object_unref);
  self->mates = g_ptr_array_new_with_free_func (g_object_unref);
}

/* Those that the plan has put into the slot of its device @index before; or new ones. */
static VpSlotMates *
mates_of_plan (VpHotplug *self, guint index)
{
  const GPtrArray *devices = self->blueprint->plan->devices;
  const VpPlanDevice *device = devices->pdata[index];

  for (guint i = 0; i < index; i++)
    {
      const VpPlanDevice *other = devices->pdata[i];

      if (other->slot == device->slot && g_str_equal (other->bus, device->bus))
        return find_mates (self, vp_attachment_list_find (self->attachments, other->id));
    }
  return add_mates (self);
}

VpHotplug *
vp_hotplug_new (const VpBlueprint *blueprint, VpBindings *bindings)
{
  VpHotplug *self = g_object_new (VP_TYPE_HOTPLUG, NULL);

  self->blueprint = blueprint;
  self->claims = vp_host_claims_new (bindings);
  self->slots = vp_slot_map_new (blueprint->plan);
  for (guint i = 0; i < blueprint->plan->devices->len; i++)
    {
      const VpPlanDevice *device = blueprint->plan->devices->pdata[i];
      VpAttachmentFacts facts = { .id = device->id,
                                  .spec = blueprint->specs->pdata[i],
                                  .function = device->function,
                                  .plug = device->plug,
                                  .place = vp_plan_device_place (device) };

      add_attachment (self, mates_of_plan (self, i), &facts);
    }
  return self;
}
