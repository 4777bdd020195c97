#include "launcher/wrapper/take-over-call.h"

#include "qmp/json-writer.h"
#include "qmp/message.h"

#include <string.h>

/* QEMU says DEVICE_DELETED on all its monitors at the same time. */
#define EVENT_GRACE_US ((gint64) G_USEC_PER_SEC)

/* A question to the VM. It outlives the call when the client hangs up before the answer. */
struct _VpTakeOverRequest
{
  VpTakeOverDevices *devices;
  JsonObject *arguments; /* of an attach */
  char *device;          /* QEMU's id, of a detach */
  VpTakeOverCall *call;  /* (nullable) */
  VpTakeOverAnswered answered;
  gpointer user_data;
};

VpTakeOverCall *
vp_take_over_call_new (VpTakeOverKind kind, VpTakeOverState state, VpRuntimeCommand *command)
{
  VpTakeOverCall *self = g_new0 (VpTakeOverCall, 1);

  self->kind = kind;
  self->state = state;
  self->command = command;
  self->is_oob = command != NULL && command->is_oob;
  self->reply = g_string_new (NULL);
  return self;
}

void
vp_take_over_call_free (VpTakeOverCall *self)
{
  if (self == NULL)
    return;

  if (self->request != NULL)
    self->request->call = NULL;
  vp_runtime_command_free (self->command);
  g_free (self->device);
  g_string_free (self->reply, TRUE);
  g_free (self);
}

void
vp_take_over_call_succeed (VpTakeOverCall *self)
{
  g_autofree char *line = vp_runtime_command_to_return (self->command);

  g_string_append (self->reply, line);
  self->state = VP_TAKE_OVER_DONE;
}

void
vp_take_over_call_fail (VpTakeOverCall *self, char *desc)
{
  g_autofree char *owned = desc;
  g_autofree char *line = vp_runtime_command_to_error (self->command, desc);

  g_string_assign (self->reply, line);
  self->state = VP_TAKE_OVER_DONE;
}

char *
vp_take_over_call_dup_runtime_device (const VpTakeOverCall *self)
{
  const char *id = vp_runtime_command_get_argument (self->command, "id");
  const char *slash = id != NULL ? strrchr (id, '/') : NULL;

  return g_strdup (slash != NULL ? slash + 1 : id);
}

static VpTakeOverRequest *
new_request (VpTakeOverCall *call,
             VpTakeOverDevices *devices,
             VpTakeOverAnswered answered,
             gpointer user_data)
{
  VpTakeOverRequest *self = g_new0 (VpTakeOverRequest, 1);

  self->devices = vp_take_over_devices_ref (devices);
  self->call = call;
  self->answered = answered;
  self->user_data = user_data;
  call->request = self;
  return self;
}

/* Returns: (transfer full) (nullable): the call, which is still there or not */
static VpTakeOverCall *
end_request (VpTakeOverRequest *self)
{
  VpTakeOverCall *call = self->call;

  if (call != NULL)
    call->request = NULL;
  vp_take_over_devices_unref (self->devices);
  g_clear_pointer (&self->arguments, json_object_unref);
  g_free (self->device);
  g_free (self);
  return call;
}

/* The VM may have given the device an id of its own. */
static void
learn_attached (VpTakeOverRequest *self)
{
  VpTakeOverHost *host = &self->devices->host;
  g_autofree char *qemu = host->find_device (self->arguments, host->user_data);
  const char *runtime = vp_qmp_message_get_string (self->arguments, "id");
  g_autofree char *fault = NULL;

  if (qemu == NULL && runtime == NULL)
    return;
  fault = vp_take_over_devices_claim (self->devices, runtime, qemu != NULL ? qemu : runtime);
}

static void
on_attached (const GError *error, gpointer answer_data)
{
  VpTakeOverRequest *self = answer_data;
  VpTakeOverAnswered answered = self->answered;
  gpointer user_data = self->user_data;
  VpTakeOverCall *call;

  if (error == NULL)
    learn_attached (self);
  call = end_request (self);
  if (call == NULL)
    return;
  if (error != NULL)
    vp_take_over_call_fail (call, g_strdup (error->message));
  else
    vp_take_over_call_succeed (call);
  answered (call, user_data);
}

static void
on_detached (const GError *error, gpointer answer_data)
{
  VpTakeOverRequest *self = answer_data;
  VpTakeOverAnswered answered = self->answered;
  gpointer user_data = self->user_data;
  VpTakeOverCall *call = self->call;

  /* Its id is needed until the event has passed; without a client none will. */
  if (error == NULL && (call == NULL || call->is_deleted))
    vp_id_map_remove (self->devices->ids, self->device);
  end_request (self);
  if (call == NULL)
    return;
  if (error != NULL)
    vp_take_over_call_fail (call, g_strdup (error->message));
  else if (call->is_deleted)
    vp_take_over_call_succeed (call);
  else
    call->state = VP_TAKE_OVER_WAITS_FOR_EVENT;
  answered (call, user_data);
}

