#include "launcher/vm/cpu-change.h"

#include "launcher/error.h"
#include "launcher/vm/cpu-steps.h"
#include "qmp/error.h"
#include "qmp/message.h"

#define REPEAT_MS    5000
#define MAX_REQUESTS 12

/* ACPI 6.4, table 6.8: what an answer is about, and what it says. */
#define OST_INSERTION  1
#define OST_EJECTION   3
#define OST_EJECTED_BY 0x103 /* the guest's own ejection */
#define OST_SUCCESS    0
#define OST_UNDER_WAY  0x84

struct _VpCpuChange
{
  GObject parent_instance;

  guint n_start;
  guint max;
  gboolean is_tcg;
  VpQmpClient *client; /* nullable */

  guint asked;
  guint now;
  VpCpuSteps *steps;      /* nullable: being carried out */
  guint n_added;          /* how many of its adds QEMU has agreed to */
  GHashTable *unanswered; /* (element-type utf8): those that the guest has not taken notice of */
  GHashTable *leaving;    /* (element-type utf8): those that it was asked to let go of */
  gboolean has_removed;
  guint n_requests; /* how often it was asked */
  guint timer;
  guint n_in_flight; /* commands without an answer */
  gboolean is_counting;
  gboolean count_again;
  GError *failure; /* nullable */
};

G_DEFINE_FINAL_TYPE (VpCpuChange, vp_cpu_change, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void add_next (VpCpuChange *self);
static void count (VpCpuChange *self);

gboolean
vp_cpu_change_check (VpCpuChange *self, guint wanted, GError **error)
{
  if (wanted > self->max)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%u CPUs: the VM can have %u; start it with --max-cpus %u", wanted, self->max,
                 wanted);
  else if (wanted < self->n_start)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%u CPUs: the VM started with %u, which stay; start it with a smaller --smp and "
                 "with --max-cpus",
                 wanted, self->n_start);
  else
    return TRUE;
  return FALSE;
}

static void
fail (VpCpuChange *self, VpError code, const char *id, const char *why)
{
  if (self->failure == NULL)
    g_set_error (&self->failure, VP_ERROR, code, "%s: %s", id, why);
}

static void
fail_by_qemu (VpCpuChange *self, const char *id, const GError *error)
{
  g_autofree char *why = g_strdup_printf ("QEMU refused: %s", error->message);

  fail (self, VP_ERROR_REFUSED, id, why);
}

static void
send (VpCpuChange *self, const char *command, JsonObject *arguments, GAsyncReadyCallback callback)
{
  self->n_in_flight++;
  vp_qmp_client_execute_async (self->client, command, arguments, NULL, 0, NULL, callback,
                               g_object_ref (self));
}

/* Ends a command, whose answer has been dealt with. */
static void
end_command (VpCpuChange *self)
{
  self->n_in_flight--;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static const char *
get_next_id (VpCpuChange *self)
{
  return vp_qmp_message_get_string (self->steps->adds->pdata[self->n_added], "id");
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpCpuChange) self = VP_CPU_CHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply != NULL)
    {
      self->n_added++;
      self->now++;
      add_next (self);
    }
  else
    {
      g_hash_table_remove (self->unanswered, get_next_id (self));
      fail_by_qemu (self, get_next_id (self), error);
    }
  end_command (self);
}

/* One after the other: if one is refused, those behind it would be, too. */
static void
add_next (VpCpuChange *self)
{
  if (self->client == NULL || self->n_added >= self->steps->adds->len)
    return;

  /* the guest's answer may come before QEMU's */
  g_hash_table_add (self->unanswered, g_strdup (get_next_id (self)));
  send (self, "device_add", json_object_ref (self->steps->adds->pdata[self->n_added]), on_added);
}

static void
on_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpCpuChange) self = VP_CPU_CHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND))
    count (self);
  else if (reply == NULL && self->n_requests == 1)
    {
      /* Until the guest's ACPI is up QEMU refuses; then nothing is under way. */
      fail_by_qemu (self, "letting go of CPUs", error);
      g_hash_table_remove_all (self->leaving);
    }
  end_command (self);
}

static void
ask_for_removal (VpCpuChange *self, const char *id)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_string_member (arguments, "id", id);
  send (self, "device_del", arguments, on_asked);
}

