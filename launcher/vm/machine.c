#include "launcher/vm/machine.h"

#include "devices/lifecycle.h"
#include "launcher/config/accelerator.h"
#include "launcher/error.h"
#include "launcher/vm/cold-fds.h"
#include "launcher/vm/host-change.h"
#include "launcher/vm/hotplug-lookup.h"
#include "launcher/vm/machine-calls.h"
#include "launcher/vm/qemu.h"
#include "launcher/vm/readiness.h"

#include <unistd.h>

/* A driver that does not let go of a device keeps the start no longer than this. */
#define START_DEADLINE_MS 30000

/* Giving devices back after QEMU's end takes milliseconds; a driver that hangs must not keep us. */
#define LAST_GIVE_BACK_MS 30000

struct _VpMachine
{
  GObject parent_instance;

  VpBlueprint *blueprint;
  VpRunDir *run_dir;
  VpBindings *bindings;

  VpHotplug *hotplug;
  VpIommufd *iommufd;
  VpQemu *qemu;
  VpResize *resize;
  VpReadiness *readiness; /* nullable: nothing to look for, or it has been seen */
  guint ready_timer;
  guint give_back_timer; /* runs from QEMU's end until everything is back */

  GTask *start;        /* nullable: who waits for the start */
  GError *start_error; /* nullable: why it failed; told once everything is undone */
  GArray *takes;       /* (element-type VpHostTake) (nullable): the host functions of the plan */
  GPtrArray *keepers;  /* (element-type GObject): the other ends of what QEMU has inherited */
  gint64 started_us;   /* 0: QEMU has not been started */
  gboolean is_adopted;
  gboolean runs; /* the guest has begun to */
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
  vp_resize_set_gone (self->resize);
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
set_ready (VpMachine *self)
{
  g_clear_pointer (&self->readiness, vp_readiness_free);
  vp_hotplug_set_ready (self->hotplug);
}

static void
on_console_output (VpQemu *qemu, GBytes *output, gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);
  gsize size;
  const char *data = g_bytes_get_data (output, &size);

  if (self->readiness != NULL && vp_readiness_feed (self->readiness, data, size))
    set_ready (self);
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

  if (ready->kind == VP_READY_NOW)
    vp_hotplug_set_ready (self->hotplug);
  else if (ready->kind == VP_READY_AFTER)
    self->ready_timer = g_timeout_add_once (ready->milliseconds, on_ready_timer, self);
  /* else on_console_output() or on_event() sees it */
}

/* The guest has begun to run. */
static void
set_running (VpMachine *self)
{
  self->runs = TRUE;
  vp_hotplug_set_running (self->hotplug, vp_qemu_get_client (self->qemu));
  vp_resize_set_running (self->resize, vp_qemu_get_client (self->qemu));
  wait_for_readiness (self);
}

static void
on_event (VpQemu *qemu, const char *name, JsonObject *data, gpointer user_data)
{
  VpMachine *self = VP_MACHINE (user_data);

  if (self->started_us != 0 && !self->runs && g_str_equal (name, "RESUME"))
    set_running (self);
  vp_hotplug_handle_event (self->hotplug, name, data);
  vp_resize_handle_event (self->resize, name, data);
  if (self->readiness != NULL && vp_readiness_handle_event (self->readiness, name, data))
    set_ready (self);
  g_signal_emit (self, signals[SIGNAL_EVENT], 0, name, data);
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
  if (!self->is_adopted || g_str_equal (vp_qemu_get_state (self->qemu), "running"))
    set_running (self);
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
  for (guint i = 0; i < self->takes->len; i++)
    {
      const VpHostTake *take = &g_array_index (self->takes, VpHostTake, i);

      if (take->taken) /* one that was bound before us stays bound after us */
        vp_hotplug_mark_taken (self->hotplug, take->function);
    }
  if (self->stopping)
    g_set_error (&self->start_error, VP_ERROR, VP_ERROR_START, "%s was stopped before it started",
                 vp_machine_get_name (self));
  if (self->stopping ||
      !vp_cold_fds_open (self->blueprint, self->qemu, self->keepers, &self->start_error))
    {
      wind_up (self);
      return;
    }
  vp_qemu_start_async (self->qemu, self->blueprint->argv, self->run_dir, on_qemu_started,
                       g_object_ref (self));
}

void
vp_machine_adopt (VpMachine *self, const VpQemuAdoption *adoption)
{
  self->is_adopted = TRUE;
  vp_qemu_adopt (self->qemu, adoption);
}

