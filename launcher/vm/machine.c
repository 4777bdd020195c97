#include "launcher/vm/machine.h"

#include "devices/lifecycle.h"
#include "devices/vfio-bind.h"
#include "launcher/config/accelerator.h"
#include "launcher/error.h"
#include "launcher/vm/host-change.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/hotplug.h"
#include "launcher/vm/qemu.h"
#include "launcher/vm/readiness.h"
#include "launcher/vm/vfio-user.h"

#include <unistd.h>

/* Giving devices back after QEMU's end takes milliseconds; a driver that hangs must not keep us. */
#define LAST_GIVE_BACK_MS 30000

struct _VpMachine
{
  GObject parent_instance;

  VpBlueprint *blueprint;
  VpRunDir *run_dir;
  VpBindings *bindings;

  VpHotplug *hotplug;
  VpQemu *qemu;
  VpReadiness *readiness; /* nullable: nothing to look for on the console */
  guint ready_timer;
  guint give_back_timer; /* runs from QEMU's end until everything is back */

  GTask *start;        /* nullable: who waits for the start */
  GError *start_error; /* nullable: why it failed; told once everything is undone */
  GPtrArray *taken;    /* (element-type VpPciFunction): host functions taken for the start */
  gint64 started_us;
  gboolean stopping;
};

G_DEFINE_FINAL_TYPE (VpMachine, vp_machine, G_TYPE_OBJECT)

enum
{
  SIGNAL_EVENT,
  SIGNAL_CONSOLE,
  SIGNAL_ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
tell_end (VpMachine *self)
{
  g_autoptr (GTask) start = g_steal_pointer (&self->start);
  g_autoptr (GError) left = NULL;

  g_clear_handle_id (&self->give_back_timer, g_source_remove);
  if (start == NULL)
    {
      g_signal_emit (self, signals[SIGNAL_ENDED], 0);
      return;
    }
  if (!vp_hotplug_check_given_back (self->hotplug, &left))
    vp_error_append (self->start_error, left);
  g_task_return_error (start, g_steal_pointer (&self->start_error));
}

static void
on_give_back_deadline (gpointer user_data)
{
  tell_end (VP_MACHINE (user_data));
}

/* QEMU is gone: every device goes back, and then that is told. */
static void
wind_up (VpMachine *self)
{
  g_clear_handle_id (&self->ready_timer, g_source_remove);
  vp_hotplug_set_gone (self->hotplug);
  if (vp_hotplug_is_idle (self->hotplug))
    {
      tell_end (self);
      return;
    }
  self->give_back_timer = g_timeout_add_once (LAST_GIVE_BACK_MS, on_give_back_deadline, self);
}

static void
on_exited (VpQemu *qemu, gpointer user_data)
{
  g_autoptr (VpMachine) self = g_object_ref (VP_MACHINE (user_data));

  wind_up (self);
}

static void
on_device_changed (VpHotplug *hotplug, const char *id, int state, gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);
  g_autoptr (JsonObject) data = json_object_new ();

  json_object_set_string_member (data, "id", id);
  json_object_set_string_member (data, "state", vp_device_state_to_string ((VpDeviceState) state));
  g_signal_emit (self, signals[SIGNAL_EVENT], 0, "VMPLUG_DEVICE_STATE", data);

  if (self->give_back_timer != 0 && vp_hotplug_is_idle (hotplug))
    tell_end (self);
}

static void
on_event (VpQemu *qemu, const char *name, JsonObject *data, gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);

  vp_hotplug_handle_event (self->hotplug, name, data);
  g_signal_emit (self, signals[SIGNAL_EVENT], 0, name, data);
}

static void
on_console_output (VpQemu *qemu, GBytes *output, gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);
  gsize size;
  const char *data = g_bytes_get_data (output, &size);

  if (self->readiness != NULL && vp_readiness_feed (self->readiness, data, size))
    {
      g_clear_pointer (&self->readiness, vp_readiness_free);
      vp_hotplug_set_ready (self->hotplug);
    }
  g_signal_emit (self, signals[SIGNAL_CONSOLE], 0, output);
}

static void
on_ready_timer (gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);

  self->ready_timer = 0;
  vp_hotplug_set_ready (self->hotplug);
}

static void
wait_for_readiness (VpMachine *self)
{
  const VpReady *ready = &self->blueprint->config->ready;

  switch (ready->kind)
    {
    case VP_READY_NOW:
      vp_hotplug_set_ready (self->hotplug);
      break;
    case VP_READY_AFTER:
      self->ready_timer = g_timeout_add_once (ready->milliseconds, on_ready_timer, self);
      break;
    case VP_READY_CONSOLE:
      break; /* on_console_output() sees it */
    }
}

