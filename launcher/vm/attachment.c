#include "launcher/vm/attachment.h"

#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/bar-watch.h"
#include "launcher/vm/host-change.h"
#include "launcher/vm/waiter.h"
#include "qmp/error.h"

#define REPEAT_DELETE_MS 5000
#define MAX_DELETES      12

struct _VpAttachment
{
  GObject parent_instance;

  char *id;
  VpAttachSource *source; /* nullable */
  const VpDeviceSpec *spec;
  const VpPciFunction *function; /* nullable */
  VpPlug plug;
  char *port;
  char *bus;
  guint8 slot;
  char *guest_path;
  VpMachineType machine;
  gboolean repeat_delete;
  VpBindings *bindings;

  VpQmpClient *client; /* nullable: not running yet */
  VpDeviceState state;
  VpBarWatch *watch;
  gboolean taken;         /* the host function goes back to a driver in the end */
  gboolean host_changing; /* it is on its way from or to that driver */
  GError *failure;        /* nullable: why it failed */
  gint64 started_us;      /* when the attach, or the last detach, began */
  VpWaiter usable;
  VpWaiter removed;
  guint repeat_timer;
  guint n_deletes; /* device_del sent in this removal */
};

G_DEFINE_FINAL_TYPE (VpAttachment, vp_attachment, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_RELEASED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void apply (VpAttachment *self, VpDeviceEvent event);

static double
seconds_since_start (VpAttachment *self)
{
  gint64 milliseconds = (g_get_monotonic_time () - self->started_us) / G_TIME_SPAN_MILLISECOND;

  return (double) milliseconds / 1000.0;
}

static void
answer_usable (VpAttachment *self)
{
  g_autoptr (GTask) task = vp_waiter_take (&self->usable);
  JsonObject *document;

  if (task == NULL)
    return;
  if (self->failure != NULL)
    {
      g_task_return_error (task, g_error_copy (self->failure));
      return;
    }
  if (self->state != VP_DEVICE_USABLE)
    {
      g_task_return_new_error (task, VP_ERROR, VP_ERROR_STATE,
                               "%s was removed before it became usable", self->id);
      return;
    }
  document = vp_attachment_to_json (self);
  json_object_set_double_member (document, "seconds", seconds_since_start (self));
  g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
}

static void
answer_removed (VpAttachment *self, const GError *error)
{
  g_autoptr (GTask) task = vp_waiter_take (&self->removed);
  JsonObject *document;

  if (task == NULL)
    return;
  if (error != NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      return;
    }
  document = json_object_new ();
  json_object_set_string_member (document, "id", self->id);
  json_object_set_string_member (document, "state", vp_device_state_to_string (self->state));
  json_object_set_double_member (document, "seconds", seconds_since_start (self));
  g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
}

static char *
describe_delay (VpAttachment *self)
{
  const VpGuestBars *bars = vp_bar_watch_get_bars (self->watch);

  if (self->state == VP_DEVICE_QUEUED)
    return g_strdup ("the guest is not ready for it");
  if (self->state == VP_DEVICE_ADDING)
    return g_strdup ("QEMU has not answered");
  if (bars == NULL || vp_guest_bars_judge (bars) == VP_BARS_NONE)
    return g_strdup ("the guest has mapped none of its BARs");
  return vp_guest_bars_describe_missing (bars);
}

static void
on_usable_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GTask) task = vp_waiter_take (&self->usable);
  g_autofree char *why = describe_delay (self);

  if (self->failure != NULL)
    g_task_return_error (task, g_error_copy (self->failure));
  else
    g_task_return_new_error (task, VP_ERROR, VP_ERROR_PENDING, "%s is %s after %.1f s: %s",
                             self->id, vp_device_state_to_string (self->state),
                             seconds_since_start (self), why);
}

static void
on_removed_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GTask) task = vp_waiter_take (&self->removed);

  g_task_return_new_error (task, VP_ERROR, VP_ERROR_PENDING,
                           "%s is still held by the guest after %.1f s", self->id,
                           seconds_since_start (self));
}

