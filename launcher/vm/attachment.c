#include "launcher/vm/attachment.h"

#include "devices/vfio-bind.h"
#include "launcher/error.h"
#include "launcher/vm/attachment-plug.h"
#include "launcher/vm/attachment-text.h"
#include "launcher/vm/bar-watch.h"
#include "launcher/vm/removal.h"
#include "launcher/vm/waiter.h"

struct _VpAttachment
{
  GObject parent_instance;

  VpAttachmentFacts *facts;
  VpQmpClient *client; /* nullable: not running yet */
  VpDeviceState state;
  VpBarWatch *watch;
  VpRemoval *removal;
  VpPlugger *plugger;
  gboolean taken;         /* the host function goes back to a driver in the end */
  gboolean host_changing; /* it is on its way from or to that driver */
  gboolean exposed;       /* the guest can see it: function 0 of its slot is there */
  gboolean gone;          /* QEMU is */
  GError *failure;        /* nullable: why it failed */
  GError *host_error;     /* nullable: why its host function is not back */
  VpWaiter usable;
  VpWaiter removed;
};

G_DEFINE_FINAL_TYPE (VpAttachment, vp_attachment, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_STEPPED,
  SIGNAL_REFUSED,
  SIGNAL_RELEASED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void apply (VpAttachment *self, VpDeviceEvent event);

static void
answer_usable (VpAttachment *self)
{
  g_autoptr (GError) over = vp_attachment_text_over (self->facts->id, self->gone);

  vp_waiter_answer (&self->usable, vp_attachment_to_json (self),
                    self->state == VP_DEVICE_USABLE ? NULL
                    : self->failure != NULL         ? self->failure
                                                    : over);
}

static void
answer_removed (VpAttachment *self, const GError *error)
{
  JsonObject *document = json_object_new ();

  json_object_set_string_member (document, "id", self->facts->id);
  json_object_set_string_member (document, "state", vp_device_state_to_string (self->state));
  vp_waiter_answer (&self->removed, document, error);
}

static void
on_usable_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autofree char *why =
      vp_attachment_text_delay (self->state, self->host_changing,
                                vp_attachment_facts_has_mates (self->facts) && !self->exposed,
                                vp_bar_watch_get_bars (self->watch));
  g_autoptr (GError) pending = g_error_new (
      VP_ERROR, VP_ERROR_PENDING, "%s is %s after %.1f s: %s", self->facts->id,
      vp_device_state_to_string (self->state), vp_waiter_get_seconds (&self->usable), why);

  vp_waiter_answer (&self->usable, NULL, self->failure != NULL ? self->failure : pending);
}

static void
on_removed_deadline (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) pending =
      g_error_new (VP_ERROR, VP_ERROR_PENDING, "%s is still held by the guest after %.1f s",
                   self->facts->id, vp_waiter_get_seconds (&self->removed));

  vp_waiter_answer (&self->removed, NULL, pending);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) error = NULL;
  VpPlugOutcome outcome;

  if (!vp_plugger_add_finish (self->plugger, result, &outcome, &error))
    {
      if (vp_qmp_client_is_closed (self->client))
        return; /* QEMU may have it open: its end tells the end of everything */
      self->failure = vp_attachment_plug_failure (self->facts->id, error);
    }
  apply (self, outcome == VP_PLUG_UNDONE ? VP_DEVICE_EVENT_ADD_FAILED : VP_DEVICE_EVENT_ADD_OK);
  if (outcome == VP_PLUG_ACCEPTED)
    apply (self, VP_DEVICE_EVENT_NO_WINDOW); /* in QEMU and of no use: out with it */
}

/* What the guest cannot see has no BARs to look at. */
static void
watch (VpAttachment *self)
{
  if (self->exposed && self->client != NULL)
    vp_bar_watch_start (self->watch, self->client, self->facts->machine);
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
  if (self->facts->plug == VP_PLUG_COLD || self->state != VP_DEVICE_ACCEPTED)
    {
      vp_bar_watch_start (watch, self->client, self->facts->machine);
      return;
    }
  g_clear_error (&self->failure); /* it may be stuck again, when it could not be taken out */
  g_set_error (&self->failure, VP_ERROR, VP_ERROR_NO_WINDOW, "%s: %s behind %s", self->facts->id,
               missing, self->facts->place.port);
  apply (self, VP_DEVICE_EVENT_NO_WINDOW);
}