static void
on_qemu_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpMachine) self = VP_MACHINE (user_data);
  g_autoptr (GTask) start = NULL;

  if (!vp_qemu_start_finish (VP_QEMU (source), result, &self->start_error))
    {
      wind_up (self);
      return;
    }
  self->started_us = g_get_monotonic_time ();
  vp_hotplug_set_running (self->hotplug, vp_qemu_get_client (self->qemu));
  wait_for_readiness (self);
  start = g_steal_pointer (&self->start);
  g_task_return_boolean (start, TRUE);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpMachine) self = VP_MACHINE (user_data);

  if (!vp_host_change_finish (result, &self->start_error))
    {
      tell_end (self);
      return;
    }
  for (guint i = 0; i < self->taken->len; i++)
    vp_hotplug_mark_taken (self->hotplug, self->taken->pdata[i]);
  if (self->stopping)
    {
      g_set_error (&self->start_error, VP_ERROR, VP_ERROR_START, "%s was stopped before it started",
                   vp_machine_get_name (self));
      wind_up (self);
      return;
    }
  vp_qemu_start_async (self->qemu, self->blueprint->argv, self->run_dir, on_qemu_started,
                       g_object_ref (self));
}

void
vp_machine_start_async (VpMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  const VpBlueprint *blueprint = self->blueprint;

  self->start = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->start, vp_machine_start_async);
  if (blueprint->config->ready.kind == VP_READY_CONSOLE)
    self->readiness = vp_readiness_new (&blueprint->config->ready);
  for (guint i = 0; i < blueprint->plan->devices->len; i++)
    {
      const VpPlanDevice *device = blueprint->plan->devices->pdata[i];
      const VpDeviceSpec *spec = blueprint->specs->pdata[i];

      /* One that was bound before us stays bound after us. */
      if (device->function != NULL && spec->bind &&
          !vp_vfio_is_vfio_driver (device->function->driver))
        g_ptr_array_add (self->taken, (gpointer) device->function);
    }
  vp_host_change_take_async (self->bindings, self->taken, on_taken, g_object_ref (self));
}

gboolean
vp_machine_start_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonObject *document = vp_hotplug_attach_finish (VP_HOTPLUG (source), result, &error);

  if (document != NULL)
    g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

static gboolean
check_vfio_user (VpMachine *self, const VpDeviceSpec *spec, GError **error)
{
  g_autoptr (JsonObject) status = vp_machine_get_status (self);

  return vp_vfio_user_check_attach (self->blueprint->config, status, spec->socket, error);
}

/* Returns: (transfer container) (nullable): what @spec stands for, ready to be attached */
static GPtrArray *
find_functions (VpMachine *self, const VpInventory *inventory, VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = NULL;

  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER && !check_vfio_user (self, spec, error))
    return NULL;

  functions = vp_host_devices_resolve (inventory, spec, error);
  for (guint i = 0; functions != NULL && i < functions->len; i++)
    {
      const VpPciFunction *function = functions->pdata[i];

      if (function != NULL &&
          !vp_host_devices_check (self->blueprint->sysfs, inventory, function,
                                  spec->bind ? functions : NULL,
                                  !vp_hotplug_holds_group (self->hotplug, function->group), error))
        return NULL;
    }
  return g_steal_pointer (&functions);
}

void
vp_machine_attach_async (VpMachine *self,
                         VpDeviceSpec *spec,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (VpDeviceSpec) owned_spec = spec;
  g_autoptr (VpInventory) inventory = NULL;
  g_autoptr (GPtrArray) functions = NULL;
  g_autoptr (VpAttachSource) source = NULL;
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, vp_machine_attach_async);
  inventory = vp_inventory_read (self->blueprint->sysfs, &error);
  if (inventory != NULL)
    functions = find_functions (self, inventory, owned_spec, &error);
  if (functions == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  source = vp_attach_source_new (g_steal_pointer (&owned_spec), g_steal_pointer (&inventory));
  vp_hotplug_attach_async (self->hotplug, source, functions, timeout_ms, on_attached,
                           g_steal_pointer (&task));
}

JsonObject *
vp_machine_attach_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonObject *document = vp_hotplug_detach_finish (VP_HOTPLUG (source), result, &error);

  if (document != NULL)
    g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

void
vp_machine_detach_async (VpMachine *self,
                         const char *id,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, vp_machine_detach_async);
  vp_hotplug_detach_async (self->hotplug, id, timeout_ms, on_detached, task);
}