static void
on_device_add (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply != NULL)
    {
      apply (self, VP_DEVICE_EVENT_ADD_OK);
      return;
    }
  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED))
    return; /* QEMU's end tells the end of everything */

  g_set_error (&self->failure, VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused it: %s", self->id,
               error->message);
  apply (self, VP_DEVICE_EVENT_ADD_FAILED);
}

static void
send_add (VpAttachment *self)
{
  JsonObject *arguments =
      vp_argv_device (self->spec, self->function, self->id, self->bus, self->slot);

  /* No deadline: pinning a large guest's memory takes minutes, and QEMU answers or ends. */
  vp_qmp_client_execute_async (self->client, "device_add", arguments, NULL, 0, NULL, on_device_add,
                               g_object_ref (self));
}

static void
on_mapped (VpBarWatch *watch, gpointer user_data)
{
  apply (VP_ATTACHMENT (user_data), VP_DEVICE_EVENT_MAPPED);
}

static void
on_stuck (VpBarWatch *watch, gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autofree char *missing = NULL;

  /* What was there before the guest stays, whatever the guest makes of it; and what was usable once
   * has had its window: both are looked at further. */
  if (self->plug == VP_PLUG_COLD || self->state != VP_DEVICE_ACCEPTED)
    {
      vp_bar_watch_start (watch, self->client, self->machine);
      return;
    }
  missing = vp_guest_bars_describe_missing (vp_bar_watch_get_bars (watch));
  g_set_error (&self->failure, VP_ERROR, VP_ERROR_NO_WINDOW, "%s: %s behind %s", self->id, missing,
               self->port);
  apply (self, VP_DEVICE_EVENT_NO_WINDOW);
}

static void send_delete (VpAttachment *self);

static void
on_repeat_delete (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);

  self->repeat_timer = 0;
  send_delete (self);
}

static void
on_device_del (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (self->state != VP_DEVICE_PENDING_REMOVAL)
    return; /* DEVICE_DELETED, or QEMU's end, came before the reply */
  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND))
    {
      apply (self, VP_DEVICE_EVENT_DELETED);
      return;
    }
  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED))
    return;
  if (reply == NULL && self->n_deletes == 1)
    {
      g_set_error (&refusal, VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused to remove it: %s",
                   self->id, error->message);
      answer_removed (self, refusal);
      apply (self, VP_DEVICE_EVENT_DEL_REFUSED);
      return;
    }

  /* That a later one was refused says only that the removal is under way already. */
  if (self->repeat_delete && self->n_deletes < MAX_DELETES && self->repeat_timer == 0)
    self->repeat_timer = g_timeout_add_once (REPEAT_DELETE_MS, on_repeat_delete, self);
}

static void
send_delete (VpAttachment *self)
{
  JsonObject *arguments = json_object_new ();

  self->n_deletes++;
  json_object_set_string_member (arguments, "id", self->id);
  vp_qmp_client_execute_async (self->client, "device_del", arguments, NULL, 0, NULL, on_device_del,
                               g_object_ref (self));
}

static void
finish_release (VpAttachment *self, const GError *host_error)
{
  g_object_ref (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  answer_usable (self);
  answer_removed (self, host_error);
  g_signal_emit (self, signals[SIGNAL_RELEASED], 0);
  g_object_unref (self);
}

static GPtrArray *
host_functions (VpAttachment *self)
{
  GPtrArray *functions = g_ptr_array_new ();

  g_ptr_array_add (functions, (gpointer) self->function);
  return functions;
}

static void
on_given_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) error = NULL;

  self->host_changing = FALSE;
  self->taken = FALSE;
  if (!vp_host_change_finish (result, &error))
    g_prefix_error (&error, "%s has left the VM, but its driver has not taken it back: ", self->id);
  finish_release (self, error);
}

static void
release (VpAttachment *self)
{
  g_autoptr (GPtrArray) functions = NULL;

  vp_bar_watch_stop (self->watch);
  g_clear_handle_id (&self->repeat_timer, g_source_remove);
  if (!self->taken)
    {
      finish_release (self, NULL);
      return;
    }
  functions = host_functions (self);
  self->host_changing = TRUE;
  vp_host_change_give_back_async (self->bindings, functions, on_given_back, g_object_ref (self));
}