static void
on_removal_gone (VpRemoval *removal, gpointer user_data)
{
  apply (VP_ATTACHMENT (user_data), VP_DEVICE_EVENT_DELETED);
}

void
vp_attachment_handle_refused (VpAttachment *self, const GError *why)
{
  answer_removed (self, why);
  apply (self, VP_DEVICE_EVENT_DEL_REFUSED);
}

static void
on_removal_refused (VpRemoval *removal, const GError *why, gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) refusal = NULL;

  vp_removal_stop (removal);
  g_set_error (&refusal, VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused to remove it: %s",
               self->facts->id, why->message);
  vp_attachment_handle_refused (self, refusal);
  g_signal_emit (self, signals[SIGNAL_REFUSED], 0, refusal);
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
      g_prefix_error (
          &self->host_error,
          "%s has left the VM, but its driver has not taken it back: ", self->facts->id);
      if (self->failure != NULL)
        vp_error_append (self->failure, self->host_error);
    }
  finish_release (self);
}

static void
give_back (VpAttachment *self)
{
  self->host_changing =
      vp_host_claims_drop (self->facts->claims, self->facts->function, self->taken);
  if (self->host_changing)
    vp_host_claims_give_back_async (self->facts->claims, self->facts->function->group,
                                    on_given_back, g_object_ref (self));
  else
    finish_release (self);
}

static void
on_cleared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);

  self->host_error =
      vp_attachment_plug_finish_clear (self->facts->id, self->plugger, result, self->gone);
  give_back (self);
}

static void
release (VpAttachment *self)
{
  vp_bar_watch_stop (self->watch);
  vp_removal_stop (self->removal);
  self->host_changing =
      self->client != NULL && !self->gone && vp_plugger_has_backends (self->plugger);
  if (self->host_changing)
    vp_plugger_clear_async (self->plugger, self->client, on_cleared, g_object_ref (self));
  else
    give_back (self);
}

static void
apply (VpAttachment *self, VpDeviceEvent event)
{
  VpDeviceState before = self->state;
  VpDeviceAction action = vp_lifecycle_step (&self->state, event);
  g_autoptr (VpAttachment) alive = g_object_ref (self);

  /* The end of a device is told when its host function is back. */
  if (self->state != before && action != VP_DEVICE_ACTION_RELEASE)
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0);

  if (self->state == VP_DEVICE_PENDING_REMOVAL)
    vp_bar_watch_stop (self->watch);
  switch (action)
    {
    case VP_DEVICE_ACTION_ADD:
      vp_plugger_add_async (self->plugger, self->client, on_added, g_object_ref (self));
      break;
    case VP_DEVICE_ACTION_VERIFY:
      watch (self);
      break;
    case VP_DEVICE_ACTION_REPORT:
      answer_usable (self);
      break;
    case VP_DEVICE_ACTION_DELETE:
      vp_removal_ask (self->removal, self->client);
      break;
    case VP_DEVICE_ACTION_RELEASE:
      if (self->state == VP_DEVICE_FAILED && self->failure == NULL)
        self->failure = vp_attachment_text_bounced (self->facts->id);
      release (self);
      break;
    case VP_DEVICE_ACTION_NONE:
    case VP_DEVICE_ACTION_REJECT:
      break;
    }

  if (self->state != before)
    g_signal_emit (self, signals[SIGNAL_STEPPED], 0);
}

void
vp_attachment_step (VpAttachment *self, VpDeviceEvent event, const GError *why)
{
  if (why != NULL && self->failure == NULL)
    self->failure = vp_attachment_text_mate (self->facts->id, why);
  apply (self, event);
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
  g_signal_emit (self, signals[SIGNAL_STEPPED], 0);
}

