#include "launcher/vm/stop-ladder.h"

#include <signal.h>

#define POWERDOWN_MS 30000
#define STEP_MS      5000

typedef enum
{
  RUNG_GROUND,
  RUNG_POWERDOWN,
  RUNG_QUIT,
  RUNG_TERM,
  RUNG_KILL,
} Rung;

struct _VpStopLadder
{
  VpQmpClient *client;
  VpQemuProcess *process;
  Rung rung;
  guint timer;
};

VpStopLadder *
vp_stop_ladder_new (VpQmpClient *client, VpQemuProcess *process)
{
  VpStopLadder *self = g_new0 (VpStopLadder, 1);

  self->client = g_object_ref (client);
  self->process = g_object_ref (process);
  return self;
}

void
vp_stop_ladder_free (VpStopLadder *self)
{
  if (self == NULL)
    return;

  g_clear_handle_id (&self->timer, g_source_remove);
  g_object_unref (self->client);
  g_object_unref (self->process);
  g_free (self);
}

static void
on_time (gpointer user_data)
{
  VpStopLadder *self = user_data;

  self->timer = 0;
  vp_stop_ladder_climb (self, FALSE);
}

static void
say (VpStopLadder *self, const char *command)
{
  /* Whether it was heard shows in QEMU's end, not in the reply. */
  vp_qmp_client_execute_async (self->client, command, NULL, NULL, 0, NULL, NULL, NULL);
}

void
vp_stop_ladder_climb (VpStopLadder *self, gboolean force)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->rung = force ? MAX (self->rung + 1, RUNG_QUIT) : self->rung + 1;

  switch (MIN (self->rung, RUNG_KILL))
    {
    case RUNG_POWERDOWN:
      say (self, "system_powerdown");
      self->timer = g_timeout_add_once (POWERDOWN_MS, on_time, self);
      break;
    case RUNG_QUIT:
      say (self, "quit");
      self->timer = g_timeout_add_once (STEP_MS, on_time, self);
      break;
    case RUNG_TERM:
      vp_qemu_process_signal (self->process, SIGTERM);
      self->timer = g_timeout_add_once (STEP_MS, on_time, self);
      break;
    case RUNG_KILL:
      vp_qemu_process_signal (self->process, SIGKILL);
      break;
    case RUNG_GROUND:
      break;
    }
}

gboolean
vp_stop_ladder_is_climbing (VpStopLadder *self)
{
  return self->rung != RUNG_GROUND;
}
