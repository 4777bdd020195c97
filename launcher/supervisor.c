#include "launcher/supervisor.h"

#include "launcher/control/control-server.h"
#include "launcher/error.h"
#include "launcher/signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

typedef struct
{
  const VpSupervisorHooks *hooks;
  GMainLoop *loop;
  VpRunDir *run_dir;
  VpMachine *machine;
  VpControlServer *control; /* nullable: the guest does not run */
  int signal_number;
  GError *error;
} Supervisor;

static gboolean
on_signal (int fd, GIOCondition condition, gpointer user_data)
{
  Supervisor *self = user_data;
  int number;

  while ((number = vp_signals_read (fd)) != 0)
    {
      if (self->signal_number == 0)
        self->signal_number = number;
      if (self->hooks->signalled != NULL)
        self->hooks->signalled (number, self->hooks->user_data);
      else
        vp_machine_stop (self->machine, self->control == NULL);
    }
  return G_SOURCE_CONTINUE;
}

static void
on_console (VpMachine *machine, GBytes *output, gpointer user_data)
{
  Supervisor *self = user_data;

  if (self->hooks->console != NULL)
    self->hooks->console (output, self->hooks->user_data);
}

static void
on_event (VpMachine *machine, const char *name, JsonObject *data, gpointer user_data)
{
  Supervisor *self = user_data;

  if (self->hooks->event != NULL)
    self->hooks->event (name, data, self->hooks->user_data);
}

static void
on_ended (VpMachine *machine, gpointer user_data)
{
  Supervisor *self = user_data;

  if (self->error == NULL)
    vp_machine_get_end (machine, &self->error);
  g_main_loop_quit (self->loop);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Supervisor *self = user_data;
  int listener;

  if (!vp_machine_start_finish (self->machine, result, &self->error))
    {
      g_main_loop_quit (self->loop);
      return;
    }
  listener = vp_run_dir_listen (self->run_dir, "control", &self->error);
  if (listener < 0)
    {
      vp_machine_stop (self->machine, TRUE); /* nobody could ever reach it */
      return;
    }
  self->control = vp_control_server_new (self->machine, listener);
  if (self->hooks->started != NULL)
    self->hooks->started (self->machine, self->hooks->user_data);
}

static void
supervise (Supervisor *self)
{
  int signals = vp_signals_open ();
  guint signal_source = g_unix_fd_add (signals, G_IO_IN, on_signal, self);

  g_signal_connect (self->machine, "console", G_CALLBACK (on_console), self);
  g_signal_connect (self->machine, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->machine, "ended", G_CALLBACK (on_ended), self);
  if (self->hooks->prepared != NULL)
    self->hooks->prepared (self->machine, self->hooks->user_data);
  vp_machine_start_async (self->machine, on_started, self);
  g_main_loop_run (self->loop);

  if (self->hooks->ended != NULL)
    self->hooks->ended (self->machine, self->hooks->user_data);
  if (self->control != NULL)
    vp_control_server_close (self->control);
  g_clear_object (&self->control);
  g_signal_handlers_disconnect_by_data (self->machine, self);
  g_source_remove (signal_source);
  close (signals);
}

gboolean
vp_supervisor_run (VpBlueprint *blueprint,
                   const char *root,
                   const VpSupervisorHooks *hooks,
                   int *signal_number,
                   GError **error)
{
  g_autoptr (VpBlueprint) owned_blueprint = blueprint;
  g_autoptr (VpBindings) bindings = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Supervisor self = { .hooks = hooks, .loop = loop };

  self.run_dir = vp_run_dir_create (root, blueprint->config->name, error);
  if (self.run_dir == NULL)
    return FALSE;

  bindings = vp_bindings_new_for_vm (blueprint->sysfs, root, blueprint->config->name);
  self.machine = vp_machine_new (g_steal_pointer (&owned_blueprint), self.run_dir, bindings);
  supervise (&self);
  g_object_unref (self.machine);
  vp_run_dir_remove (self.run_dir);

  *signal_number = self.signal_number;
  if (self.error == NULL)
    return TRUE;
  g_propagate_error (error, self.error);
  return FALSE;
}
