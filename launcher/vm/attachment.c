#include "launcher/vm/attachment.h"

#include "devices/vfio-bind.h"
#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/attachment-text.h"
#include "launcher/vm/bar-watch.h"
#include "launcher/vm/removal.h"
#include "launcher/vm/waiter.h"

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
  VpPlace place; /* its strings are the two above */
  char *guest_path;
  VpMachineType machine;
  VpHostClaims *claims;

  VpQmpClient *client; /* nullable: not running yet */
  VpDeviceState state;
  VpBarWatch *watch;
  VpRemoval *removal;
  gboolean taken;         /* the host function goes back to a driver in the end */
  gboolean host_changing; /* it is on its way from or to that driver */
  gboolean wanted;        /* to be added as soon as its host function is ours */
  gboolean gone;          /* QEMU is */
  GError *failure;        /* nullable: why it failed */
  GError *host_error;     /* nullable: why its host function is not back */
  gint64 started_us;      /* when the attach, or the last detach, began */
  VpWaiter usable;
  VpWaiter removed;
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
  g_autoptr (GError) over = g_error_new (VP_ERROR, self->gone ? VP_ERROR_NO_VM : VP_ERROR_STATE,
                                         self->gone ? "QEMU ended before %s became usable"
                                                    : "%s was removed before it became usable",
                                         self->id);
  JsonObject *document = vp_attachment_to_json (self);

  json_object_set_double_member (document, "seconds", seconds_since_start (self));
  vp_waiter_answer (&self->usable, document,
                    self->state == VP_DEVICE_USABLE ? NULL
                    : self->failure != NULL         ? self->failure
                                                    : over);
}

static void
answer_removed (VpAttachment *self, const GError *error)
{
  JsonObject *document = json_object_new ();

  json_object_set_string_member (document, "id", self->id);
  json_object_set_string_member (document, "state", vp_device_state_to_string (self->state));
  json_object_set_double_member (document, "seconds", seconds_since_start (self));
  vp_waiter_answer (&self->removed, document, error);
}

static void
on_usable_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autofree char *why = vp_attachment_text_delay (self->state, self->host_changing,
                                                   vp_bar_watch_get_bars (self->watch));
  g_autoptr (GError) pending =
      g_error_new (VP_ERROR, VP_ERROR_PENDING, "%s is %s after %.1f s: %s", self->id,
                   vp_device_state_to_string (self->state), seconds_since_start (self), why);

  vp_waiter_answer (&self->usable, NULL, self->failure != NULL ? self->failure : pending);
}

static void
on_removed_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) pending =
      g_error_new (VP_ERROR, VP_ERROR_PENDING, "%s is still held by the guest after %.1f s",
                   self->id, seconds_since_start (self));

  vp_waiter_answer (&self->removed, NULL, pending);
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
  if (vp_qmp_client_is_closed (self->client))
    return; /* no answer of QEMU, which may have it open: its end tells the end of everything */

  g_set_error (&self->failure, VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused it: %s", self->id,
               error->message);
  apply (self, VP_DEVICE_EVENT_ADD_FAILED);
}

static void
send_add (VpAttachment *self)
{
  JsonObject *arguments = vp_argv_device (self->spec, self->function, self->id, &self->place);

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
  g_autofree char *missing = vp_guest_bars_describe_missing (vp_bar_watch_get_bars (watch));

  /* What was there before the guest stays, whatever the guest makes of it; and what was usable once
   * has had its window: both are looked at further. */
  if (self->plug == VP_PLUG_COLD || self->state != VP_DEVICE_ACCEPTED)
    {
      vp_bar_watch_start (watch, self->client, self->machine);
      return;
    }
  g_clear_error (&self->failure); /* it may be stuck again, when it could not be taken out */
  g_set_error (&self->failure, VP_ERROR, VP_ERROR_NO_WINDOW, "%s: %s behind %s", self->id, missing,
               self->port);
  apply (self, VP_DEVICE_EVENT_NO_WINDOW);
}

static void
on_removal_gone (VpRemoval *removal, gpointer user_data)
{
  apply (VP_ATTACHMENT (user_data), VP_DEVICE_EVENT_DELETED);
}

static void
on_removal_refused (VpRemoval *removal, const GError *why, gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) refusal = NULL;

  vp_removal_stop (removal);
  g_set_error (&refusal, VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused to remove it: %s", self->id,
               why->message);
  answer_removed (self, refusal);
  apply (self, VP_DEVICE_EVENT_DEL_REFUSED);
}