void
vp_attachment_take (VpAttachment *self)
{
  /* One that was bound before us stays bound after us. */
  if (self->facts->function == NULL || !self->facts->spec->bind ||
      vp_vfio_is_vfio_driver (self->facts->function->driver))
    return;
  self->host_changing = TRUE;
  vp_host_claims_take_async (self->facts->claims, self->facts->function, on_taken,
                             g_object_ref (self));
}

void
vp_attachment_set_running (VpAttachment *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  if (self->state == VP_DEVICE_ACCEPTED)
    watch (self);
}

void
vp_attachment_expose (VpAttachment *self)
{
  if (self->exposed)
    return;
  self->exposed = TRUE;
  if (self->state == VP_DEVICE_ACCEPTED)
    watch (self);
}

void
vp_attachment_wait_usable (VpAttachment *self, GTask *task, guint timeout_ms)
{
  vp_waiter_set (&self->usable, task, timeout_ms, on_usable_deadline, self);
}

gboolean
vp_attachment_check_removable (VpAttachment *self, GError **error)
{
  if (self->client != NULL && !self->host_changing && self->removed.task == NULL &&
      self->state != VP_DEVICE_ADDING && self->state != VP_DEVICE_FAILED)
    return TRUE;
  g_propagate_error (error,
                     vp_attachment_text_not_now (self->facts->id, self->state, self->host_changing,
                                                 self->removed.task != NULL));
  return FALSE;
}

void
vp_attachment_wait_removed (VpAttachment *self, GTask *task, guint timeout_ms)
{
  vp_waiter_set (&self->removed, task, timeout_ms, on_removed_deadline, self);
}

gboolean
vp_attachment_is_asking (VpAttachment *self)
{
  return vp_removal_is_asking (self->removal);
}

void
vp_attachment_handle_reset (VpAttachment *self)
{
  if (self->state == VP_DEVICE_ACCEPTED || self->state == VP_DEVICE_USABLE)
    watch (self);
  else if (vp_removal_is_asking (self->removal))
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
  return self->facts->id;
}

const VpAttachmentFacts *
vp_attachment_get_facts (VpAttachment *self)
{
  return self->facts;
}

VpDeviceState
vp_attachment_get_state (VpAttachment *self)
{
  return self->state;
}

const GError *
vp_attachment_get_failure (VpAttachment *self)
{
  return self->failure;
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
  JsonObject *object = vp_attachment_facts_to_json (self->facts);
  const VpGuestBars *bars = vp_bar_watch_get_bars (self->watch);

  json_object_set_string_member (object, "state", vp_device_state_to_string (self->state));
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
  g_clear_object (&self->plugger);
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
  vp_attachment_facts_free (self->facts);

  G_OBJECT_CLASS (vp_attachment_parent_class)->finalize (object);
}

static void
vp_attachment_class_init (VpAttachmentClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_attachment_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_attachment_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_STEPPED] = g_signal_new ("stepped", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_RELEASED] = g_signal_new ("released", VP_TYPE_ATTACHMENT, G_SIGNAL_RUN_LAST, 0,
                                           NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_attachment_init (VpAttachment *self)
{
}

VpAttachment *
vp_attachment_new (const VpAttachmentFacts *facts)
{
  VpAttachment *self = g_object_new (VP_TYPE_ATTACHMENT, NULL);

  self->facts = vp_attachment_facts_copy (facts);
  vp_host_claims_add (self->facts->claims, self->facts->function);
  self->state = facts->plug == VP_PLUG_COLD ? VP_DEVICE_ACCEPTED : VP_DEVICE_QUEUED;
  self->plugger = vp_attachment_plug_new (self->facts);
  self->watch = vp_bar_watch_new (self->facts->id);
  g_signal_connect_object (self->watch, "mapped", G_CALLBACK (on_mapped), self, 0);
  g_signal_connect_object (self->watch, "stuck", G_CALLBACK (on_stuck), self, 0);
  self->removal = vp_removal_new (self->facts->id, facts->repeat_delete);
  g_signal_connect_object (self->removal, "gone", G_CALLBACK (on_removal_gone), self, 0);
  g_signal_connect_object (self->removal, "refused", G_CALLBACK (on_removal_refused), self, 0);
  return self;
}
