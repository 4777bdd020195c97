#include "launcher/vm/stand-in.h"

#include "launcher/vm/argv-writer.h"

#define KIB           (G_GUINT64_CONSTANT (1) << 10)
#define MIB           (G_GUINT64_CONSTANT (1) << 20)
#define SMALLEST_BAR  (4 * KIB)
#define TESTDEV_IO    256
#define MEMORY_BAR    0 /* of every stand-in that has a small one: 4 KiB at most */
#define IO_BAR        1 /* of a pci-testdev */
#define MAX_PREF64    (G_GUINT64_CONSTANT (1) << 62)
#define MAX_MEM32     (2048 * MIB)
#define MIN_DISPLAY   (4 * MIB)
#define MAX_DISPLAY   (256 * MIB)
#define MEMORY_SUFFIX ".memory"
#define NO_BAR        G_MAXUINT

/* What QEMU has that can be as large as one likes. */
static const struct
{
  const char *driver;
  const char *size_property; /* NULL: the size is that of its memory */
  guint bar;
  guint64 min, max;
  gboolean has_memory;    /* is made of a memory backend */
  gboolean has_small_mem; /* and BAR 0 is a small one for memory */
  gboolean has_small_io;  /* and BAR 1 is a small one for I/O */
} kinds[] = {
  [VP_STAND_IN_PREF64] = { .driver = "ivshmem-plain",
                           .bar = 2,
                           .min = SMALLEST_BAR,
                           .max = MAX_PREF64,
                           .has_memory = TRUE,
                           .has_small_mem = TRUE },
  [VP_STAND_IN_PREF64_IO] = { .driver = "pci-testdev",
                              .size_property = "membar",
                              .bar = 2,
                              .min = SMALLEST_BAR,
                              .max = MAX_PREF64,
                              .has_small_mem = TRUE,
                              .has_small_io = TRUE },
  [VP_STAND_IN_PREF32] = { .driver = "bochs-display",
                           .size_property = "vgamem",
                           .bar = 0,
                           .min = MIN_DISPLAY,
                           .max = MAX_DISPLAY },
  [VP_STAND_IN_MEM32] = { .driver = "acpi-erst",
                          .size_property = "record_size",
                          .bar = 1,
                          .min = SMALLEST_BAR,
                          .max = MAX_MEM32,
                          .has_memory = TRUE,
                          .has_small_mem = TRUE },
};

/* One BAR of the host's that has a stand-in of its own, or NO_BAR: its function has none. */
typedef struct
{
  const VpPlanDevice *device;
  guint bar;
  guint64 size;
  VpStandIn *stand_in;
  gboolean exact;
} Need;

struct _VpStandIns
{
  GPtrArray *all; /* (element-type VpStandIn) */
  GArray *needs;  /* (element-type Need) */
};

static void
stand_in_free (VpStandIn *self)
{
  g_free (self->id);
  g_free (self);
}

static gboolean
is_small (const VpBar *bar)
{
  return bar->kind == VP_BAR_IO || bar->size < SMALLEST_BAR;
}

static gboolean
has_io_bar (const VpPciFunction *function)
{
  for (guint i = 0; i < function->n_bars; i++)
    if (function->bars[i].kind == VP_BAR_IO)
      return TRUE;
  return FALSE;
}

/* A bridge forwards 64-bit memory that is not prefetchable only below 4 GiB; without a bridge it
 * may be anywhere. */
static VpStandInKind
kind_of (const VpBar *bar, gboolean is_bridged, gboolean has_io)
{
  if (bar->kind == VP_BAR_MEM64 && (bar->prefetchable || !is_bridged))
    return has_io ? VP_STAND_IN_PREF64_IO : VP_STAND_IN_PREF64;
  if (bar->kind == VP_BAR_MEM32 && bar->prefetchable && bar->size <= kinds[VP_STAND_IN_PREF32].max)
    return VP_STAND_IN_PREF32;
  return VP_STAND_IN_MEM32;
}

static gboolean
is_exact (const VpBar *bar, VpStandInKind kind)
{
  return bar->size == CLAMP (vp_window_round_up (bar->size), kinds[kind].min, kinds[kind].max) &&
         (bar->kind == VP_BAR_MEM64) ==
             (kind == VP_STAND_IN_PREF64 || kind == VP_STAND_IN_PREF64_IO) &&
         bar->prefetchable == (kind != VP_STAND_IN_MEM32);
}

