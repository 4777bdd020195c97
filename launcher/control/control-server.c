#include "launcher/control/control-server.h"

#include "launcher/control/call-arguments.h"
#include "launcher/control/device-calls.h"
#include "launcher/control/pass-through.h"
#include "launcher/control/resize-command.h"
#include "launcher/failure.h"
#include "qmp/server.h"

#include <unistd.h>

struct _VpControlServer
{
  GObject parent_instance;

  VpMachine *machine;
  VpQmpServer *server; /* NULL: could not be opened, or is closed */
};

G_DEFINE_FINAL_TYPE (VpControlServer, vp_control_server, G_TYPE_OBJECT)

/* The arguments of a command are at hand in @arguments; it takes @call, also when it fails. */
typedef void (*CommandFunc) (VpMachine *machine, VpQmpCall *call, JsonObject *arguments);

/* Takes all its arguments. */
static void
answer (VpQmpCall *call, JsonNode *value, GError *error)
{
  g_autoptr (GError) owned = error;

  if (owned == NULL)
    vp_qmp_call_return (call, value);
  else
    vp_qmp_call_fail (call, vp_failure_to_json (owned));
}

static void
answer_document (VpQmpCall *call, JsonObject *document, GError *error)
{
  JsonNode *value = NULL;

  if (document != NULL)
    {
      value = json_node_new (JSON_NODE_OBJECT);
      json_node_take_object (value, document);
    }
  answer (call, value, error);
}

static void
show_status (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  answer_document (call, vp_machine_get_status (machine), NULL);
}

static void
stop (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  GError *error = NULL;
  gboolean force;
  JsonObject *value;

  if (!vp_call_arguments_get_flag (arguments, "force", &force, &error))
    {
      answer (call, NULL, error);
      return;
    }
  /* first the answer: a VM that is stopped may be gone before there is another chance */
  value = json_object_new ();
  json_object_set_int_member (value, "supervisor", getpid ());
  answer_document (call, value, NULL);
  vp_machine_stop (machine, force);
}

static const struct
{
  const char *name;
  CommandFunc run;
  const char *arguments[6];
} commands[] = {
  { "vmplug-status", show_status, { NULL } },
  { "vmplug-attach", vp_device_calls_attach, { "spec", "specs", "timeout", NULL } },
  { "vmplug-detach", vp_device_calls_detach, { "id", "ids", "all", "force", "timeout", NULL } },
  { "vmplug-resize", vp_resize_command_run, { "cpus", "memory", "timeout", NULL } },
  { "vmplug-stop", stop, { "force", NULL } },
};

static void
on_queried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  JsonNode *value = vp_machine_query_finish (VP_MACHINE (source), result, &error);

  answer (user_data, value, error);
}

static void
pass_through (VpMachine *machine, VpQmpCall *call, JsonObject *arguments)
{
  const char *command = vp_qmp_call_get_command (call);
  GError *error = NULL;

  if (vp_pass_through_check (command, &error))
    vp_machine_query_async (machine, command, json_object_ref (arguments), 0, on_queried, call);
  else
    answer (call, NULL, error);
}

static void
on_command (VpQmpServer *server, VpQmpCall *call, gpointer user_data)
{
  VpControlServer *self = user_data;
  JsonObject *arguments = vp_qmp_call_get_arguments (call);
  GError *error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (!g_str_equal (commands[i].name, vp_qmp_call_get_command (call)))
        continue;

      if (vp_call_arguments_check (arguments, commands[i].arguments, &error))
        commands[i].run (self->machine, call, arguments);
      else
        answer (call, NULL, error);
      return;
    }
  pass_through (self->machine, call, arguments);
}

static void
on_event (VpMachine *machine, const char *name, JsonObject *data, gpointer user_data)
{
  VpControlServer *self = user_data;

  vp_qmp_server_broadcast (self->server, name, data);
}

/* Like QEMU's, so that any QMP client takes it: they read "qemu", and the first three numbers are
   our own there. */
static JsonObject *
greeting (void)
{
  g_auto (GStrv) numbers = g_strsplit (VMPLUG_VERSION, ".", 3);
  static const char *const names[] = { "major", "minor", "micro" };
  JsonObject *qemu = json_object_new ();
  JsonObject *version = json_object_new ();
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    json_object_set_int_member (
        qemu, names[i], i < g_strv_length (numbers) ? g_ascii_strtoll (numbers[i], NULL, 10) : 0);
  json_object_set_object_member (version, "qemu", qemu);
  json_object_set_string_member (version, "package", "vmplug " VMPLUG_VERSION);
  json_object_set_string_member (version, "vmplug", VMPLUG_VERSION);
  json_object_set_object_member (object, "version", version);
  json_object_set_array_member (object, "capabilities", json_array_new ());
  return object;
}

void
vp_control_server_close (VpControlServer *self)
{
  g_return_if_fail (VP_IS_CONTROL_SERVER (self));

  if (self->server == NULL)
    return;

  g_signal_handlers_disconnect_by_data (self->machine, self);
  vp_qmp_server_close (self->server);
  g_clear_object (&self->server);
}

static void
vp_control_server_dispose (GObject *object)
{
  VpControlServer *self = VP_CONTROL_SERVER (object);

  vp_control_server_close (self);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (vp_control_server_parent_class)->dispose (object);
}

static void
vp_control_server_class_init (VpControlServerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_control_server_dispose;
}

static void
vp_control_server_init (VpControlServer *self)
{
}

VpControlServer *
vp_control_server_new (VpMachine *machine, int listen_fd)
{
  VpControlServer *self = g_object_new (VP_TYPE_CONTROL_SERVER, NULL);
  g_autoptr (GSocket) listener = NULL;
  g_autoptr (GError) error = NULL;

  self->machine = g_object_ref (machine);
  listener = g_socket_new_from_fd (listen_fd, &error);
  if (listener == NULL)
    {
      g_warning ("control socket: %s", error->message);
      close (listen_fd);
      return self;
    }

  self->server = vp_qmp_server_new (listener, greeting (), on_command, self);
  g_signal_connect (machine, "event", G_CALLBACK (on_event), self);
  return self;
}
