#include "launcher/vm/bar-watch.h"

#include "launcher/vm/bar-probe.h"

#define FIRST_INTERVAL_MS 50
#define LAST_INTERVAL_MS  2000

struct _VpBarWatch
{
  GObject parent_instance;

  char *id;
  VpQmpClient *client;
  VpMachineType machine;
  VpGuestBars bars;
  gboolean seen;
  gboolean watching;
  gboolean looking;        /* a probe is on its way, */
  gboolean stale;          /* from before the watch began anew */
  gint64 partial_since_us; /* 0: not partly mapped */
  guint timer;
  guint interval_ms;
};

G_DEFINE_FINAL_TYPE (VpBarWatch, vp_bar_watch, G_TYPE_OBJECT)

enum
{
  SIGNAL_MAPPED,
  SIGNAL_STUCK,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void look (gpointer user_data);

static void
look_again_later (VpBarWatch *self)
{
  self->timer = g_timeout_add_once (self->interval_ms, look, self);
  self->interval_ms = MIN (self->interval_ms * 3 / 2, LAST_INTERVAL_MS);
}

static void
end (VpBarWatch *self, guint signal)
{
  vp_bar_watch_stop (self);
  g_signal_emit (self, signals[signal], 0);
}

static void
judge (VpBarWatch *self)
{
  VpBarsVerdict verdict = vp_guest_bars_judge (&self->bars);
  gint64 now = g_get_monotonic_time ();

  if (verdict == VP_BARS_ALL)
    {
      end (self, SIGNAL_MAPPED);
      return;
    }

  if (verdict == VP_BARS_NONE)
    self->partial_since_us = 0;
  else if (self->partial_since_us == 0)
    self->partial_since_us = now;
  else if (now - self->partial_since_us >= VP_BAR_WATCH_SETTLE_MS * G_TIME_SPAN_MILLISECOND)
    {
      end (self, SIGNAL_STUCK);
      return;
    }
  look_again_later (self);
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpBarWatch) self = VP_BAR_WATCH (user_data);
  VpGuestBars bars;
  gboolean found = vp_bar_probe_finish (VP_QMP_CLIENT (source), result, &bars, NULL);
  gboolean stale = self->stale;

  self->looking = self->stale = FALSE;
  if (!self->watching || self->timer != 0)
    return; /* stopped, or started anew, while the probe was on its way */
  if (!found || stale)
    {
      look_again_later (self);
      return;
    }
  self->bars = bars;
  self->seen = TRUE;
  judge (self);
}

static void
look (gpointer user_data)
{
  VpBarWatch *self = VP_BAR_WATCH (user_data);

  self->timer = 0;
  if (self->looking) /* from before a restart: its reply has us look again */
    return;
  self->looking = TRUE;
  vp_bar_probe_async (self->client, self->machine, self->id, on_looked, g_object_ref (self));
}

void
vp_bar_watch_start (VpBarWatch *self, VpQmpClient *client, VpMachineType machine)
{
  vp_bar_watch_stop (self);
  g_set_object (&self->client, client);
  self->machine = machine;
  self->watching = TRUE;
  self->stale = self->looking;
  self->partial_since_us = 0;
  self->interval_ms = FIRST_INTERVAL_MS;
  look_again_later (self);
}

void
vp_bar_watch_stop (VpBarWatch *self)
{
  self->watching = FALSE;
  g_clear_handle_id (&self->timer, g_source_remove);
}

const VpGuestBars *
vp_bar_watch_get_bars (VpBarWatch *self)
{
  return self->seen ? &self->bars : NULL;
}

static void
vp_bar_watch_dispose (GObject *object)
{
  VpBarWatch *self = VP_BAR_WATCH (object);

  vp_bar_watch_stop (self);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_bar_watch_parent_class)->dispose (object);
}

static void
vp_bar_watch_finalize (GObject *object)
{
  g_free (VP_BAR_WATCH (object)->id);

  G_OBJECT_CLASS (vp_bar_watch_parent_class)->finalize (object);
}

static void
vp_bar_watch_class_init (VpBarWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_bar_watch_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_bar_watch_finalize;

  signals[SIGNAL_MAPPED] = g_signal_new ("mapped", VP_TYPE_BAR_WATCH, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_STUCK] = g_signal_new ("stuck", VP_TYPE_BAR_WATCH, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_bar_watch_init (VpBarWatch *self)
{
}

VpBarWatch *
vp_bar_watch_new (const char *id)
{
  VpBarWatch *self = g_object_new (VP_TYPE_BAR_WATCH, NULL);

  self->id = g_strdup (id);
  return self;
}
