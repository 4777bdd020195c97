#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/commands/vm-state.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#define ANSWER_MS 10000
#define GONE_MS   2000

typedef struct
{
  GMainLoop *loop;
  GPtrArray *held; /* (nullable) (element-type JsonObject): until the status is printed */
  int write_errno; /* why stdout takes no more */
} Listener;

/* Returns: (transfer full) */
static JsonObject *
new_event (const char *name, JsonObject *data)
{
  gint64 now = g_get_real_time ();
  JsonObject *timestamp = json_object_new ();
  JsonObject *event = json_object_new ();

  json_object_set_int_member (timestamp, "seconds", now / G_USEC_PER_SEC);
  json_object_set_int_member (timestamp, "microseconds", now % G_USEC_PER_SEC);
  json_object_set_string_member (event, "event", name);
  json_object_set_object_member (event, "data", json_object_ref (data));
  json_object_set_object_member (event, "timestamp", timestamp);
  return event;
}

/* @event: (transfer full) */
static void
print_event (Listener *self, JsonObject *event)
{
  vp_output_json (event);
  if (fflush (stdout) == 0 && !ferror (stdout))
    return;

  self->write_errno = errno;
  g_main_loop_quit (self->loop);
}

static void
on_event (VpQmpClient *client, const char *name, JsonObject *data, gpointer user_data)
{
  Listener *self = user_data;

  if (self->held != NULL)
    g_ptr_array_add (self->held, new_event (name, data));
  else
    print_event (self, new_event (name, data));
}

static void
on_closed (VpQmpClient *client, GError *reason, gpointer user_data)
{
  Listener *self = user_data;

  g_main_loop_quit (self->loop);
}

/* Prints until the connection or stdout has ended. What came while the status was on its way may be
   older than it, but is in order: the last word on each thing is right. */
static gboolean
follow (Listener *self, VpControlClient *client, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  g_autoptr (JsonObject) status = NULL;

  self->held = held;
  g_signal_connect (client, "event", G_CALLBACK (on_event), self);
  g_signal_connect (client, "closed", G_CALLBACK (on_closed), self);
  status = vp_control_client_call (client, "vmplug-status", NULL, ANSWER_MS, error);
  self->held = NULL;
  if (status != NULL)
    {
      print_event (self, new_event ("VMPLUG_STATUS", status));
      for (guint i = 0; i < held->len && self->write_errno == 0; i++)
        print_event (self, json_object_ref (held->pdata[i]));
      if (self->write_errno == 0 && !vp_qmp_client_is_closed (client))
        g_main_loop_run (self->loop);
    }
  g_signal_handlers_disconnect_by_data (client, self);
  return status != NULL;
}

/* As "vmplug events VM | head -1" expects; GIO has the signal ignored. */
static void
end_by_broken_pipe (void)
{
  signal (SIGPIPE, SIG_DFL);
  raise (SIGPIPE);
}

int
vp_command_events (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = {
    .usage = "VM",
    .summary = "Prints each event of a VM as one line of JSON until the VM ends. The first line, "
               "VMPLUG_STATUS, is its status now: nothing that changes afterwards is missed.",
    .min_args = 1,
    .max_args = 1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, NULL, error);
  g_autofree char *root = line.root;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (VpControlClient) client = NULL;
  Listener self = { .loop = loop };

  if (args == NULL)
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL || !follow (&self, client, error))
    return -1;

  if (self.write_errno == EPIPE)
    end_by_broken_pipe ();
  if (self.write_errno != 0)
    return 0; /* main() tells that stdout has failed */
  if (vp_vm_state_wait_gone (root, args[0], GONE_MS))
    return 0;

  g_set_error (error, VP_ERROR, VP_ERROR_NO_VM,
               "%s still runs, but has hung up: its events were read too slowly", args[0]);
  return -1;
}