static void
apply (VpAttachment *self, VpDeviceEvent event)
{
  VpDeviceState before = self->state;
  VpDeviceAction action = vp_lifecycle_step (&self->state, event);

  /* The end of a device is told when its host function is back. */
  if (self->state != before && action != VP_DEVICE_ACTION_RELEASE)
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);

  switch (action)
    {
    case VP_DEVICE_ACTION_ADD:
      send_add (self);
      break;
    case VP_DEVICE_ACTION_VERIFY:
      vp_bar_watch_start (self->watch, self->client, self->machine);
      break;
    case VP_DEVICE_ACTION_REPORT:
      answer_usable (self);
      break;
    case VP_DEVICE_ACTION_DELETE:
      send_delete (self);
      break;
    case VP_DEVICE_ACTION_RELEASE:
      if (self->state == VP_DEVICE_FAILED && self->failure == NULL)
        g_set_error (&self->failure, VP_ERROR, VP_ERROR_REFUSED,
                     "%s was thrown out again before the guest could use it", self->id);
      release (self);
      break;
    case VP_DEVICE_ACTION_NONE:
    case VP_DEVICE_ACTION_REJECT:
      break;
    }
}

void
vp_attachment_set_taken (VpAttachment *self)
{
  self->taken = TRUE;
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  VpAttachment *self = g_task_get_source_object (task);

  self->host_changing = FALSE;
  self->taken = vp_host_change_finish (result, &self->failure);
  if (!self->taken)
    {
      self->state = VP_DEVICE_FAILED;
      release (self);
    }
  g_task_return_boolean (task, self->taken);
}

void
vp_attachment_take_async (VpAttachment *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) functions = NULL;

  g_task_set_source_tag (task, vp_attachment_take_async);
  if (self->function == NULL || !self->spec->bind)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  functions = host_functions (self);
  self->host_changing = TRUE;
  vp_host_change_take_async (self->bindings, functions, on_taken, g_steal_pointer (&task));
}

