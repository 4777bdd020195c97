#include "launcher/vm/rehearsal.h"

#include "launcher/error.h"
#include "launcher/vm/bar-probe.h"
#include "launcher/vm/output-tail.h"
#include "launcher/vm/qemu.h"
#include "launcher/vm/rehearsal-argv.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <string.h>

#define SEABIOS_MS 30000
#define OTHER_MS   120000
/* For each port and device: emulated, 240 ports with 240 devices take SeaBIOS 23 s (measured). */
#define EACH_MS 500
#define POLL_MS 20
/* Firmware gives all addresses in one go, emulated OVMF within 0.2 s for one device (measured). */
#define SETTLE_MS        3000
#define SETTLE_EACH_MS   50
#define REPLY_TIMEOUT_MS 10000
#define LOG_BYTES        4096

typedef struct
{
  const VpBlueprint *blueprint;
  guint timeout_ms;
  VpStandIns *stand_ins;
  VpQemu *qemu;
  gulong cancelled; /* handler of the cancellable; 0 for none */
  guint timer;

  gint64 started_us;
  gint64 running_us; /* when firmware began */
  gint64 asked_us;   /* when we last looked */
  gint64 changed_us; /* when firmware last did or said anything; 0: never */
  JsonNode *seen;    /* nullable: query-pci, last time */
  VpOutputTail *log;
  guint address_bits;
  gboolean was_ok; /* all was in place, last time */

  GPtrArray *hidden;     /* (element-type utf8): ids whose registers are still to be read */
  GHashTable *registers; /* (element-type utf8 VpGuestBars) */

  VpRehearsalReport *report; /* nullable: no verdict yet */
  GError *error;             /* nullable */
  gboolean is_told;
} Rehearsal;

static void look_soon (GTask *task);
static void probe_next (GTask *task);

static void
rehearsal_free (Rehearsal *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->qemu);
  vp_stand_ins_free (self->stand_ins);
  g_clear_pointer (&self->seen, json_node_unref);
  vp_output_tail_free (self->log);
  g_ptr_array_unref (self->hidden);
  g_hash_table_unref (self->registers);
  vp_rehearsal_report_free (self->report);
  g_clear_error (&self->error);
  g_free (self);
}

guint
vp_rehearsal_default_timeout (const VpPlan *plan)
{
  return (plan->firmware->kind == VP_FIRMWARE_SEABIOS ? SEABIOS_MS : OTHER_MS) +
         (plan->ports->len + plan->devices->len) * EACH_MS;
}

static gint64
settle_us (const VpPlan *plan)
{
  return (SETTLE_MS + (gint64) (plan->ports->len + plan->devices->len) * SETTLE_EACH_MS) * 1000;
}

static gboolean
is_over (const Rehearsal *self)
{
  return self->report != NULL || self->error != NULL || self->is_told;
}

/* QEMU is gone, or never was. */
static void
finish (GTask *task)
{
  Rehearsal *self = g_task_get_task_data (task);

  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->cancelled != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), self->cancelled);
  self->cancelled = 0;
  g_signal_handlers_disconnect_by_data (self->qemu, task); /* and with it a reference to the task */
  self->is_told = TRUE;

  if (self->report != NULL)
    g_task_return_pointer (task, g_steal_pointer (&self->report),
                           (GDestroyNotify) vp_rehearsal_report_free);
  else
    g_task_return_error (task, g_steal_pointer (&self->error));
}

static void
on_exited (VpQemu *qemu, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (G_TASK (user_data));
  Rehearsal *self = g_task_get_task_data (task);

  if (self->report == NULL && self->error == NULL && vp_qemu_check_end (qemu, &self->error))
    g_set_error_literal (&self->error, VP_ERROR, VP_ERROR_REHEARSAL,
                         "rehearsal: the machine was switched off before firmware was done");
  finish (task);
}

/* There is a verdict or an error: on_exited() tells it. */
static void
end (Rehearsal *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  vp_qemu_kill (self->qemu);
}

/* A QEMU that has hung up is about to end. */
static void
fail (Rehearsal *self, const GError *error)
{
  if (is_over (self) || g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED))
    return;
  self->error = g_error_copy (error);
  end (self);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Rehearsal *self = g_task_get_task_data (G_TASK (user_data));

  if (is_over (self))
    return;
  g_set_error_literal (&self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                       "rehearsal: it was ended early");
  end (self);
}

