#include "launcher/vm/attachment.h"

#include "launcher/error.h"
#include "launcher/vm/attachment-plug.h"
#include "launcher/vm/attachment-waits.h"
#include "launcher/vm/bar-watch.h"
#include "launcher/vm/bounce.h"
#include "launcher/vm/host-hold.h"
#include "launcher/vm/removal.h"

struct _VpAttachment
{
  GObject parent_instance;

  VpAttachmentFacts *facts;
  VpQmpClient *client; /* nullable: not running yet */
  VpDeviceState state;
  VpBarWatch *watch;
  VpRemoval *removal;
  VpPlugger *plugger;
  VpHostHold *hold;
  VpBounce bounce;
  gboolean clearing;  /* what was behind it is being taken out of QEMU */
  gboolean exposed;   /* the guest can see it: function 0 of its slot is there */
  gboolean paused;    /* the VM is */
  gboolean gone;      /* QEMU is */
  guint count;        /* how often it is attached */
  GError *failure;    /* nullable: why it failed */
  GError *host_error; /* nullable: why its host function is not back */
  VpAttachmentWaits *waits;
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
  vp_bounce_start (&self->bounce);
  apply (self, outcome == VP_PLUG_UNDONE ? VP_DEVICE_EVENT_ADD_FAILED : VP_DEVICE_EVENT_ADD_OK);
  if (outcome == VP_PLUG_ACCEPTED)
    apply (self, VP_DEVICE_EVENT_UNUSABLE);
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
  apply (self, VP_DEVICE_EVENT_UNUSABLE);
}

static void
on_removal_gone (VpRemoval *removal, gpointer user_data)
{
  apply (VP_ATTACHMENT (user_data), VP_DEVICE_EVENT_DELETED);
}

void
vp_attachment_handle_refused (VpAttachment *self, const GError *why)
{
  vp_attachment_waits_tell_removed (self->waits, why);
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
on_let_go (VpHostHold *hold, const GError *why, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data); /* let_go() has made it stay */

  if (why != NULL)
    {
      g_clear_error (&self->host_error); /* a host function matters more than what is in QEMU */
      self->host_error = vp_attachment_facts_not_back (self->facts, why);
    }
  if (self->host_error != NULL && self->failure != NULL)
    vp_error_append (self->failure, self->host_error);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  vp_attachment_waits_tell_usable (self->waits);
  vp_attachment_waits_tell_removed (self->waits, self->host_error);
  g_signal_emit (self, signals[SIGNAL_RELEASED], 0);
}

static void
let_go (VpAttachment *self)
{
  vp_host_hold_let_go (g_object_ref (self)->hold);
}

static void
on_retry (gpointer user_data)
{
  VpAttachment *self = VP_ATTACHMENT (user_data);

  self->bounce.timer = 0;
  apply (self, VP_DEVICE_EVENT_RETRY);
}

static void
retry_later (VpAttachment *self)
{
  if (vp_bounce_again (&self->bounce, on_retry, self))
    return;

  self->failure = vp_attachment_facts_bounced (self->facts, self->bounce.n);
  apply (self, VP_DEVICE_EVENT_GIVE_UP);
}

static void
on_cleared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data);
  g_autoptr (GError) left = NULL;

  self->clearing = FALSE;
  left = vp_attachment_plug_finish_clear (self->facts->id, self->plugger, result, self->gone);
  if (self->state == VP_DEVICE_BOUNCED)
    {
      retry_later (self); /* what is left is in the way then, and QEMU says so */
      return;
    }
  self->host_error = g_steal_pointer (&left);
  let_go (self);
}

/* The device has left QEMU: what was behind it is to follow. */
static void
clear (VpAttachment *self)
{
  if (self->clearing) /* since it bounced */
    return;
  self->clearing = TRUE;
  vp_plugger_clear_async (self->plugger, self->client, on_cleared, g_object_ref (self));
}

static void
release (VpAttachment *self)
{
  vp_bar_watch_stop (self->watch);
  vp_removal_stop (self->removal);
  vp_bounce_stop (&self->bounce);
  if (self->clearing ||
      (self->client != NULL && !self->gone && vp_plugger_has_backends (self->plugger)))
    clear (self);
  else
    let_go (self);
}

static void
on_taken (VpHostHold *hold, const GError *why, gpointer user_data)
{
  g_autoptr (VpAttachment) self = VP_ATTACHMENT (user_data); /* apply() has made it stay */

  if (why != NULL)
    self->failure = g_error_copy (why);
  apply (self, why == NULL ? VP_DEVICE_EVENT_TAKEN : VP_DEVICE_EVENT_TAKE_FAILED);
  if (self->gone)
    apply (self, VP_DEVICE_EVENT_QEMU_GONE);
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
    case VP_DEVICE_ACTION_TAKE:
      vp_host_hold_take (g_object_ref (self)->hold);
      break;
    case VP_DEVICE_ACTION_ADD:
      vp_plugger_add_async (self->plugger, self->client, on_added, g_object_ref (self));
      break;
    case VP_DEVICE_ACTION_VERIFY:
      watch (self);
      break;
    case VP_DEVICE_ACTION_REPORT:
      vp_attachment_waits_tell_usable (self->waits);
      break;
    case VP_DEVICE_ACTION_RETRY:
      vp_bar_watch_stop (self->watch);
      self->exposed = FALSE;
      clear (self);
      break;
    case VP_DEVICE_ACTION_DELETE:
      vp_removal_ask (self->removal, self->client);
      break;
    case VP_DEVICE_ACTION_RELEASE:
      if (self->state == VP_DEVICE_FAILED && self->failure == NULL)
        self->failure = vp_attachment_facts_bounced (self->facts, 1);
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
  const VpAttachmentView view = vp_attachment_get_view (self);

  if (why != NULL && self->failure == NULL)
    self->failure = vp_attachment_view_mate (&view, why);
  apply (self, event);
}

