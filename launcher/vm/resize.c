#include "launcher/vm/resize.h"

#include "devices/byte-size.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "launcher/vm/cpu-change.h"
#include "launcher/vm/memory-change.h"
#include "qmp/message.h"

struct _VpResize
{
  GObject parent_instance;

  VpCpuChange *cpus;
  VpMemoryChange *memory;
  VpQmpClient *client; /* nullable */

  GTask *task;                   /* nullable: who waits */
  gboolean has_cpus, has_memory; /* what it waits for */
  guint deadline;
  gint64 since_us;
};

G_DEFINE_FINAL_TYPE (VpResize, vp_resize, G_TYPE_OBJECT)

/* Takes @error, which may be %NULL. */
static void
answer (VpResize *self, const char *state, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  g_autoptr (GError) owned = error;
  JsonObject *document = json_object_new ();
  gint64 took_ms = (g_get_monotonic_time () - self->since_us) / G_TIME_SPAN_MILLISECOND;

  /* Also from within the deadline's own call, during which its source still exists. */
  g_clear_handle_id (&self->deadline, g_source_remove);
  json_object_set_string_member (document, "state", state);
  vp_resize_add_status (self, document);
  json_object_set_double_member (document, "seconds", (double) took_ms / 1000.0);
  if (owned != NULL)
    json_object_set_object_member (document, "error", vp_failure_to_json (owned));
  g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
}

/* Returns: (transfer full): "3 of 4 CPUs, 256 MiB of 512 MiB of memory" */
static char *
describe (VpResize *self)
{
  g_autoptr (JsonObject) cpus = vp_cpu_change_describe (self->cpus);
  g_autoptr (JsonObject) memory = vp_memory_change_describe (self->memory);
  gint64 unanswered = vp_qmp_message_get_int (cpus, "unanswered", 0);
  GString *text = g_string_new (NULL);

  if (self->has_cpus)
    g_string_append_printf (text, "%" G_GINT64_FORMAT " CPUs for %" G_GINT64_FORMAT,
                            vp_qmp_message_get_int (cpus, "now", 0),
                            vp_qmp_message_get_int (cpus, "asked", 0));
  if (self->has_cpus && unanswered > 0)
    g_string_append_printf (text, " (of %" G_GINT64_FORMAT " the guest has taken no notice)",
                            unanswered);
  if (self->has_memory)
    {
      g_autofree char *now =
          vp_byte_size_format ((guint64) vp_qmp_message_get_int (memory, "now", 0));
      g_autofree char *asked =
          vp_byte_size_format ((guint64) vp_qmp_message_get_int (memory, "asked", 0));

      g_string_append_printf (text, "%s%s of memory for %s", self->has_cpus ? ", " : "", now,
                              asked);
    }
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full) (nullable): why it is not done, if it will not be */
static GError *
make_failure (VpResize *self)
{
  const GError *of_cpus = self->has_cpus ? vp_cpu_change_get_failure (self->cpus) : NULL;
  const GError *of_memory = self->has_memory ? vp_memory_change_get_failure (self->memory) : NULL;
  g_autofree char *numbers = NULL;
  GError *error;

  if (of_cpus == NULL && of_memory == NULL)
    return NULL;

  error = g_error_copy (of_cpus != NULL ? of_cpus : of_memory);
  if (of_cpus != NULL && of_memory != NULL)
    vp_error_append (error, of_memory);
  numbers = describe (self);
  g_prefix_error (&error, "%s: ", numbers);
  return error;
}

static void
on_changed (VpResize *self)
{
  GError *failure;

  if (self->task == NULL || (self->has_cpus && !vp_cpu_change_is_settled (self->cpus)) ||
      (self->has_memory && !vp_memory_change_is_settled (self->memory)))
    return;

  failure = make_failure (self);
  answer (self, failure != NULL ? "refused" : "done", failure);
}

static void
on_deadline (gpointer user_data)
{
  VpResize *self = VP_RESIZE (user_data);
  g_autofree char *numbers = describe (self);

  answer (self, "pending",
          g_error_new (VP_ERROR, VP_ERROR_PENDING, "the guest has not followed yet: %s", numbers));
}

static gboolean
check (VpResize *self, guint cpus, guint64 memory, GError **error)
{
  if (self->client == NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_STATE, "QEMU does not run");
  else if (self->task != NULL)
    {
      g_autofree char *numbers = describe (self);

      g_set_error (error, VP_ERROR, VP_ERROR_STATE,
                   "another resize is under way, and somebody waits for it: %s", numbers);
    }
  else if (cpus == 0 && memory == 0)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                         "neither a number of CPUs nor a size of memory is given");
  else
    return (cpus == 0 || vp_cpu_change_check (self->cpus, cpus, error)) &&
           (memory == 0 || vp_memory_change_check (self->memory, memory, error));
  return FALSE;
}

void
vp_resize_async (VpResize *self,
                 guint cpus,
                 guint64 memory,
                 guint timeout_ms,
                 GAsyncReadyCallback callback,
                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, vp_resize_async);
  if (!check (self, cpus, memory, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  self->task = g_steal_pointer (&task);
  self->has_cpus = cpus > 0;
  self->has_memory = memory > 0;
  self->since_us = g_get_monotonic_time ();
  self->deadline = g_timeout_add_once (timeout_ms, on_deadline, self);
  if (cpus > 0)
    vp_cpu_change_ask (self->cpus, cpus);
  if (memory > 0)
    vp_memory_change_ask (self->memory, memory);
  on_changed (self); /* there may be nothing to do */
}

JsonObject *
vp_resize_finish (VpResize *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vp_resize_set_running (VpResize *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  vp_cpu_change_set_client (self->cpus, client);
  vp_memory_change_set_client (self->memory, client);
}

void
vp_resize_handle_event (VpResize *self, const char *name, JsonObject *data)
{
  vp_cpu_change_handle_event (self->cpus, name, data);
  vp_memory_change_handle_event (self->memory, name, data);
}

void
vp_resize_set_gone (VpResize *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  vp_resize_set_running (self, NULL);
  g_clear_handle_id (&self->deadline, g_source_remove);
  if (task != NULL)
    g_task_return_new_error (task, VP_ERROR, VP_ERROR_NO_VM, "QEMU ended during the resize");
}

void
vp_resize_add_status (VpResize *self, JsonObject *status)
{
  json_object_set_object_member (status, "cpus", vp_cpu_change_describe (self->cpus));
  json_object_set_object_member (status, "memory", vp_memory_change_describe (self->memory));
}

static void
vp_resize_dispose (GObject *object)
{
  VpResize *self = VP_RESIZE (object);

  vp_resize_set_gone (self);

  G_OBJECT_CLASS (vp_resize_parent_class)->dispose (object);
}

static void
vp_resize_finalize (GObject *object)
{
  VpResize *self = VP_RESIZE (object);

  g_object_unref (self->cpus);
  g_object_unref (self->memory);

  G_OBJECT_CLASS (vp_resize_parent_class)->finalize (object);
}

static void
vp_resize_class_init (VpResizeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_resize_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_resize_finalize;
}

static void
vp_resize_init (VpResize *self)
{
}

VpResize *
vp_resize_new (const VpConfig *config, VpAccel accel)
{
  VpResize *self = g_object_new (VP_TYPE_RESIZE, NULL);

  self->cpus = vp_cpu_change_new (config->smp, config->max_cpus, accel == VP_ACCEL_TCG);
  self->memory = vp_memory_change_new (config->memory, config->max_memory);
  g_signal_connect_object (self->cpus, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->memory, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}