static void
on_repeat (gpointer user_data)
{
  VpCpuChange *self = VP_CPU_CHANGE (user_data);
  GHashTableIter iter;
  gpointer id;

  self->timer = 0;
  if (self->client == NULL || g_hash_table_size (self->leaving) == 0 ||
      self->n_requests >= MAX_REQUESTS)
    return;

  self->n_requests++;
  g_hash_table_iter_init (&iter, self->leaving);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    ask_for_removal (self, id);
  self->timer = g_timeout_add_once (REPEAT_MS, on_repeat, self);
}

static void
remove_all (VpCpuChange *self)
{
  const GPtrArray *ids = self->steps->removals;

  if (ids->len == 0)
    return;

  self->n_requests = 1;
  for (guint i = 0; i < ids->len; i++)
    {
      g_hash_table_add (self->leaving, g_strdup (ids->pdata[i]));
      g_hash_table_remove (self->unanswered, ids->pdata[i]);
      ask_for_removal (self, ids->pdata[i]);
    }
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add_once (REPEAT_MS, on_repeat, self);
}

static void
set_now (VpCpuChange *self, guint now)
{
  self->has_removed |= now < self->now;
  self->now = now;
}

/* Whether the steps can be gone. */
static gboolean
check_steps (VpCpuChange *self)
{
  guint n_leaving = g_hash_table_size (self->leaving);
  g_autofree char *why = NULL;

  if (n_leaving > 0 && self->asked > self->now - MIN (n_leaving, self->now))
    why = g_strdup_printf ("the guest was asked to let go of %u, which cannot be taken back; wait "
                           "until it has",
                           n_leaving);
  else if (self->is_tcg && self->has_removed && self->steps->adds->len > 0)
    why = g_strdup ("one was removed before, and QEMU's TCG does not survive that another comes; "
                    "start the VM anew, or with --accel kvm");
  if (why == NULL)
    return TRUE;

  fail (self, VP_ERROR_STATE, "more CPUs", why);
  return FALSE;
}

static void
on_slots (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpCpuChange) self = VP_CPU_CHANGE (user_data);
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &self->failure);

  if (reply != NULL)
    self->steps = vp_cpu_steps_new (reply, self->asked, &self->failure);
  if (self->steps != NULL && self->client != NULL)
    {
      set_now (self, self->steps->now);
      if (check_steps (self))
        {
          add_next (self);
          remove_all (self);
        }
    }
  end_command (self);
}

void
vp_cpu_change_ask (VpCpuChange *self, guint wanted)
{
  g_return_if_fail (VP_IS_CPU_CHANGE (self) && self->client != NULL);

  g_clear_error (&self->failure);
  if (self->n_in_flight > (self->is_counting ? 1u : 0u))
    {
      fail (self, VP_ERROR_STATE, "CPUs", "QEMU has not answered the last request yet");
      return;
    }
  g_clear_pointer (&self->steps, vp_cpu_steps_free);
  self->n_added = 0;
  self->asked = wanted;
  send (self, "query-hotpluggable-cpus", NULL, on_slots);
}

/* Forgets of those that have left. */
static void
take_count (VpCpuChange *self, const VpCpuSteps *seen)
{
  GHashTable *const sets[] = { self->leaving, self->unanswered };

  set_now (self, seen->now);
  for (gsize i = 0; i < G_N_ELEMENTS (sets); i++)
    {
      GHashTableIter iter;
      gpointer id;

      g_hash_table_iter_init (&iter, sets[i]);
      while (g_hash_table_iter_next (&iter, &id, NULL))
        if (!g_ptr_array_find_with_equal_func (seen->hot, id, g_str_equal, NULL))
          g_hash_table_iter_remove (&iter);
    }
}

static void
on_counted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpCpuChange) self = VP_CPU_CHANGE (user_data);
  g_autoptr (JsonNode) reply = vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, NULL);
  g_autoptr (VpCpuSteps) seen = reply != NULL ? vp_cpu_steps_new (reply, 0, NULL) : NULL;

  self->is_counting = FALSE;
  if (self->count_again)
    count (self);
  else if (seen != NULL)
    take_count (self, seen);
  end_command (self);
}

static void
count (VpCpuChange *self)
{
  self->count_again = self->is_counting;
  if (self->is_counting || self->client == NULL)
    return;

  self->is_counting = TRUE;
  send (self, "query-hotpluggable-cpus", NULL, on_counted);
}