/* A host function that its own host has begun to take back is gone for good. */
static gboolean
has_bounced (VpAttachment *self)
{
  return self->facts->plug == VP_PLUG_HOT &&
         (self->state == VP_DEVICE_ACCEPTED || self->state == VP_DEVICE_USABLE) &&
         self->failure == NULL && vp_bounce_is_soon (&self->bounce) &&
         vp_host_hold_is_ours (self->hold);
}

void
vp_attachment_handle_deleted (VpAttachment *self)
{
  apply (self, has_bounced (self) ? VP_DEVICE_EVENT_BOUNCE : VP_DEVICE_EVENT_DELETED);
}

void
vp_attachment_set_taken (VpAttachment *self)
{
  vp_host_hold_set_taken (self->hold);
}

void
vp_attachment_set_paused (VpAttachment *self, gboolean paused)
{
  self->paused = paused;
}

void
vp_attachment_set_count (VpAttachment *self, guint count)
{
  self->count = count;
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
  vp_attachment_waits_add_usable (self->waits, task, timeout_ms);
  if (self->state == VP_DEVICE_USABLE)
    vp_attachment_waits_tell_usable (self->waits);
}

gboolean
vp_attachment_check_removable (VpAttachment *self, GError **error)
{
  const VpAttachmentView view = vp_attachment_get_view (self);

  if (self->client != NULL && !view.giving_back && self->state != VP_DEVICE_RESERVED &&
      self->state != VP_DEVICE_ADDING && self->state != VP_DEVICE_FAILED)
    return TRUE;
  g_propagate_error (error, vp_attachment_view_not_now (&view));
  return FALSE;
}

void
vp_attachment_wait_removed (VpAttachment *self, GTask *task, guint timeout_ms)
{
  vp_attachment_waits_add_removed (self->waits, task, timeout_ms);
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
  apply (self, VP_DEVICE_EVENT_QEMU_GONE);
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

gboolean
vp_attachment_is_host_changing (VpAttachment *self)
{
  return self->clearing || vp_host_hold_is_giving_back (self->hold) ||
         self->state == VP_DEVICE_RESERVED;
}

VpAttachmentView
vp_attachment_get_view (VpAttachment *self)
{
  return (VpAttachmentView){
    .facts = self->facts,
    .state = self->state,
    .count = self->count,
    .giving_back = vp_host_hold_is_giving_back (self->hold),
    .is_exposed = self->exposed,
    .is_paused = self->paused,
    .is_gone = self->gone,
    .bars = vp_bar_watch_get_bars (self->watch),
    .failure = self->failure,
    .host_error = self->host_error,
  };
}

static void
vp_attachment_dispose (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);
  g_autoptr (GError) over =
      g_error_new_literal (VP_ERROR, VP_ERROR_NO_VM, "the supervisor has ended");

  g_clear_object (&self->watch);
  g_clear_object (&self->removal);
  vp_bounce_stop (&self->bounce);
  g_clear_object (&self->plugger);
  g_clear_object (&self->hold);
  vp_attachment_waits_end (self->waits, over);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_attachment_parent_class)->dispose (object);
}

static void
vp_attachment_finalize (GObject *object)
{
  VpAttachment *self = VP_ATTACHMENT (object);

  g_clear_error (&self->failure);
  g_clear_error (&self->host_error);
  vp_attachment_waits_free (self->waits);
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

static VpAttachmentView
view_of (gpointer device)
{
  return vp_attachment_get_view (VP_ATTACHMENT (device));
}

static void
vp_attachment_init (VpAttachment *self)
{
  self->count = 1;
  self->waits = vp_attachment_waits_new (view_of, self);
}

VpAttachment *
vp_attachment_new (const VpAttachmentFacts *facts)
{
  VpAttachment *self = g_object_new (VP_TYPE_ATTACHMENT, NULL);

  self->facts = vp_attachment_facts_copy (facts);
  self->state = facts->plug == VP_PLUG_COLD ? VP_DEVICE_ACCEPTED : VP_DEVICE_QUEUED;
  self->bounce.window_ms = facts->bounce_ms;
  self->hold = vp_host_hold_new (facts->claims, facts->function, facts->spec);
  g_signal_connect_object (self->hold, "taken", G_CALLBACK (on_taken), self, 0);
  g_signal_connect_object (self->hold, "let-go", G_CALLBACK (on_let_go), self, 0);
  self->plugger = vp_attachment_plug_new (self->facts);
  self->watch = vp_bar_watch_new (self->facts->id);
  g_signal_connect_object (self->watch, "mapped", G_CALLBACK (on_mapped), self, 0);
  g_signal_connect_object (self->watch, "stuck", G_CALLBACK (on_stuck), self, 0);
  self->removal = vp_removal_new (self->facts->id, facts->repeat_delete);
  g_signal_connect_object (self->removal, "gone", G_CALLBACK (on_removal_gone), self, 0);
  g_signal_connect_object (self->removal, "refused", G_CALLBACK (on_removal_refused), self, 0);
  return self;
}
