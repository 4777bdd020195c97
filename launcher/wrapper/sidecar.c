#include "launcher/wrapper/sidecar.h"

#include "launcher/control/control-server.h"
#include "launcher/signals.h"
#include "launcher/vm/autofd.h"
#include "launcher/wrapper/hand-over.h"
#include "launcher/wrapper/runtime-channel.h"
#include "launcher/wrapper/sandbox.h"
#include "launcher/wrapper/take-over-machine.h"
#include "launcher/wrapper/waiting-room.h"
#include "qmp/message.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

typedef struct
{
  const VpSidecarInput *input;
  int socket;   /* -1: the command line is handed over, or never will be */
  int listener; /* the caller's, or -1 */
  GMainLoop *loop;
  VpSandbox *sandbox;
  VpMachine *machine;
  VpControlServer *control;  /* nullable: QEMU does not speak yet */
  VpRuntimeChannel *channel; /* nullable: the caller's QMP is left alone */
  VpTakeOverMachine *take_over_machine;
  VpTakeOver *take_over; /* nullable: likewise, or not yet */
} Sidecar;

/* Returns: (transfer full): the texts of @array */
static char **
copy_texts (const GPtrArray *array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < array->len; i++)
    g_strv_builder_add (builder, array->pdata[i]);
  return g_strv_builder_end (builder);
}

static void
close_socket (Sidecar *self)
{
  vp_autofd_close (&self->socket);
  self->socket = -1;
}

static void
fail (Sidecar *self, const GError *error)
{
  if (self->socket >= 0)
    vp_hand_over_fail (self->socket, error);
  close_socket (self);
}

/* Returns: (transfer full): what the caller has on its buses as the machine starts; of ours it
 * knows nothing */
static VpBusMap *
map_buses (const VpForeignVm *vm)
{
  VpBusMap *buses = vp_bus_map_new ();

  for (guint i = 0; i < vm->devices->len; i++)
    {
      const VpForeignDevice *device = vm->devices->pdata[i];

      vp_bus_map_add (buses, device->driver, device->id, device->bus, device->addr);
    }
  return buses;
}

static void
begin_take_over (Sidecar *self)
{
  const VpWrapperConfig *config = self->input->config;
  VpTakeOverHost host;

  if (self->channel == NULL)
    return;
  self->take_over_machine =
      vp_take_over_machine_new (self->machine, self->input->root, VP_RUNTIME_CHANNEL_SOCKET,
                                config->attach_timeout_ms, config->unplug_timeout_ms);
  host = vp_take_over_machine_get_host (self->take_over_machine);
  self->take_over =
      vp_take_over_new (vp_runtime_channel_take_listener (self->channel),
                        map_buses (self->input->vm), &host, config->unplug_timeout_ms);
}

/* The command line is complete and all that is to be bound is: QEMU can be. */
static gboolean
launch (char **argv,
        const int *fds,
        const int *numbers,
        guint n_fds,
        gpointer user_data,
        GError **error)
{
  Sidecar *self = user_data;
  g_autoptr (VpHandOver) hand_over = vp_hand_over_new (argv);
  int last = 0;

  for (guint i = 0; i < n_fds; i++)
    {
      vp_hand_over_add_fd (hand_over, fcntl (fds[i], F_DUPFD_CLOEXEC, 0), numbers[i]);
      last = MAX (last, numbers[i]);
    }
  hand_over->warnings = copy_texts (self->sandbox->warnings);
  if (self->channel != NULL && !vp_runtime_channel_divert (self->channel, self->sandbox->run_dir,
                                                           hand_over, last + 1, error))
    return FALSE;
  if (!vp_hand_over_send (hand_over, self->socket, error))
    return FALSE;
  close_socket (self);
  begin_take_over (self);
  /* Nothing is relative from here on, and a folder that we are in could not be unmounted. */
  if (chdir ("/") != 0)
    g_debug ("chdir: %s", g_strerror (errno));
  return TRUE;
}

static void
on_event (VpMachine *machine, const char *name, JsonObject *data, gpointer user_data)
{
  Sidecar *self = user_data;
  const char *id = vp_qmp_message_get_string (data, "device");

  if (self->take_over != NULL && g_str_equal (name, "DEVICE_DELETED") && id != NULL)
    vp_take_over_device_deleted (self->take_over, id);
}

