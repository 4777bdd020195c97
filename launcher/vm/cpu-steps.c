#include "launcher/vm/cpu-steps.h"

#include "launcher/error.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <string.h>

#define HOT_PREFIX "/machine/peripheral/"

/* From the one that counts most on. */
static const char *const place_members[] = { "node-id",    "socket-id", "die-id",   "module-id",
                                             "cluster-id", "core-id",   "thread-id" };

/* One place for a CPU. It borrows from the reply. */
typedef struct
{
  const char *type;
  JsonObject *place;
  const char *path; /* nullable: nothing is there */
} Slot;

static int
compare_slots (gconstpointer a, gconstpointer b)
{
  const Slot *one = a, *other = b;

  for (gsize i = 0; i < G_N_ELEMENTS (place_members); i++)
    {
      gint64 first = vp_qmp_message_get_int (one->place, place_members[i], 0);
      gint64 second = vp_qmp_message_get_int (other->place, place_members[i], 0);

      if (first != second)
        return first < second ? -1 : 1;
    }
  return 0;
}

static gboolean
read_slot (JsonNode *node, Slot *slot)
{
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  object = json_node_get_object (node);
  slot->type = vp_qmp_message_get_string (object, "type");
  slot->place = vp_qmp_message_get_object (object, "props");
  slot->path = vp_qmp_message_get_string (object, "qom-path");
  return slot->type != NULL && slot->place != NULL &&
         vp_qmp_message_get_int (object, "vcpus-count", 1) == 1;
}

/* Returns: (transfer full) (nullable) (element-type Slot): from the lowest on */
static GArray *
read_slots (JsonNode *reply, GError **error)
{
  g_autoptr (GArray) slots = g_array_new (FALSE, FALSE, sizeof (Slot));
  JsonArray *array =
      reply != NULL && JSON_NODE_HOLDS_ARRAY (reply) ? json_node_get_array (reply) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      Slot slot;

      if (!read_slot (json_array_get_element (array, i), &slot))
        {
          array = NULL;
          break;
        }
      g_array_append_val (slots, slot);
    }
  if (array == NULL || slots->len == 0)
    {
      g_set_error_literal (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL,
                           "query-hotpluggable-cpus returned no list of single CPUs");
      return NULL;
    }
  g_array_sort (slots, compare_slots);
  return g_steal_pointer (&slots);
}

static void
count_slot (VpCpuSteps *self, const Slot *slot)
{
  if (slot->path == NULL)
    return;
  self->now++;
  if (g_str_has_prefix (slot->path, HOT_PREFIX))
    g_ptr_array_add (self->hot, g_strdup (slot->path + strlen (HOT_PREFIX)));
}

static JsonObject *
make_add (const Slot *slot, guint index)
{
  g_autofree char *id = g_strdup_printf ("cpu%u", index);
  g_autoptr (GList) names = json_object_get_members (slot->place);
  JsonObject *arguments = json_object_new ();

  json_object_set_string_member (arguments, "driver", slot->type);
  json_object_set_string_member (arguments, "id", id);
  for (const GList *l = names; l != NULL; l = l->next)
    json_object_set_member (arguments, l->data,
                            json_node_copy (json_object_get_member (slot->place, l->data)));
  return arguments;
}

static gboolean
add_removals (VpCpuSteps *self, guint wanted, GError **error)
{
  guint n_left = self->now;

  for (guint i = self->hot->len; i > 0 && n_left > wanted; i--, n_left--)
    g_ptr_array_add (self->removals, g_strdup (self->hot->pdata[i - 1]));
  if (n_left <= wanted)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
               "%u CPUs: the VM started with %u, which stay; start it with a smaller --smp", wanted,
               n_left);
  return FALSE;
}

static void
add_adds (VpCpuSteps *self, const GArray *slots, guint wanted)
{
  for (guint i = 0; i < slots->len && self->now + self->adds->len < wanted; i++)
    {
      const Slot *slot = &g_array_index (slots, Slot, i);

      if (slot->path == NULL)
        g_ptr_array_add (self->adds, make_add (slot, i));
    }
}

VpCpuSteps *
vp_cpu_steps_new (JsonNode *reply, guint wanted, GError **error)
{
  g_autoptr (VpCpuSteps) self = g_new0 (VpCpuSteps, 1);
  g_autoptr (GArray) slots = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self->adds = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  self->hot = g_ptr_array_new_with_free_func (g_free);
  self->removals = g_ptr_array_new_with_free_func (g_free);
  slots = read_slots (reply, error);
  if (slots == NULL)
    return NULL;

  self->max = slots->len;
  for (guint i = 0; i < slots->len; i++)
    count_slot (self, &g_array_index (slots, Slot, i));
  if (wanted == 0)
    return g_steal_pointer (&self);

  if (wanted > self->max)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "%u CPUs: the VM can have %u; start it with --max-cpus %u", wanted, self->max,
                   wanted);
      return NULL;
    }
  if (!add_removals (self, wanted, error))
    return NULL;
  add_adds (self, slots, wanted);
  return g_steal_pointer (&self);
}

void
vp_cpu_steps_free (VpCpuSteps *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->adds);
  g_ptr_array_unref (self->removals);
  g_ptr_array_unref (self->hot);
  g_free (self);
}