static void
finish_release (VpAttachment *self)
{
  g_object_ref (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  answer_usable (self);
  answer_removed (self, self->host_error);
  g_signal_emit (self, signals[SIGNAL_RELEASED], 0);
  g_object_unref (self);
}

static void
on_given_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);

  self->host_changing = self->taken = FALSE;
  if (!vp_host_claims_finish (result, &self->host_error))
    {
      g_prefix_error (&self->host_error,
                      "%s has left the VM, but its driver has not taken it back: ", self->id);
      if (self->failure != NULL)
        vp_error_append (self->failure, self->host_error);
    }
  finish_release (self);
}

static void
release (VpAttachment *self)
{
  vp_bar_watch_stop (self->watch);
  vp_removal_stop (self->removal);
  self->host_changing = vp_host_claims_drop (self->claims, self->function, self->taken);
  if (self->host_changing)
    vp_host_claims_give_back_async (self->claims, self->function->group, on_given_back,
                                    g_object_ref (self));
  else
    finish_release (self);
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
      vp_bar_watch_stop (self->watch);
      vp_removal_ask (self->removal, self->client);
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
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);

  self->host_changing = FALSE;
  self->taken = vp_host_claims_finish (result, &self->failure);
  if (!self->taken)
    {
      self->state = VP_DEVICE_FAILED;
      release (self);
    }
  else if (self->gone)
    apply (self, VP_DEVICE_EVENT_QEMU_GONE);
  else if (self->wanted)
    apply (self, VP_DEVICE_EVENT_START);
}

void
vp_attachment_take (VpAttachment *self)
{
  /* One that was bound before us stays bound after us. */
  if (self->function == NULL || !self->spec->bind ||
      vp_vfio_is_vfio_driver (self->function->driver))
    return;
  self->host_changing = TRUE;
  vp_host_claims_take_async (self->claims, self->function, on_taken, g_object_ref (self));
}

void
vp_attachment_set_running (VpAttachment *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  if (self->state == VP_DEVICE_ACCEPTED)
    vp_bar_watch_start (self->watch, client, self->machine);
}

void
vp_attachment_add (VpAttachment *self)
{
  self->wanted = TRUE;
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
      g_task_return_error (task,
                           vp_attachment_text_not_now (self->id, self->state, self->host_changing,
                                                       self->removed.task != NULL));
      return;
    }

  /* The waiter stands before device_del is sent: DEVICE_DELETED may come before the reply. */
  vp_waiter_set (&self->removed, g_steal_pointer (&owned), timeout_ms, on_removed_deadline, self);
  self->started_us = g_get_monotonic_time ();
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
  else if (self->state == VP_DEVICE_PENDING_REMOVAL)
    {
      vp_removal_stop (self->removal); /* the guest that was asked is no more */
      vp_removal_ask (self->removal, self->client);
    }
}

void
vp_attachment_handle_gone (VpAttachment *self)
{
  self->gone = TRUE;
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

const GError *
vp_attachment_get_host_error (VpAttachment *self)
{
  return self->host_error;
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
vp_attachment_dispose (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);
  g_autoptr (GError) over =
      g_error_new_literal (VP_ERROR, VP_ERROR_NO_VM, "the supervisor has ended");

  g_clear_object (&self->watch);
  g_clear_object (&self->removal);
  vp_waiter_answer (&self->usable, NULL, over);
  vp_waiter_answer (&self->removed, NULL, over);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_attachment_parent_class)->dispose (object);
}

static void
vp_attachment_finalize (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);

  g_clear_error (&self->failure);
  g_clear_error (&self->host_error);
  g_free (self->id);
  g_free (self->port);
  g_free (self->bus);
  g_free (self->guest_path);
  g_clear_pointer (&self->source, vp_attach_source_unref);
  vp_host_claims_unref (self->claims);

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
  self->place = init->place;
  self->place.port = self->port;
  self->place.bus = self->bus;
  self->guest_path = g_strdup (init->guest_path);
  self->machine = init->machine;
  self->claims = vp_host_claims_ref (init->claims);
  vp_host_claims_add (self->claims, self->function);
  self->state = init->plug == VP_PLUG_COLD ? VP_DEVICE_ACCEPTED : VP_DEVICE_QUEUED;
  self->started_us = g_get_monotonic_time ();
  self->watch = vp_bar_watch_new (self->id);
  g_signal_connect_object (self->watch, "mapped", G_CALLBACK (on_mapped), self, 0);
  g_signal_connect_object (self->watch, "stuck", G_CALLBACK (on_stuck), self, 0);
  self->removal = vp_removal_new (self->id, init->repeat_delete);
  g_signal_connect_object (self->removal, "gone", G_CALLBACK (on_removal_gone), self, 0);
  g_signal_connect_object (self->removal, "refused", G_CALLBACK (on_removal_refused), self, 0);
  return self;
}