void
vp_machine_inherit (VpMachine *self, int fd)
{
  vp_qemu_inherit (self->qemu, fd);
}

gboolean
vp_machine_is_adopted (VpMachine *self)
{
  return self->is_adopted;
}

static VpMachineParts
get_parts (VpMachine *self)
{
  return (VpMachineParts){ .blueprint = self->blueprint,
                           .hotplug = self->hotplug,
                           .iommufd = self->iommufd,
                           .client = vp_qemu_get_client (self->qemu),
                           .pid = vp_qemu_get_pid (self->qemu) };
}

void
vp_machine_start_async (VpMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  const VpBlueprint *blueprint = self->blueprint;
  const VpMachineParts parts = get_parts (self);

  self->start = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->start, vp_machine_start_async);
  if (!vp_machine_calls_raise_memlock (&parts, 0, &self->start_error))
    {
      tell_end (self);
      return;
    }
  if (blueprint->config->ready.kind != VP_READY_NOW)
    self->readiness = vp_readiness_new (&blueprint->config->ready);
  self->takes = vp_machine_calls_list_takes (blueprint);
  vp_host_change_take_async (self->bindings, self->takes, VP_HOST_NODE_PATIENCE_MS,
                             START_DEADLINE_MS, on_taken, g_object_ref (self));
}

gboolean
vp_machine_start_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

GStrv
vp_machine_lookup (VpMachine *self, const char *text, GError **error)
{
  return vp_hotplug_lookup_ids (self->hotplug, self->blueprint->sysfs, text, error);
}

void
vp_machine_attach_async (VpMachine *self,
                         VpDeviceSpec *spec,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const VpMachineParts parts = get_parts (self);

  g_task_set_source_tag (task, vp_machine_attach_async);
  vp_machine_calls_attach (&parts, spec, timeout_ms, task);
}

JsonObject *
vp_machine_attach_finish (VpMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vp_machine_detach_async (VpMachine *self,
                         const char *text,
                         gboolean force,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const VpMachineParts parts = get_parts (self);

  g_task_set_source_tag (task, vp_machine_detach_async);
  vp_machine_calls_detach (&parts, text, force, timeout_ms, task);
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
  json_object_set_boolean_member (status, "adopted", self->is_adopted);
  json_object_set_double_member (status, "uptime",
                                 (double) (uptime_us / G_TIME_SPAN_MILLISECOND) / 1000.0);
  vp_resize_add_status (self->resize, status);
  vp_hotplug_add_status (self->hotplug, status);
  return status;
}

void
vp_machine_query_async (VpMachine *self,
                        const char *command,
                        JsonObject *arguments,
                        guint timeout_ms,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const VpMachineParts parts = get_parts (self);

  g_task_set_source_tag (task, vp_machine_query_async);
  vp_machine_calls_query (&parts, command, arguments, timeout_ms, task);
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

VpQemuEnd
vp_machine_get_qemu_end (VpMachine *self)
{
  return vp_qemu_get_end (self->qemu);
}

VpRunDir *
vp_machine_get_run_dir (VpMachine *self)
{
  return self->run_dir;
}

const char *
vp_machine_get_name (VpMachine *self)
{
  return self->blueprint->config->name;
}

VpResize *
vp_machine_get_resize (VpMachine *self)
{
  return self->resize;
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
  g_clear_object (&self->resize);
  if (self->qemu != NULL)
    g_signal_handlers_disconnect_by_data (self->qemu, self);
  g_clear_object (&self->qemu);
  g_clear_object (&self->iommufd);
  g_clear_object (&self->start);

  G_OBJECT_CLASS (vp_machine_parent_class)->dispose (object);
}

static void
vp_machine_finalize (GObject *object)
{
  VpMachine *self = VP_MACHINE (object);

  g_clear_error (&self->start_error);
  g_clear_pointer (&self->readiness, vp_readiness_free);
  g_clear_pointer (&self->takes, g_array_unref);
  g_ptr_array_unref (self->keepers);
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
  self->keepers = g_ptr_array_new_with_free_func (g_object_unref);
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
  self->iommufd = vp_iommufd_new (blueprint->sysfs, blueprint->has_iommufd);
  self->resize = vp_resize_new (blueprint->config, blueprint->accel);
  g_signal_connect (self->hotplug, "changed", G_CALLBACK (on_device_changed), self);
  return self;
}