gboolean
vp_attachment_take_finish (VpAttachment *self, GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

void
vp_attachment_set_running (VpAttachment *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  if (self->state == VP_DEVICE_ACCEPTED)
    vp_bar_watch_start (self->watch, self->client, self->machine);
}

void
vp_attachment_add (VpAttachment *self)
{
  if (self->state == VP_DEVICE_QUEUED && !self->host_changing)
    apply (self, VP_DEVICE_EVENT_START);
}

void
vp_attachment_wait_usable (VpAttachment *self, GTask *task, guint timeout_ms)
{
  vp_waiter_set (&self->usable, task, timeout_ms, on_usable_deadline, self);
}

void
vp_attachment_remove (VpAttachment *self, GTask *task, guint timeout_ms)
{
  g_autoptr (GTask) owned = task;

  if (self->client == NULL || self->host_changing || self->removed.task != NULL ||
      self->state == VP_DEVICE_ADDING || self->state == VP_DEVICE_FAILED)
    {
      g_task_return_new_error (task, VP_ERROR, VP_ERROR_STATE,
                               "%s cannot be removed now: it is %s%s", self->id,
                               vp_device_state_to_string (self->state),
                               self->host_changing          ? " and changing its host driver"
                               : self->removed.task != NULL ? " and somebody waits for that already"
                                                            : "");
      return;
    }

  /* The waiter stands before device_del is sent: DEVICE_DELETED may come before the reply. */
  vp_waiter_set (&self->removed, g_steal_pointer (&owned), timeout_ms, on_removed_deadline, self);
  self->started_us = g_get_monotonic_time ();
  if (self->state != VP_DEVICE_PENDING_REMOVAL)
    self->n_deletes = 0;
  apply (self, VP_DEVICE_EVENT_DETACH);
}

void
vp_attachment_handle_deleted (VpAttachment *self)
{
  apply (self, VP_DEVICE_EVENT_DELETED);
}

void
vp_attachment_handle_reset (VpAttachment *self)
{
  if (self->client != NULL &&
      (self->state == VP_DEVICE_ACCEPTED || self->state == VP_DEVICE_USABLE))
    vp_bar_watch_start (self->watch, self->client, self->machine);
}

void
vp_attachment_handle_gone (VpAttachment *self)
{
  if (!self->host_changing)
    apply (self, VP_DEVICE_EVENT_QEMU_GONE);
}

const char *
vp_attachment_get_id (VpAttachment *self)
{
  return self->id;
}

VpDeviceState
vp_attachment_get_state (VpAttachment *self)
{
  return self->state;
}

const VpPciFunction *
vp_attachment_get_function (VpAttachment *self)
{
  return self->function;
}

gboolean
vp_attachment_is_planned (VpAttachment *self)
{
  return self->source == NULL;
}

gboolean
vp_attachment_is_host_changing (VpAttachment *self)
{
  return self->host_changing;
}

JsonObject *
vp_attachment_to_json (VpAttachment *self)
{
  JsonObject *object = json_object_new ();
  const VpGuestBars *bars = vp_bar_watch_get_bars (self->watch);
  g_autofree char *address =
      self->function != NULL ? vp_pci_address_to_string (&self->function->address) : NULL;

  json_object_set_string_member (object, "id", self->id);
  json_object_set_string_member (object, "kind", self->function != NULL ? "vfio" : "qemu");
  json_object_set_string_member (object, "address", address); /* NULL becomes null */
  json_object_set_string_member (object, "plug", self->plug == VP_PLUG_COLD ? "cold" : "hot");
  json_object_set_string_member (object, "state", vp_device_state_to_string (self->state));
  json_object_set_string_member (object, "port", self->port);
  json_object_set_string_member (object, "guest_path", self->guest_path);
  json_object_set_array_member (object, "bars",
                                bars != NULL ? vp_guest_bars_to_json (bars) : json_array_new ());
  json_object_set_string_member (object, "failure",
                                 self->failure != NULL ? self->failure->message : NULL);
  return object;
}

static void
drop_waiter (VpWaiter *waiter)
{
  g_autoptr (GTask) task = vp_waiter_take (waiter);

  if (task != NULL)
    g_task_return_new_error (task, VP_ERROR, VP_ERROR_NO_VM, "the supervisor has ended");
}

static void
vp_attachment_dispose (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);

  if (self->watch != NULL)
    {
      vp_bar_watch_stop (self->watch);
      g_signal_handlers_disconnect_by_data (self->watch, self);
    }
  g_clear_object (&self->watch);
  g_clear_handle_id (&self->repeat_timer, g_source_remove);
  drop_waiter (&self->usable);
  drop_waiter (&self->removed);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_attachment_parent_class)->dispose (object);
}

static void
vp_attachment_finalize (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);

  g_clear_error (&self->failure);
  g_free (self->id);
  g_free (self->port);
  g_free (self->bus);
  g_free (self->guest_path);
  g_clear_pointer (&self->source, vp_attach_source_unref);

  G_OBJECT_CLASS (vp_attachment_parent_class)->finalize (object);
}

static void
vp_attachment_class_init (VpAttachmentClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_attachment_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_attachment_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_RELEASED] = g_signal_new ("released", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0,
                                           NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_attachment_init (VpAttachment *self)
{
}

VpAttachment *
vp_attachment_new (const VpAttachmentInit *init)
{
  VpAttachment *self = g_object_new (VP_TYPE_ATTACHMENT, NULL);

  self->id = g_strdup (init->id);
  self->source = init->source != NULL ? vp_attach_source_ref (init->source) : NULL;
  self->spec = init->spec;
  self->function = init->function;
  self->plug = init->plug;
  self->port = g_strdup (init->place.port);
  self->bus = g_strdup (init->place.bus);
  self->slot = init->place.slot;
  self->guest_path = g_strdup (init->guest_path);
  self->machine = init->machine;
  self->repeat_delete = init->repeat_delete;
  self->bindings = init->bindings;
  self->state = init->plug == VP_PLUG_COLD ? VP_DEVICE_ACCEPTED : VP_DEVICE_QUEUED;
  self->started_us = g_get_monotonic_time ();
  self->watch = vp_bar_watch_new (self->id);
  g_signal_connect (self->watch, "mapped", G_CALLBACK (on_mapped), self);
  g_signal_connect (self->watch, "stuck", G_CALLBACK (on_stuck), self);
  return self;
}