static void
fail_by_guest (VpCpuChange *self, const char *id, gint64 status)
{
  g_autofree char *why =
      g_strdup_printf ("the guest refused (ACPI status 0x%" G_GINT64_MODIFIER "x)", status);

  fail (self, VP_ERROR_STATE, id, why);
}

static void
handle_answer (VpCpuChange *self, JsonObject *info)
{
  const char *id = vp_qmp_message_get_string (info, "device");
  gint64 source = vp_qmp_message_get_int (info, "source", -1);
  gint64 status = vp_qmp_message_get_int (info, "status", -1);

  if (g_strcmp0 (vp_qmp_message_get_string (info, "slot-type"), "CPU") != 0)
    return;

  if (source == OST_INSERTION && id != NULL && g_hash_table_remove (self->unanswered, id))
    {
      if (status != OST_SUCCESS)
        fail_by_guest (self, id, status);
    }
  else if (source != OST_EJECTION && source != OST_EJECTED_BY)
    return;
  else if (status == OST_SUCCESS)
    count (self);
  else if (status != OST_UNDER_WAY && id != NULL && g_hash_table_remove (self->leaving, id))
    fail_by_guest (self, id, status);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
vp_cpu_change_handle_event (VpCpuChange *self, const char *name, JsonObject *data)
{
  const char *path = vp_qmp_message_get_string (data, "path");
  JsonObject *info = vp_qmp_message_get_object (data, "info");

  g_return_if_fail (VP_IS_CPU_CHANGE (self) && name != NULL);

  if (g_str_equal (name, "ACPI_DEVICE_OST") && info != NULL)
    handle_answer (self, info);
  else if (g_str_equal (name, "DEVICE_DELETED") && path != NULL &&
           g_str_has_prefix (path, "/machine/peripheral/cpu"))
    count (self);
  else if (g_str_equal (name, "RESET"))
    {
      /* It boots with all that there are; of what it was asked to let go it knows no more. */
      g_hash_table_remove_all (self->unanswered);
      self->n_requests = MIN (self->n_requests, 1);
      if (self->timer == 0 && g_hash_table_size (self->leaving) > 0)
        self->timer = g_timeout_add_once (REPEAT_MS, on_repeat, self);
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }
}

gboolean
vp_cpu_change_is_settled (VpCpuChange *self)
{
  return self->n_in_flight == 0 &&
         (self->failure != NULL ||
          (self->now == self->asked && g_hash_table_size (self->unanswered) == 0));
}

const GError *
vp_cpu_change_get_failure (VpCpuChange *self)
{
  return self->failure;
}

JsonObject *
vp_cpu_change_describe (VpCpuChange *self)
{
  JsonObject *document = json_object_new ();

  json_object_set_int_member (document, "asked", self->asked);
  json_object_set_int_member (document, "now", self->now);
  json_object_set_int_member (document, "unanswered", g_hash_table_size (self->unanswered));
  json_object_set_int_member (document, "max", self->max);
  return document;
}

void
vp_cpu_change_set_client (VpCpuChange *self, VpQmpClient *client)
{
  g_set_object (&self->client, client);
  if (client == NULL)
    g_clear_handle_id (&self->timer, g_source_remove);
}

static void
vp_cpu_change_dispose (GObject *object)
{
  vp_cpu_change_set_client (VP_CPU_CHANGE (object), NULL);

  G_OBJECT_CLASS (vp_cpu_change_parent_class)->dispose (object);
}

static void
vp_cpu_change_finalize (GObject *object)
{
  VpCpuChange *self = VP_CPU_CHANGE (object);

  g_clear_pointer (&self->steps, vp_cpu_steps_free);
  g_hash_table_unref (self->unanswered);
  g_hash_table_unref (self->leaving);
  g_clear_error (&self->failure);

  G_OBJECT_CLASS (vp_cpu_change_parent_class)->finalize (object);
}

static void
vp_cpu_change_class_init (VpCpuChangeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_cpu_change_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_cpu_change_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_CPU_CHANGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
}

static void
vp_cpu_change_init (VpCpuChange *self)
{
  self->unanswered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->leaving = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

VpCpuChange *
vp_cpu_change_new (guint n, guint max, gboolean is_tcg)
{
  VpCpuChange *self = g_object_new (VP_TYPE_CPU_CHANGE, NULL);

  self->n_start = self->asked = self->now = n;
  self->max = MAX (n, max);
  self->is_tcg = is_tcg;
  return self;
}