static VpRehearsalReport *
judge (Rehearsal *self)
{
  const VpRehearsalView view = {
    .query_pci = json_node_get_array (self->seen),
    .registers = self->registers,
    .address_bits = self->address_bits,
  };

  return vp_rehearsal_report_new (self->blueprint->plan, self->stand_ins, &view);
}

static void
decide (Rehearsal *self, VpRehearsalReport *report)
{
  report->seconds = (double) (g_get_monotonic_time () - self->started_us) / G_USEC_PER_SEC;
  report->last_words = vp_output_tail_last_line (self->log);
  self->report = report;
  end (self);
}

static void
on_registers (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  VpGuestBars bars;

  if (is_over (self))
    return;
  if (!vp_bar_probe_finish (VP_QMP_CLIENT (source), result, &bars, &error))
    {
      fail (self, error);
      return;
    }
  g_hash_table_insert (self->registers, g_ptr_array_steal_index (self->hidden, 0),
                       g_memdup2 (&bars, sizeof bars));
  probe_next (task);
}

static void
probe_next (GTask *task)
{
  Rehearsal *self = g_task_get_task_data (task);

  if (self->hidden->len == 0)
    {
      decide (self, judge (self));
      return;
    }
  vp_bar_probe_async (vp_qemu_get_client (self->qemu), self->blueprint->plan->root.machine,
                      self->hidden->pdata[0], on_registers, g_object_ref (task));
}

static void
note_hidden (Rehearsal *self, const char *id)
{
  VpGuestBars bars;

  if (vp_guest_bars_from_query_pci (json_node_get_array (self->seen), id, &bars) &&
      vp_guest_bars_judge (&bars) != VP_BARS_ALL)
    g_ptr_array_add (self->hidden, g_strdup (id));
}

/* Firmware has come as far as it will: the last look, at the registers themselves. */
static void
look_closely (GTask *task)
{
  Rehearsal *self = g_task_get_task_data (task);
  const VpPlan *plan = self->blueprint->plan;
  const GPtrArray *stand_ins = vp_stand_ins_get_all (self->stand_ins);

  for (guint i = 0; plan->root.machine == VP_MACHINE_Q35 && i < stand_ins->len; i++)
    note_hidden (self, ((const VpStandIn *) stand_ins->pdata[i])->id);
  for (guint i = 0; plan->root.machine == VP_MACHINE_Q35 && i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (device->plug == VP_PLUG_COLD && device->function == NULL)
        note_hidden (self, device->id);
    }
  probe_next (task);
}

static void
on_query_pci (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (VpRehearsalReport) report = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  gint64 now = g_get_monotonic_time ();
  gboolean has_changed;

  if (is_over (self))
    return;
  if (reply != NULL && !JSON_NODE_HOLDS_ARRAY (reply))
    g_set_error_literal (&error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "query-pci returned no list");
  if (error != NULL)
    {
      fail (self, error);
      return;
    }

  has_changed = self->seen == NULL || !json_node_equal (self->seen, reply);
  if (has_changed && self->seen != NULL)
    self->changed_us = now;
  g_clear_pointer (&self->seen, json_node_unref);
  self->seen = g_steal_pointer (&reply);

  if (has_changed || self->was_ok)
    report = judge (self);
  if (report != NULL && report->ok && self->was_ok && !has_changed)
    decide (self, g_steal_pointer (&report)); /* seen twice: not on the way to something else */
  else if (now - self->running_us >= (gint64) self->timeout_ms * 1000 ||
           (self->changed_us != 0 && now - self->changed_us >= settle_us (self->blueprint->plan)))
    look_closely (task);
  else
    {
      self->was_ok = report != NULL && report->ok;
      look_soon (task);
    }
}

static void
on_log (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  const char *text;

  if (is_over (self))
    return;
  if (reply == NULL)
    {
      fail (self, error);
      return;
    }
  text = JSON_NODE_HOLDS_VALUE (reply) ? json_node_get_string (reply) : NULL;
  if (text != NULL && text[0] != '\0')
    {
      vp_output_tail_push (self->log, text, strlen (text));
      self->changed_us = g_get_monotonic_time ();
    }
  vp_qmp_client_execute_async (VP_QMP_CLIENT (source), "query-pci", NULL, NULL, REPLY_TIMEOUT_MS,
                               NULL, on_query_pci, g_steal_pointer (&task));
}

