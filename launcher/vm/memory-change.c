#include "launcher/vm/memory-change.h"

#include "devices/byte-size.h"
#include "launcher/config/memory-block.h"
#include "launcher/error.h"
#include "launcher/vm/own-devices.h"
#include "qmp/message.h"

#define MIB         (G_GUINT64_CONSTANT (1) << 20)
#define DEVICE_PATH "/machine/peripheral/" VP_OWN_DEVICES_MEMORY_ID

struct _VpMemoryChange
{
  GObject parent_instance;

  guint64 memory;
  guint64 max_memory;
  VpQmpClient *client; /* nullable */

  guint64 asked; /* in all, like @now */
  guint64 now;
  guint n_in_flight; /* commands without an answer */
  GError *failure;   /* nullable */
};

G_DEFINE_FINAL_TYPE (VpMemoryChange, vp_memory_change, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

gboolean
vp_memory_change_check (VpMemoryChange *self, guint64 wanted, GError **error)
{
  guint64 block = vp_memory_block (self->memory, self->max_memory);
  g_autofree char *size = vp_byte_size_format (wanted);
  g_autofree char *least = vp_byte_size_format (self->memory);
  g_autofree char *most = vp_byte_size_format (self->max_memory);
  g_autofree char *step = vp_byte_size_format (block);

  if (wanted > self->max_memory)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%s of memory: the VM can have %s; start it with --max-memory %" G_GUINT64_FORMAT
                 "M",
                 size, most, (wanted + MIB - 1) / MIB);
  else if (wanted < self->memory)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%s of memory: the VM started with %s, which stay; start it with a smaller "
                 "--memory and with --max-memory",
                 size, least);
  else if ((wanted - self->memory) % block != 0)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%s of memory: what is added to the first %s comes in steps of %s", size, least,
                 step);
  else
    return TRUE;
  return FALSE;
}

/* Takes @error, the first of a request. */
static void
fail (VpMemoryChange *self, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autofree char *wanted = vp_byte_size_format (self->asked);

  if (self->failure == NULL)
    g_set_error (&self->failure, VP_ERROR, VP_ERROR_REFUSED, "%s of memory: QEMU refused: %s",
                 wanted, owned->message);
}

static void
set_size (VpMemoryChange *self, gint64 size)
{
  if (size >= 0 && (guint64) size <= self->max_memory - self->memory)
    self->now = self->memory + (guint64) size;
}

/* Ends a command, whose answer has been dealt with. */
static void
end_command (VpMemoryChange *self)
{
  self->n_in_flight--;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
on_requested (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpMemoryChange) self = VP_MEMORY_CHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    fail (self, g_steal_pointer (&error));
  end_command (self);
}

static void
on_size (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpMemoryChange) self = VP_MEMORY_CHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    fail (self, g_steal_pointer (&error));
  else if (JSON_NODE_HOLDS_VALUE (reply) && json_node_get_value_type (reply) == G_TYPE_INT64)
    set_size (self, json_node_get_int (reply));
  end_command (self);
}

static JsonObject *
name_property (const char *property)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_string_member (arguments, "path", DEVICE_PATH);
  json_object_set_string_member (arguments, "property", property);
  return arguments;
}

void
vp_memory_change_ask (VpMemoryChange *self, guint64 wanted)
{
  JsonObject *request;

  g_return_if_fail (VP_IS_MEMORY_CHANGE (self) && self->client != NULL);

  g_clear_error (&self->failure);
  self->asked = wanted;
  if (self->max_memory == self->memory)
    return; /* there is no device, and nothing to do */

  request = name_property ("requested-size");
  json_object_set_int_member (request, "value", (gint64) (wanted - self->memory));
  self->n_in_flight += 2;
  vp_qmp_client_execute_async (self->client, "qom-set", request, NULL, 0, NULL, on_requested,
                               g_object_ref (self));
  vp_qmp_client_execute_async (self->client, "qom-get", name_property ("size"), NULL, 0, NULL,
                               on_size, g_object_ref (self));
}

void
vp_memory_change_handle_event (VpMemoryChange *self, const char *name, JsonObject *data)
{
  g_return_if_fail (VP_IS_MEMORY_CHANGE (self) && name != NULL);

  if (!g_str_equal (name, "MEMORY_DEVICE_SIZE_CHANGE") ||
      g_strcmp0 (vp_qmp_message_get_string (data, "id"), VP_OWN_DEVICES_MEMORY_ID) != 0)
    return;
  set_size (self, vp_qmp_message_get_int (data, "size", -1));
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

gboolean
vp_memory_change_is_settled (VpMemoryChange *self)
{
  return self->n_in_flight == 0 && (self->failure != NULL || self->now == self->asked);
}

const GError *
vp_memory_change_get_failure (VpMemoryChange *self)
{
  return self->failure;
}

JsonObject *
vp_memory_change_describe (VpMemoryChange *self)
{
  JsonObject *document = json_object_new ();

  json_object_set_int_member (document, "asked", (gint64) self->asked);
  json_object_set_int_member (document, "now", (gint64) self->now);
  json_object_set_int_member (document, "max", (gint64) self->max_memory);
  return document;
}

void
vp_memory_change_set_client (VpMemoryChange *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
}

static void
vp_memory_change_dispose (GObject *object)
{
  g_clear_object (&VP_MEMORY_CHANGE (object)->client);

  G_OBJECT_CLASS (vp_memory_change_parent_class)->dispose (object);
}

static void
vp_memory_change_finalize (GObject *object)
{
  g_clear_error (&VP_MEMORY_CHANGE (object)->failure);

  G_OBJECT_CLASS (vp_memory_change_parent_class)->finalize (object);
}

static void
vp_memory_change_class_init (VpMemoryChangeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_memory_change_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_memory_change_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_MEMORY_CHANGE, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_memory_change_init (VpMemoryChange *self)
{
}

VpMemoryChange *
vp_memory_change_new (guint64 memory, guint64 max_memory)
{
  VpMemoryChange *self = g_object_new (VP_TYPE_MEMORY_CHANGE, NULL);

  self->memory = self->asked = self->now = memory;
  self->max_memory = MAX (memory, max_memory);
  return self;
}