/* Whether a small BAR of a stand-in's can be used for a small one of the host's. */
static gboolean
has_small_bar (VpStandInKind kind, VpBarKind bar)
{
  return bar == VP_BAR_IO ? kinds[kind].has_small_io : kinds[kind].has_small_mem;
}

static void
add_need (VpStandIns *self, GPtrArray *slot, Need need, VpStandInKind kind)
{
  const VpPlanDevice *device = need.device;
  VpStandIn *stand_in = g_new0 (VpStandIn, 1);

  stand_in->id = g_strdup_printf ("%s.%u", device->id, slot->len);
  stand_in->kind = kind;
  if (need.size > 0)
    stand_in->size = CLAMP (vp_window_round_up (need.size), kinds[kind].min, kinds[kind].max);
  g_ptr_array_add (slot, stand_in);

  need.stand_in = stand_in;
  g_array_append_val (self->needs, need);
}

static gboolean
lacks_small_bar (const VpStandIns *self, guint first, const VpPciFunction *function)
{
  for (guint i = 0; i < function->n_bars; i++)
    {
      gboolean found = !is_small (&function->bars[i]);

      for (guint j = first; j < self->needs->len && !found; j++)
        found = has_small_bar (g_array_index (self->needs, Need, j).stand_in->kind,
                               function->bars[i].kind);
      if (!found)
        return TRUE;
    }
  return FALSE;
}

/* Adds to @slot what stands in for one function. */
static void
add_function (VpStandIns *self, GPtrArray *slot, const VpPlanDevice *device, gboolean is_bridged)
{
  const VpPciFunction *function = device->function;
  gboolean has_io = has_io_bar (function);
  guint first = self->needs->len;

  for (guint i = 0; i < function->n_bars; i++)
    {
      const VpBar *bar = &function->bars[i];
      Need need = { .device = device, .bar = bar->index, .size = bar->size };
      VpStandInKind kind = kind_of (bar, is_bridged, has_io);

      need.exact = is_exact (bar, kind);
      if (!is_small (bar))
        add_need (self, slot, need, kind);
    }

  /* Firmware gives it an address beside the BARs (PCI 3.0, 6.2.5.2). */
  if (function->rom_size >= SMALLEST_BAR)
    add_need (self, slot, (Need){ .device = device, .bar = NO_BAR, .size = function->rom_size },
              VP_STAND_IN_MEM32);

  /* Something must be there, and have the small BARs. */
  if (first == self->needs->len || lacks_small_bar (self, first, function))
    add_need (self, slot,
              (Need){ .device = device, .bar = NO_BAR, .size = has_io ? 0 : SMALLEST_BAR },
              has_io ? VP_STAND_IN_PREF64_IO : VP_STAND_IN_MEM32);
}

/* Puts the two smallest of one kind together: the sum holds both, each aligned to its size. */
static void
merge_two (VpStandIns *self, GPtrArray *slot)
{
  VpStandIn *kept = NULL, *gone = NULL;

  for (guint i = 0; i < slot->len; i++)
    for (guint j = i + 1; j < slot->len; j++)
      {
        VpStandIn *a = slot->pdata[i], *b = slot->pdata[j];

        if (a->kind == b->kind && (kept == NULL || a->size + b->size < kept->size + gone->size))
          {
            kept = a;
            gone = b;
          }
      }
  g_return_if_fail (kept != NULL);

  kept->size = MIN (vp_window_round_up (kept->size + gone->size), kinds[kept->kind].max);
  for (guint i = 0; i < self->needs->len; i++)
    {
      Need *need = &g_array_index (self->needs, Need, i);

      if (need->stand_in != kept && need->stand_in != gone)
        continue;
      need->stand_in = kept;
      need->exact = need->exact && need->size == kept->size;
    }
  g_ptr_array_remove (slot, gone);
}

static gboolean
shares_slot (const VpPlanDevice *a, const VpPlanDevice *b)
{
  return a->slot == b->slot && g_str_equal (a->bus, b->bus);
}

