#include "launcher/vm/host-hold.h"

struct _VpHostHold
{
  GObject parent_instance;

  VpHostClaims *claims;
  const VpPciFunction *function; /* nullable */
  const VpDeviceSpec *spec;
  gboolean taken; /* from a driver, to which it goes back */
  gboolean giving_back;
};

G_DEFINE_FINAL_TYPE (VpHostHold, vp_host_hold, G_TYPE_OBJECT)

enum
{
  SIGNAL_TAKEN,
  SIGNAL_LET_GO,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpHostHold) self = VP_HOST_HOLD (user_data);
  g_autoptr (GError) error = NULL;

  vp_host_claims_take_finish (result, &self->taken, &error);
  g_signal_emit (self, signals[SIGNAL_TAKEN], 0, error);
}

void
vp_host_hold_take (VpHostHold *self)
{
  if (self->function == NULL || self->taken)
    g_signal_emit (self, signals[SIGNAL_TAKEN], 0, NULL);
  else
    vp_host_claims_take_async (self->claims, self->function, self->spec->bind,
                               vp_host_node_of (self->spec), on_taken, g_object_ref (self));
}

static void
on_given_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpHostHold) self = VP_HOST_HOLD (user_data);
  g_autoptr (GError) error = NULL;

  self->giving_back = FALSE;
  vp_host_claims_finish (result, &error);
  g_signal_emit (self, signals[SIGNAL_LET_GO], 0, error);
}

void
vp_host_hold_let_go (VpHostHold *self)
{
  gboolean taken = self->taken;

  self->taken = FALSE;
  self->giving_back = vp_host_claims_drop (self->claims, self->function, taken);
  if (self->giving_back)
    vp_host_claims_give_back_async (self->claims, self->function->group, on_given_back,
                                    g_object_ref (self));
  else
    g_signal_emit (self, signals[SIGNAL_LET_GO], 0, NULL);
}

void
vp_host_hold_set_taken (VpHostHold *self)
{
  self->taken = TRUE;
}

gboolean
vp_host_hold_is_giving_back (VpHostHold *self)
{
  return self->giving_back;
}

gboolean
vp_host_hold_is_ours (VpHostHold *self)
{
  return vp_host_claims_is_ours (self->claims, self->function);
}

static void
vp_host_hold_finalize (GObject *object)
{
  vp_host_claims_unref (VP_HOST_HOLD (object)->claims);

  G_OBJECT_CLASS (vp_host_hold_parent_class)->finalize (object);
}

static void
vp_host_hold_class_init (VpHostHoldClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_host_hold_finalize;

  signals[SIGNAL_TAKEN] = g_signal_new ("taken", VP_TYPE_HOST_HOLD, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_LET_GO] = g_signal_new ("let-go", VP_TYPE_HOST_HOLD, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
vp_host_hold_init (VpHostHold *self)
{
}

VpHostHold *
vp_host_hold_new (VpHostClaims *claims, const VpPciFunction *function, const VpDeviceSpec *spec)
{
  VpHostHold *self = g_object_new (VP_TYPE_HOST_HOLD, NULL);

  self->claims = vp_host_claims_ref (claims);
  self->function = function;
  self->spec = spec;
  vp_host_claims_add (claims, function);
  return self;
}