static void
on_timer (gpointer user_data)
{
  GTask *task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  JsonObject *arguments = json_object_new ();

  self->timer = 0;
  self->asked_us = g_get_monotonic_time ();
  json_object_set_string_member (arguments, "device", VP_REHEARSAL_LOG);
  json_object_set_int_member (arguments, "size", LOG_BYTES * 16);
  vp_qmp_client_execute_async (vp_qemu_get_client (self->qemu), "ringbuf-read", arguments, NULL,
                               REPLY_TIMEOUT_MS, NULL, on_log, g_object_ref (task));
}

/* A look at many devices costs QEMU and us time that firmware needs. */
static void
look_soon (GTask *task)
{
  Rehearsal *self = g_task_get_task_data (task);
  guint took_ms = (guint) ((g_get_monotonic_time () - self->asked_us) / 1000);

  self->timer = g_timeout_add_once (MAX (POLL_MS, 3 * took_ms), on_timer, task);
}

/* Not knowing how far the CPU reaches only means that this is not judged. */
static void
on_address_bits (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (JsonNode) reply = vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, NULL);

  if (is_over (self))
    return;
  if (reply != NULL && JSON_NODE_HOLDS_VALUE (reply) &&
      json_node_get_value_type (reply) == G_TYPE_INT64)
    self->address_bits = (guint) CLAMP (json_node_get_int (reply), 0, 64);
  on_timer (task);
}

static void
on_cpus (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (JsonNode) reply = vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, NULL);
  JsonArray *cpus =
      reply != NULL && JSON_NODE_HOLDS_ARRAY (reply) ? json_node_get_array (reply) : NULL;
  JsonNode *cpu =
      cpus != NULL && json_array_get_length (cpus) > 0 ? json_array_get_element (cpus, 0) : NULL;
  const char *path = cpu != NULL && JSON_NODE_HOLDS_OBJECT (cpu)
                         ? vp_qmp_message_get_string (json_node_get_object (cpu), "qom-path")
                         : NULL;
  JsonObject *arguments;

  if (is_over (self))
    return;
  if (path == NULL)
    {
      on_timer (task);
      return;
    }
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "path", path);
  json_object_set_string_member (arguments, "property", "phys-bits");
  vp_qmp_client_execute_async (VP_QMP_CLIENT (source), "qom-get", arguments, NULL, REPLY_TIMEOUT_MS,
                               NULL, on_address_bits, g_steal_pointer (&task));
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Rehearsal *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!vp_qemu_start_finish (self->qemu, result, &error))
    {
      if (self->error == NULL)
        self->error = g_steal_pointer (&error);
      finish (task);
      return;
    }
  self->running_us = g_get_monotonic_time ();
  if (!is_over (self))
    vp_qmp_client_execute_async (vp_qemu_get_client (self->qemu), "query-cpus-fast", NULL, NULL,
                                 REPLY_TIMEOUT_MS, NULL, on_cpus, g_steal_pointer (&task));
}

void
vp_rehearsal_run_async (const VpBlueprint *blueprint,
                        guint timeout_ms,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Rehearsal *self = g_new0 (Rehearsal, 1);
  g_auto (GStrv) argv = NULL;

  self->blueprint = blueprint;
  self->timeout_ms = timeout_ms;
  self->stand_ins = vp_stand_ins_new (blueprint->plan);
  self->qemu = vp_qemu_new ();
  self->log = vp_output_tail_new (LOG_BYTES);
  self->hidden = g_ptr_array_new_with_free_func (g_free);
  self->registers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->started_us = g_get_monotonic_time ();
  g_task_set_source_tag (task, vp_rehearsal_run_async);
  g_task_set_task_data (task, self, (GDestroyNotify) rehearsal_free);
  g_task_set_check_cancellable (task, FALSE); /* QEMU has to go first */
  if (cancellable != NULL)
    self->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), task);

  g_signal_connect_data (self->qemu, "exited", G_CALLBACK (on_exited), g_object_ref (task),
                         (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  argv = vp_rehearsal_argv (blueprint, self->stand_ins);
  vp_qemu_start_async (self->qemu, argv, NULL, on_started, g_steal_pointer (&task));
}

VpRehearsalReport *
vp_rehearsal_run_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
