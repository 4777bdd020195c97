#include "launcher/vm/hotplug.h"

#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/attach-call.h"
#include "launcher/vm/attachment-list.h"
#include "launcher/vm/gathering.h"
#include "qmp/message.h"

struct _VpHotplug
{
  GObject parent_instance;

  VpDeviceRegistry *registry;
  GPtrArray *devices;  /* (element-type VpAttachment): the registry's */
  VpQmpClient *client; /* nullable: not running */
  gboolean ready;
  gboolean paused;
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

static void
on_changed (VpDeviceRegistry *registry, VpAttachment *device, gpointer user_data)
{
  VpHotplug *self = VP_HOTPLUG (user_data);
  const GError *host_error = vp_attachment_get_view (device).host_error;

  if (host_error != NULL && self->left_behind == NULL)
    self->left_behind = g_error_copy (host_error);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, vp_attachment_get_facts (device)->id,
                 (int) vp_attachment_get_state (device));
}

void
vp_hotplug_set_bounce_ms (VpHotplug *self, guint bounce_ms)
{
  vp_device_registry_set_bounce_ms (self->registry, bounce_ms);
}

void
vp_hotplug_mark_taken (VpHotplug *self, const VpPciFunction *function)
{
  for (guint i = 0; i < self->devices->len; i++)
    if (vp_attachment_get_facts (self->devices->pdata[i])->function == function)
      vp_attachment_set_taken (self->devices->pdata[i]);
}

void
vp_hotplug_set_running (VpHotplug *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  for (guint i = 0; i < self->devices->len; i++)
    vp_attachment_set_running (self->devices->pdata[i], client);
  if (self->ready) /* the guest has shown so before QEMU's reply was read */
    vp_hotplug_set_ready (self);
}

void
vp_hotplug_set_ready (VpHotplug *self)
{
  g_autoptr (GPtrArray) all =
      vp_attachment_list_copy (vp_device_registry_list_mates (self->registry));

  self->ready = TRUE;
  for (guint i = 0; self->client != NULL && i < all->len; i++)
    vp_slot_mates_add (all->pdata[i]);
  /* Where firmware put the cold ones the guest may have changed since, as after a reset. */
  for (guint i = 0; self->client != NULL && i < self->devices->len; i++)
    if (vp_attachment_get_state (self->devices->pdata[i]) == VP_DEVICE_USABLE)
      vp_attachment_handle_reset (self->devices->pdata[i]);
}

gboolean
vp_hotplug_holds_mediated (VpHotplug *self, const char *uuid)
{
  return vp_attachment_list_find_mediated (self->devices, uuid) != NULL;
}

gboolean
vp_hotplug_holds_socket (VpHotplug *self, const char *path)
{
  return vp_attachment_list_find_socket (self->devices, path) != NULL;
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
  VpAttachCall call = {
    .source = source,
    .functions = functions,
    .client = self->client,
    .is_paused = self->paused,
    .is_ready = self->ready,
    .timeout_ms = timeout_ms,
  };

  g_task_set_source_tag (task, vp_hotplug_attach_async);
  if (self->client == NULL || self->gone)
    g_task_return_new_error (task, VP_ERROR, VP_ERROR_STATE, "%s: the VM is not running",
                             source->spec->text);
  else
    vp_attach_call (self->registry, &call, g_steal_pointer (&task));
}

JsonObject *
vp_hotplug_attach_finish (VpHotplug *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

GStrv
vp_hotplug_find_ids (VpHotplug *self, const VpAttachSource *source, const GPtrArray *functions)
{
  GStrvBuilder *ids = g_strv_builder_new ();
  GStrv found;

  for (guint i = 0; i < functions->len; i++)
    {
      VpAttachment *device = vp_device_registry_find (self->registry, source, functions->pdata[i]);

      if (device != NULL)
        g_strv_builder_add (ids, vp_attachment_get_facts (device)->id);
    }
  found = g_strv_builder_end (ids);
  g_strv_builder_unref (ids);
  return found;
}

gboolean
vp_hotplug_has (VpHotplug *self, const char *id)
{
  return vp_attachment_list_find (self->devices, id) != NULL;
}

/* One detach of the slot of @device. Takes @task. */
static void
detach (VpHotplug *self, VpAttachment *device, gboolean force, guint timeout_ms, GTask *task)
{
  VpSlotMates *mates = vp_device_registry_find_mates (self->registry, device);
  const VpAttachmentView view = vp_attachment_get_view (device);
  g_autoptr (GTask) owned = task;
  JsonObject *document;
  gboolean is_last;

  if (mates == NULL) /* all of its slot is over, but on its way back, or kept to be seen */
    {
      g_task_return_error (owned, vp_attachment_view_not_now (&view));
      return;
    }

  do
    is_last = vp_slot_mates_count_down (mates);
  while (force && !is_last);
  if (is_last)
    {
      vp_slot_mates_remove (mates, device, g_steal_pointer (&owned), timeout_ms);
      return;
    }
  document = vp_attachment_view_to_detached (&view);
  json_object_set_int_member (document, "attach_count", vp_attachment_get_view (device).count);
  json_object_set_double_member (document, "seconds", 0);
  g_task_return_pointer (owned, document, (GDestroyNotify) json_object_unref);
}

/* Returns: (element-type VpAttachment): one device of each slot that @ids stand for, or %NULL */
static GPtrArray *
find_slots (VpHotplug *self, const char *const *ids, GError **error)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      VpAttachment *device = vp_attachment_list_find (self->devices, ids[i]);
      VpSlotMates *mates;

      if (device == NULL || self->gone)
        {
          g_set_error (error, VP_ERROR, VP_ERROR_NO_DEVICE, "the VM has no device “%s”", ids[i]);
          return NULL;
        }
      mates = vp_device_registry_find_mates (self->registry, device);
      if (mates == NULL || g_hash_table_add (seen, mates))
        g_ptr_array_add (devices, device);
    }
  return g_steal_pointer (&devices);
}