/* Takes care of all functions that share the slot of the @first-th device, which is their first. */
static void
add_slot (VpStandIns *self, const VpPlan *plan, guint first)
{
  const VpPlanDevice *leader = plan->devices->pdata[first];
  gboolean is_bridged = !g_str_equal (leader->bus, vp_topology_root_bus (plan->root.machine));
  g_autoptr (GPtrArray) slot = g_ptr_array_new_with_free_func ((GDestroyNotify) stand_in_free);

  for (guint i = first; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (device->plug == VP_PLUG_COLD && device->function != NULL && shares_slot (leader, device))
        add_function (self, slot, device, is_bridged);
    }
  while (slot->len > VP_STAND_IN_MAX_FUNCTIONS)
    merge_two (self, slot);

  for (guint i = 0; i < slot->len; i++)
    {
      VpStandIn *stand_in = slot->pdata[i];

      stand_in->first = leader;
      stand_in->function = (guint8) i;
      stand_in->multifunction = i == 0 && slot->len > 1;
    }
  g_ptr_array_extend_and_steal (self->all, g_steal_pointer (&slot));
}

static gboolean
is_first_of_slot (const VpPlan *plan, guint index)
{
  const VpPlanDevice *device = plan->devices->pdata[index];

  for (guint i = 0; i < index; i++)
    {
      const VpPlanDevice *earlier = plan->devices->pdata[i];

      if (earlier->plug == VP_PLUG_COLD && earlier->function != NULL &&
          shares_slot (earlier, device))
        return FALSE;
    }
  return TRUE;
}

VpStandIns *
vp_stand_ins_new (const VpPlan *plan)
{
  VpStandIns *self = g_new0 (VpStandIns, 1);

  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify) stand_in_free);
  self->needs = g_array_new (FALSE, FALSE, sizeof (Need));
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];

      if (device->plug == VP_PLUG_COLD && device->function != NULL && is_first_of_slot (plan, i))
        add_slot (self, plan, i);
    }
  return self;
}

void
vp_stand_ins_free (VpStandIns *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->all);
  g_array_unref (self->needs);
  g_free (self);
}

const GPtrArray *
vp_stand_ins_get_all (const VpStandIns *self)
{
  return self->all;
}

gboolean
vp_stand_ins_find (const VpStandIns *self,
                   const VpPlanDevice *device,
                   const VpBar *bar,
                   VpStandInBar *found)
{
  gboolean small = is_small (bar);

  for (guint i = 0; i < self->needs->len; i++)
    {
      const Need *need = &g_array_index (self->needs, Need, i);

      if (need->device != device)
        continue;
      if (!small && need->bar == bar->index)
        {
          *found = (VpStandInBar){
            .stand_in = need->stand_in,
            .index = kinds[need->stand_in->kind].bar,
            .exact = need->exact,
          };
          return TRUE;
        }
      if (small && has_small_bar (need->stand_in->kind, bar->kind))
        {
          *found = (VpStandInBar){
            .stand_in = need->stand_in,
            .index = bar->kind == VP_BAR_IO ? IO_BAR : MEMORY_BAR,
            .exact = bar->kind == VP_BAR_IO && bar->size == TESTDEV_IO,
          };
          return TRUE;
        }
    }
  return FALSE;
}

/* Nothing is ever written to it, so that no memory is used. */
static void
add_memory (GPtrArray *argv, const VpStandIn *self, const char *id)
{
  JsonObject *memory = json_object_new ();

  json_object_set_string_member (memory, "qom-type", "memory-backend-ram");
  json_object_set_string_member (memory, "id", id);
  json_object_set_int_member (memory, "size", (gint64) self->size);
  json_object_set_boolean_member (memory, "reserve", FALSE);
  vp_argv_add_json (argv, "-object", memory);
}

void
vp_stand_in_add (GPtrArray *argv, const VpStandIn *self)
{
  const char *size_property = kinds[self->kind].size_property;
  JsonObject *device = vp_argv_new_device (kinds[self->kind].driver, self->id, self->first->bus,
                                           self->first->slot, self->function);

  if (self->multifunction)
    json_object_set_boolean_member (device, "multifunction", TRUE);
  if (size_property != NULL && self->size > 0)
    json_object_set_int_member (device, size_property, (gint64) self->size);
  if (self->kind == VP_STAND_IN_PREF32)
    json_object_set_string_member (device, "romfile", "");
  if (kinds[self->kind].has_memory)
    {
      g_autofree char *memory = g_strconcat (self->id, MEMORY_SUFFIX, NULL);

      add_memory (argv, self, memory);
      json_object_set_string_member (device, "memdev", memory);
    }
  vp_argv_add_json (argv, "-device", device);
}
