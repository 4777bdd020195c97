#include "launcher/wrapper/take-over-machine.h"

#include "launcher/error.h"
#include "launcher/wrapper/foreign-spec.h"
#include "qmp/message.h"

#include <string.h>

struct _VpTakeOverMachine
{
  VpMachine *machine;
  char *root;
  char *socket_name;
  guint attach_timeout_ms;
  guint detach_timeout_ms;
};

/* One request of the take-over's. */
typedef struct
{
  char *id; /* nullable: the runtime gives it none */
  VpTakeOverAnswer answer;
  gpointer data;
} Request;

static Request *
request_new (const char *id, VpTakeOverAnswer answer, gpointer data)
{
  Request *request = g_new (Request, 1);

  *request = (Request){ g_strdup (id), answer, data };
  return request;
}

/* Frees @request. */
static void
request_answer (Request *request, const GError *error)
{
  request->answer (error, request->data);
  g_free (request->id);
  g_free (request);
}

static int
connect_qemu (gpointer user_data, GError **error)
{
  VpTakeOverMachine *self = user_data;

  return vp_run_dir_connect (self->root, vp_machine_get_name (self->machine), self->socket_name,
                             error);
}

/* QEMU has it, or will not say no any more. */
static gboolean
is_there (const char *state)
{
  return g_strcmp0 (state, "usable") == 0 || g_strcmp0 (state, "accepted") == 0 ||
         g_strcmp0 (state, "pending-removal") == 0;
}

static const char *
state_of (JsonObject *status, const char *id)
{
  JsonArray *devices = json_object_get_array_member (status, "devices");

  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      if (g_strcmp0 (vp_qmp_message_get_string (device, "id"), id) == 0)
        return vp_qmp_message_get_string (device, "state");
    }
  return NULL;
}

static gboolean
has_device (const char *id, gpointer user_data)
{
  VpTakeOverMachine *self = user_data;
  g_autoptr (JsonObject) status = vp_machine_get_status (self->machine);

  return state_of (status, id) != NULL;
}

static char *
find_device (JsonObject *arguments, gpointer user_data)
{
  VpTakeOverMachine *self = user_data;
  g_autofree char *ref = vp_foreign_spec_get_ref (arguments);
  g_autoptr (JsonObject) status = NULL;
  g_auto (GStrv) ids = NULL;

  if (ref == NULL)
    return NULL;
  ids = vp_machine_lookup (self->machine, ref, NULL);
  if (ids == NULL)
    return NULL;
  status = vp_machine_get_status (self->machine);
  return is_there (state_of (status, ids[0])) ? g_strdup (ids[0]) : NULL;
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) document = vp_machine_attach_finish (VP_MACHINE (source), result, &error);

  /* QEMU has it, and the guest may still find it: all that device_add itself would say. */
  if (g_error_matches (error, VP_ERROR, VP_ERROR_PENDING))
    g_clear_error (&error);
  request_answer (user_data, error);
}

static void
attach (JsonObject *arguments, VpTakeOverAnswer answer, gpointer answer_data, gpointer user_data)
{
  VpTakeOverMachine *self = user_data;
  g_autoptr (GError) error = NULL;
  VpDeviceSpec *spec = vp_foreign_spec_new (arguments, &error);

  if (spec == NULL)
    answer (error, answer_data);
  else
    vp_machine_attach_async (
        self->machine, spec, self->attach_timeout_ms, on_attached,
        request_new (vp_qmp_message_get_string (arguments, "id"), answer, answer_data));
}

static void
on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) document = vp_machine_detach_finish (VP_MACHINE (source), result, &error);

  request_answer (user_data, error);
}

/* However often it is attached: a runtime counts for itself. */
static void
detach (const char *id, VpTakeOverAnswer answer, gpointer answer_data, gpointer user_data)
{
  VpTakeOverMachine *self = user_data;

  vp_machine_detach_async (self->machine, id, TRUE, self->detach_timeout_ms, on_detached,
                           request_new (id, answer, answer_data));
}

VpTakeOverMachine *
vp_take_over_machine_new (VpMachine *machine,
                          const char *root,
                          const char *socket_name,
                          guint attach_timeout_ms,
                          guint detach_timeout_ms)
{
  VpTakeOverMachine *self = g_new0 (VpTakeOverMachine, 1);

  self->machine = g_object_ref (machine);
  self->root = g_strdup (root);
  self->socket_name = g_strdup (socket_name);
  self->attach_timeout_ms = attach_timeout_ms;
  self->detach_timeout_ms = detach_timeout_ms;
  return self;
}

void
vp_take_over_machine_free (VpTakeOverMachine *self)
{
  if (self == NULL)
    return;

  g_object_unref (self->machine);
  g_free (self->root);
  g_free (self->socket_name);
  g_free (self);
}

VpTakeOverHost
vp_take_over_machine_get_host (VpTakeOverMachine *self)
{
  return (VpTakeOverHost){
    .connect_qemu = connect_qemu,
    .find_device = find_device,
    .has_device = has_device,
    .attach = attach,
    .detach = detach,
    .user_data = self,
  };
}