void
vp_hotplug_detach_async (VpHotplug *self,
                         const char *const *ids,
                         gboolean force,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) devices = NULL;
  g_autoptr (GPtrArray) parts = NULL;
  GError *error = NULL;

  g_return_if_fail (ids != NULL && ids[0] != NULL);

  g_task_set_source_tag (task, vp_hotplug_detach_async);
  devices = find_slots (self, ids, &error);
  if (devices == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  parts = vp_gathering_new (g_steal_pointer (&task), devices->len);
  for (guint i = 0; i < devices->len; i++)
    g_object_ref (devices->pdata[i]); /* the end of one may be told at once */
  for (guint i = 0; i < devices->len; i++)
    {
      detach (self, devices->pdata[i], force, timeout_ms, g_object_ref (parts->pdata[i]));
      g_object_unref (devices->pdata[i]);
    }
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
          vp_attachment_list_find (self->devices, vp_qmp_message_get_string (data, "device"));

      if (attachment != NULL)
        vp_attachment_handle_deleted (attachment);
    }
  else if (g_str_equal (name, "RESET"))
    for (guint i = 0; i < self->devices->len; i++)
      vp_attachment_handle_reset (self->devices->pdata[i]);
  else if (g_str_equal (name, "STOP") || g_str_equal (name, "RESUME"))
    {
      self->paused = g_str_equal (name, "STOP");
      for (guint i = 0; i < self->devices->len; i++)
        vp_attachment_set_paused (self->devices->pdata[i], self->paused);
    }
}

void
vp_hotplug_set_gone (VpHotplug *self)
{
  g_autoptr (GPtrArray) all = vp_attachment_list_copy (self->devices);

  self->gone = TRUE;
  /* nothing is added or removed any more */
  g_ptr_array_set_size (vp_device_registry_list_mates (self->registry), 0);
  for (guint i = 0; i < all->len; i++)
    vp_attachment_handle_gone (all->pdata[i]);
}

gboolean
vp_hotplug_is_idle (VpHotplug *self)
{
  return vp_attachment_list_find_changing (self->devices) == NULL;
}

gboolean
vp_hotplug_check_given_back (VpHotplug *self, GError **error)
{
  VpAttachment *changing = vp_attachment_list_find_changing (self->devices);

  if (changing != NULL)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                   "%s has left the VM, but its driver is still taking it back",
                   vp_attachment_get_facts (changing)->id);
      return FALSE;
    }

  if (self->left_behind == NULL ||
      !vp_host_claims_is_owing (vp_device_registry_get_claims (self->registry)))
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

  for (guint i = 0; i < self->devices->len; i++)
    {
      const VpAttachmentView view = vp_attachment_get_view (self->devices->pdata[i]);

      json_array_add_object_element (devices, vp_attachment_view_to_json (&view));
    }
  json_object_set_array_member (status, "devices", devices);

  vp_slot_map_count (vp_device_registry_get_slots (self->registry), &total, &spare);
  json_object_set_int_member (ports, "total", total);
  json_object_set_int_member (ports, "spare", spare);
  json_object_set_object_member (status, "ports", ports);
}

static void
vp_hotplug_dispose (GObject *object)
{
  VpHotplug *self = VP_HOTPLUG (object);

  if (self->registry != NULL)
    g_signal_handlers_disconnect_by_data (self->registry, self);
  g_clear_object (&self->registry);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_hotplug_parent_class)->dispose (object);
}

static void
vp_hotplug_finalize (GObject *object)
{
  g_clear_error (&VP_HOTPLUG (object)->left_behind);

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
}

VpHotplug *
vp_hotplug_new (const VpBlueprint *blueprint, VpBindings *bindings)
{
  VpHotplug *self = g_object_new (VP_TYPE_HOTPLUG, NULL);

  self->registry = vp_device_registry_new (blueprint, bindings);
  self->devices = vp_device_registry_list (self->registry);
  g_signal_connect (self->registry, "changed", G_CALLBACK (on_changed), self);
  return self;
}