void
vp_take_over_call_request_attach (VpTakeOverCall *self,
                                  VpTakeOverDevices *devices,
                                  VpTakeOverAnswered answered,
                                  gpointer user_data)
{
  VpTakeOverRequest *request = new_request (self, devices, answered, user_data);
  g_autoptr (JsonObject) arguments = json_object_ref (self->command->arguments);

  request->arguments = json_object_ref (arguments);
  devices->host.attach (arguments, on_attached, request, devices->host.user_data);
}

void
vp_take_over_call_request_detach (VpTakeOverCall *self,
                                  VpTakeOverDevices *devices,
                                  VpTakeOverAnswered answered,
                                  gpointer user_data)
{
  VpTakeOverRequest *request = new_request (self, devices, answered, user_data);
  g_autofree char *device = g_strdup (self->device);

  request->device = g_strdup (device);
  devices->host.detach (device, on_detached, request, devices->host.user_data);
}

gboolean
vp_take_over_call_is_about (const VpTakeOverCall *self, const char *device, const char *path)
{
  return (self->kind == VP_TAKE_OVER_DELETE || self->kind == VP_TAKE_OVER_DETACH) &&
         (g_strcmp0 (self->device, device) == 0 || g_strcmp0 (self->device, path) == 0);
}

void
vp_take_over_call_heed_deleted (VpTakeOverCall *self, VpTakeOverDevices *devices)
{
  self->is_deleted = TRUE;
  if (self->state != VP_TAKE_OVER_WAITS_FOR_EVENT)
    return;
  if (self->kind == VP_TAKE_OVER_DELETE)
    {
      self->state = VP_TAKE_OVER_DONE;
      return;
    }
  vp_id_map_remove (devices->ids, self->device);
  vp_take_over_call_succeed (self);
}

void
vp_take_over_call_heed_refused (VpTakeOverCall *self)
{
  g_autofree char *id = NULL;

  if (self->kind != VP_TAKE_OVER_DELETE) /* vmplug hears it itself */
    return;
  self->is_refused = TRUE;
  if (self->state != VP_TAKE_OVER_WAITS_FOR_EVENT)
    return;
  id = vp_take_over_call_dup_runtime_device (self);
  vp_take_over_call_fail (self, g_strdup_printf ("vmplug: %s: the guest refuses to let go; stop "
                                                 "its use there and try again",
                                                 id));
}

static void
make_up_event (VpTakeOverCall *self, gint64 real)
{
  g_autofree char *id = vp_take_over_call_dup_runtime_device (self);
  g_autofree char *path = g_strconcat ("/machine/peripheral/", id, NULL);

  g_string_printf (self->reply,
                   "{\"timestamp\": {\"seconds\": %" G_GINT64_FORMAT
                   ", \"microseconds\": %" G_GINT64_FORMAT
                   "}, \"event\": \"DEVICE_DELETED\", \"data\": {\"device\": ",
                   real / G_USEC_PER_SEC, real % G_USEC_PER_SEC);
  vp_json_write_string (self->reply, id);
  g_string_append (self->reply, ", \"path\": ");
  vp_json_write_string (self->reply, path);
  g_string_append (self->reply, "}}\r\n");
}

static void
expire (VpTakeOverCall *self, guint timeout_ms)
{
  g_autofree char *id = vp_take_over_call_dup_runtime_device (self);
  gboolean is_whole = timeout_ms % 1000 == 0;

  vp_take_over_call_fail (
      self,
      g_strdup_printf ("vmplug: %s: the guest has not let go within %u %s; it may still do so", id,
                       is_whole ? timeout_ms / 1000 : timeout_ms, is_whole ? "s" : "ms"));
}

gint64
vp_take_over_call_tick (VpTakeOverCall *self,
                        VpTakeOverDevices *devices,
                        guint unplug_timeout_ms,
                        gint64 now,
                        gint64 real)
{
  gboolean is_detach = self->kind == VP_TAKE_OVER_DETACH;

  if (self->state != VP_TAKE_OVER_WAITS_FOR_EVENT)
    return -1;
  if (self->deadline == 0)
    self->deadline =
        now + (is_detach ? EVENT_GRACE_US : (gint64) unplug_timeout_ms * G_TIME_SPAN_MILLISECOND);
  if (now < self->deadline)
    return self->deadline;

  if (is_detach)
    {
      make_up_event (self, real);
      vp_take_over_call_heed_deleted (self, devices);
    }
  else
    expire (self, unplug_timeout_ms);
  return -1;
}
