#include "launcher/vm/removal.h"

#include "qmp/error.h"

#define REPEAT_MS    5000
#define MAX_REQUESTS 12

/* Native hotplug refuses while the slot still blinks from the press of its button, 5 s long (QEMU
 * hw/pci/pcie.c, "guest is busy"). */
#define BUSY_MS  1000
#define MAX_BUSY 8

/* Twice in a moment is one wish of two people. */
#define ECHO_MS 1000

/* To SHPC a second press of the button within 5 s takes the first one back. */
#define QUIET_MS 6000

struct _VpRemoval
{
  GObject parent_instance;

  char *id;
  gboolean repeat;
  VpQmpClient *client;
  guint n_requests; /* 0: not under way */
  guint n_busy;     /* how many of them were refused before one was taken */
  gint64 asked_us;  /* the last time */
  guint timer;
};

G_DEFINE_FINAL_TYPE (VpRemoval, vp_removal, G_TYPE_OBJECT)

enum
{
  SIGNAL_GONE,
  SIGNAL_REFUSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void request (VpRemoval *self);

static void
on_time (gpointer user_data)
{
  VpRemoval *self = VP_REMOVAL (user_data);

  self->timer = 0;
  request (self);
}

/* None of the requests has been taken. */
static void
handle_refusal (VpRemoval *self, const GError *error)
{
  self->n_busy++;
  if (self->repeat || self->n_busy > MAX_BUSY)
    g_signal_emit (self, signals[SIGNAL_REFUSED], 0, error);
  else if (self->timer == 0)
    self->timer = g_timeout_add_once (BUSY_MS, on_time, self);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpRemoval) self = VP_REMOVAL (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (self->n_requests == 0 || vp_qmp_client_is_closed (VP_QMP_CLIENT (source)))
    return; /* DEVICE_DELETED, or QEMU's end, came before the reply */

  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND))
    g_signal_emit (self, signals[SIGNAL_GONE], 0);
  else if (reply == NULL && self->n_requests == self->n_busy + 1)
    handle_refusal (self, error);
  else if (self->repeat && self->n_requests < MAX_REQUESTS && self->timer == 0)
    self->timer = g_timeout_add_once (REPEAT_MS, on_time, self);
}

static void
request (VpRemoval *self)
{
  JsonObject *arguments = json_object_new ();

  self->n_requests++;
  self->asked_us = g_get_monotonic_time ();
  json_object_set_string_member (arguments, "id", self->id);
  vp_qmp_client_execute_async (self->client, "device_del", arguments, NULL, 0, NULL, on_reply,
                               g_object_ref (self));
}

void
vp_removal_ask (VpRemoval *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->n_requests > 0)
    {
      gint64 ago_ms = (g_get_monotonic_time () - self->asked_us) / G_TIME_SPAN_MILLISECOND;
      gint64 quiet_ms = self->repeat ? ECHO_MS : QUIET_MS;

      if (ago_ms < quiet_ms)
        {
          self->timer = g_timeout_add_once ((guint) (quiet_ms - ago_ms), on_time, self);
          return;
        }
    }
  request (self);
}

gboolean
vp_removal_is_asking (VpRemoval *self)
{
  return self->n_requests > 0;
}

void
vp_removal_stop (VpRemoval *self)
{
  self->n_requests = self->n_busy = 0;
  g_clear_handle_id (&self->timer, g_source_remove);
}

static void
vp_removal_dispose (GObject *object)
{
  VpRemoval *self = VP_REMOVAL (object);

  vp_removal_stop (self);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_removal_parent_class)->dispose (object);
}

static void
vp_removal_finalize (GObject *object)
{
  g_free (VP_REMOVAL (object)->id);

  G_OBJECT_CLASS (vp_removal_parent_class)->finalize (object);
}

static void
vp_removal_class_init (VpRemovalClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_removal_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_removal_finalize;

  signals[SIGNAL_GONE] = g_signal_new ("gone", VP_TYPE_REMOVAL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                       NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", VP_TYPE_REMOVAL, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
vp_removal_init (VpRemoval *self)
{
}

VpRemoval *
vp_removal_new (const char *id, gboolean repeat)
{
  VpRemoval *self = g_object_new (VP_TYPE_REMOVAL, NULL);

  self->id = g_strdup (id);
  self->repeat = repeat;
  return self;
}