static void
on_ended (VpMachine *machine, gpointer user_data)
{
  g_main_loop_quit (((Sidecar *) user_data)->loop);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sidecar *self = user_data;
  g_autoptr (GError) error = NULL;
  int listener;

  if (!vp_machine_start_finish (self->machine, result, &error))
    {
      fail (self, error);
      /* A QEMU that has ended before it spoke serves nobody, and the runtime would wait for ever.
       */
      if (self->listener >= 0)
        vp_waiting_room_clear (self->listener);
      g_main_loop_quit (self->loop);
      return;
    }

  /* QEMU serves it now. */
  vp_autofd_close (&self->listener);
  self->listener = -1;
  listener = vp_run_dir_listen (self->sandbox->run_dir, "control", NULL);
  if (listener >= 0) /* without it nobody reaches us, but QEMU and its devices are well */
    self->control = vp_control_server_new (self->machine, listener);
}

/* Whoever ends us does not mean QEMU, which is not ours. */
static gboolean
on_signal (int fd, GIOCondition condition, gpointer user_data)
{
  while (vp_signals_read (fd) != 0)
    g_main_loop_quit (((Sidecar *) user_data)->loop);
  return G_SOURCE_CONTINUE;
}

static void
accompany (Sidecar *self)
{
  int signals = vp_signals_open ();
  guint signal_source = g_unix_fd_add (signals, G_IO_IN, on_signal, self);
  VpQemuAdoption adoption = {
    .pid = self->input->pid,
    .first_fd = self->sandbox->blueprint->foreign->first_fd,
    .launch = launch,
    .user_data = self,
  };

  self->machine = vp_machine_new (g_steal_pointer (&self->sandbox->blueprint),
                                  self->sandbox->run_dir, self->sandbox->bindings);
  vp_machine_adopt (self->machine, &adoption);
  g_signal_connect (self->machine, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->machine, "ended", G_CALLBACK (on_ended), self);
  vp_machine_start_async (self->machine, on_started, self);
  g_main_loop_run (self->loop);

  if (self->control != NULL)
    vp_control_server_close (self->control);
  g_clear_object (&self->control);
  g_clear_pointer (&self->take_over, vp_take_over_close);
  g_signal_handlers_disconnect_by_data (self->machine, self);
  g_clear_object (&self->machine);
  g_clear_pointer (&self->take_over_machine, vp_take_over_machine_free);
  g_source_remove (signal_source);
  close (signals);
}

/* QEMU with what it was asked for and nothing else. */
static void
leave_alone (Sidecar *self)
{
  const VpSidecarInput *input = self->input;
  g_autoptr (VpHandOver) hand_over = vp_hand_over_new (input->argv->argv);

  g_free (hand_over->argv[0]);
  hand_over->argv[0] = g_strdup (input->config->qemu);
  hand_over->warnings = copy_texts (input->config->warnings);
  vp_hand_over_send (hand_over, self->socket, NULL);
  close_socket (self);
}

/* Returns whether there is something to accompany. */
static gboolean
prepare (Sidecar *self, GError **error)
{
  const VpSidecarInput *input = self->input;
  g_auto (GStrv) environment = g_get_environ ();

  self->sandbox =
      vp_sandbox_new (input->vm, input->argv, input->config, (const char *const *) environment,
                      input->root, input->first_fd, input->pid, error);
  if (self->sandbox == NULL)
    return FALSE;
  if (self->sandbox->blueprint == NULL)
    {
      leave_alone (self);
      return FALSE;
    }
  if (!input->config->take_over || input->vm->qmp.kind == VP_FOREIGN_QMP_NONE)
    return TRUE;

  /* A listener that is taken over is not ours to clear as long as the take-over has it. */
  self->channel = vp_runtime_channel_new (&input->vm->qmp, g_steal_fd (&self->listener), error);
  return self->channel != NULL;
}

void
vp_sidecar_run (const VpSidecarInput *input)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  Sidecar self = {
    .input = input, .socket = input->socket, .listener = input->listener, .loop = loop
  };

  if (prepare (&self, &error))
    accompany (&self);
  else if (error != NULL)
    fail (&self, error);

  vp_autofd_close (&self.listener);
  vp_runtime_channel_free (self.channel);
  vp_sandbox_free (self.sandbox);
}