JsonObject *
vp_machine_detach_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vp_machine_stop (VpMachine *self, gboolean force)
{
  self->stopping = TRUE;
  vp_qemu_stop (self->qemu, force);
}

JsonObject *
vp_machine_get_status (VpMachine *self)
{
  JsonObject *status = json_object_new ();
  g_autofree char *control =
      g_build_filename (vp_run_dir_get_path (self->run_dir), "control", NULL);
  gint64 uptime_us = self->started_us == 0 ? 0 : g_get_monotonic_time () - self->started_us;

  json_object_set_string_member (status, "name", vp_machine_get_name (self));
  json_object_set_int_member (status, "pid", vp_qemu_get_pid (self->qemu));
  json_object_set_int_member (status, "supervisor", getpid ());
  json_object_set_string_member (status, "state", vp_qemu_get_state (self->qemu));
  json_object_set_string_member (status, "accel", vp_accel_to_string (self->blueprint->accel));
  json_object_set_string_member (status, "accel_reason", self->blueprint->accel_reason);
  json_object_set_string_member (status, "control", control);
  json_object_set_double_member (status, "uptime",
                                 (double) (uptime_us / G_TIME_SPAN_MILLISECOND) / 1000.0);
  vp_hotplug_add_status (self->hotplug, status);
  return status;
}

static void
on_query_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonNode *reply = vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify) json_node_unref);
  else
    g_task_return_error (task, error);
}

void
vp_machine_query_async (VpMachine *self,
                        const char *command,
                        JsonObject *arguments,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, vp_machine_query_async);
  vp_qmp_client_execute_async (vp_qemu_get_client (self->qemu), command, arguments, NULL, 0, NULL,
                               on_query_reply, task);
}

JsonNode *
vp_machine_query_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vp_machine_console_write (VpMachine *self, const guint8 *data, gsize size)
{
  vp_qemu_write_console (self->qemu, data, size);
}

gboolean
vp_machine_get_end (VpMachine *self, GError **error)
{
  return vp_qemu_check_end (self->qemu, error) &&
         vp_hotplug_check_given_back (self->hotplug, error);
}

const char *
vp_machine_get_name (VpMachine *self)
{
  return self->blueprint->config->name;
}

static void
vp_machine_dispose (GObject *object)
{
  VpMachine *self = VP_MACHINE (object);

  g_clear_handle_id (&self->ready_timer, g_source_remove);
  g_clear_handle_id (&self->give_back_timer, g_source_remove);
  if (self->hotplug != NULL)
    g_signal_handlers_disconnect_by_data (self->hotplug, self);
  g_clear_object (&self->hotplug);
  if (self->qemu != NULL)
    g_signal_handlers_disconnect_by_data (self->qemu, self);
  g_clear_object (&self->qemu);
  g_clear_object (&self->start);

  G_OBJECT_CLASS (vp_machine_parent_class)->dispose (object);
}

static void
vp_machine_finalize (GObject *object)
{
  VpMachine *self = VP_MACHINE (object);

  g_clear_error (&self->start_error);
  g_clear_pointer (&self->readiness, vp_readiness_free);
  g_ptr_array_unref (self->taken);
  vp_blueprint_free (self->blueprint);

  G_OBJECT_CLASS (vp_machine_parent_class)->finalize (object);
}

static void
vp_machine_class_init (VpMachineClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_machine_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_machine_finalize;

  signals[SIGNAL_EVENT] = g_signal_new ("event", VP_TYPE_MACHINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 2, G_TYPE_STRING, JSON_TYPE_OBJECT);
  signals[SIGNAL_CONSOLE] = g_signal_new ("console", VP_TYPE_MACHINE, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", VP_TYPE_MACHINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 0);
}

static void
vp_machine_init (VpMachine *self)
{
  self->taken = g_ptr_array_new ();
  self->qemu = vp_qemu_new ();
  g_signal_connect (self->qemu, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->qemu, "output", G_CALLBACK (on_console_output), self);
  g_signal_connect (self->qemu, "exited", G_CALLBACK (on_exited), self);
}

VpMachine *
vp_machine_new (VpBlueprint *blueprint, VpRunDir *run_dir, VpBindings *bindings)
{
  VpMachine *self = g_object_new (VP_TYPE_MACHINE, NULL);

  self->blueprint = blueprint;
  self->run_dir = run_dir;
  self->bindings = bindings;
  self->hotplug = vp_hotplug_new (blueprint, bindings);
  g_signal_connect (self->hotplug, "changed", G_CALLBACK (on_device_changed), self);
  return self;
}
