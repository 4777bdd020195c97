#include "launcher/vm/rehearsal-report.h"

#include "devices/byte-size.h"
#include "launcher/error.h"

static void
device_free (VpRehearsedDevice *device)
{
  g_array_unref (device->bars);
  g_free (device->problem);
  g_free (device);
}

static gboolean
get_bars (const VpRehearsalView *view, const char *id, VpGuestBars *bars)
{
  const VpGuestBars *better =
      view->registers != NULL ? g_hash_table_lookup (view->registers, id) : NULL;

  if (better == NULL)
    return vp_guest_bars_from_query_pci (view->query_pci, id, bars);
  *bars = *better;
  return TRUE;
}

static const VpGuestBar *
find_bar (const VpGuestBars *bars, guint index)
{
  for (guint i = 0; i < bars->n_bars; i++)
    if (bars->bars[i].index == index)
      return &bars->bars[i];
  return NULL;
}

static gboolean
is_too_high (const VpRehearsalView *view, guint64 address, guint64 size)
{
  return view->address_bits > 0 && view->address_bits < 64 &&
         (address + (size - 1)) >> view->address_bits != 0;
}

/* @seen is the BAR itself, or what stands in for it. */
static void
judge_cold (VpRehearsedBar *bar,
            const VpRehearsedDevice *device,
            const VpGuestBar *seen,
            const VpRehearsalView *view)
{
  gboolean has_address = seen != NULL && seen->address != 0 && seen->address != G_MAXUINT64;

  bar->assigned = seen != NULL && seen->assigned;
  bar->address = has_address ? seen->address : 0;
  if (bar->kind == VP_BAR_IO)
    bar->place = bar->assigned ? VP_BAR_PLACED : VP_BAR_UNNEEDED;
  else if (!has_address)
    bar->place = VP_BAR_UNASSIGNED;
  else if (!bar->assigned ||
           (device->has_windows &&
            !vp_guest_range_holds (&device->windows.mem, seen->address, seen->size) &&
            !vp_guest_range_holds (&device->windows.pref, seen->address, seen->size)))
    bar->place = VP_BAR_OUTSIDE;
  else
    bar->place = is_too_high (view, seen->address, seen->size) ? VP_BAR_TOO_HIGH : VP_BAR_PLACED;
}

static void
look_at_stand_ins (VpRehearsedDevice *device,
                   const VpStandIns *stand_ins,
                   const VpRehearsalView *view)
{
  const VpPciFunction *function = device->device->function;

  for (guint i = 0; i < function->n_bars; i++)
    {
      const VpBar *host = &function->bars[i];
      VpRehearsedBar bar = { .index = host->index, .kind = host->kind, .size = host->size };
      VpStandInBar found = { NULL };
      VpGuestBars seen;
      gboolean is_seen = vp_stand_ins_find (stand_ins, device->device, host, &found) &&
                         get_bars (view, found.stand_in->id, &seen);

      bar.stand_in_exact = found.exact;
      judge_cold (&bar, device, is_seen ? find_bar (&seen, found.index) : NULL, view);
      g_array_append_val (device->bars, bar);
    }
}

static void
look_at_itself (VpRehearsedDevice *device, const VpRehearsalView *view)
{
  VpGuestBars seen;

  if (!get_bars (view, device->device->id, &seen))
    return;
  for (guint i = 0; i < seen.n_bars; i++)
    {
      VpRehearsedBar bar = { .index = seen.bars[i].index,
                             .kind = seen.bars[i].kind,
                             .size = seen.bars[i].size,
                             .stand_in_exact = TRUE };

      judge_cold (&bar, device, &seen.bars[i], view);
      g_array_append_val (device->bars, bar);
    }
}

/* What comes later: judged when all cold devices have been. */
static void
list_hot (VpRehearsedDevice *device)
{
  const VpPciFunction *function = device->device->function;

  for (guint i = 0; function != NULL && i < function->n_bars; i++)
    {
      const VpBar *host = &function->bars[i];
      const VpRehearsedBar bar = { .index = host->index,
                                   .kind = host->kind,
                                   .size = host->size,
                                   .stand_in_exact = TRUE,
                                   .place =
                                       host->kind == VP_BAR_IO ? VP_BAR_UNNEEDED : VP_BAR_NO_ROOM };

      g_array_append_val (device->bars, bar);
    }
}

static VpRehearsedDevice *
look_at (const VpPlanDevice *planned, const VpStandIns *stand_ins, const VpRehearsalView *view)
{
  VpRehearsedDevice *device = g_new0 (VpRehearsedDevice, 1);

  device->device = planned;
  device->bars = g_array_new (FALSE, FALSE, sizeof (VpRehearsedBar));
  device->has_windows = vp_guest_windows_find (view->query_pci, planned->bus, &device->windows);
  if (planned->plug == VP_PLUG_HOT)
    list_hot (device);
  else if (planned->function != NULL)
    look_at_stand_ins (device, stand_ins, view);
  else
    look_at_itself (device, view);
  return device;
}

/* A hot BAR that has no place yet, and whether it may be in the prefetchable window. */
typedef struct
{
  VpRehearsedBar *bar;
  gboolean prefetchable;
} Waiting;

static int
compare_waiting (gconstpointer a, gconstpointer b)
{
  guint64 size_a = ((const Waiting *) a)->bar->size;
  guint64 size_b = ((const Waiting *) b)->bar->size;

  return size_a > size_b ? -1 : size_a < size_b;
}

/* What is taken of the windows of @bus, and who waits for the rest. */
static void
sort_bus (const VpRehearsalReport *self, const char *bus, GArray *taken, GArray *waiting)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      const VpRehearsedDevice *device = self->devices->pdata[i];

      if (!g_str_equal (device->device->bus, bus))
        continue;
      for (guint j = 0; j < device->bars->len; j++)
        {
          VpRehearsedBar *bar = &g_array_index (device->bars, VpRehearsedBar, j);
          const VpGuestRange range = { bar->address, bar->address + (bar->size - 1) };

          if (bar->place == VP_BAR_NO_ROOM)
            {
              const Waiting one = { bar, device->device->function->bars[j].prefetchable };

              g_array_append_val (waiting, one);
            }
          else if (bar->address != 0 && bar->kind != VP_BAR_IO)
            g_array_append_val (taken, range);
        }
    }
  g_array_sort (waiting, compare_waiting);
}

static void
place_hot (VpRehearsalReport *self, const VpRehearsedDevice *device, const VpRehearsalView *view)
{
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (VpGuestRange));
  g_autoptr (GArray) waiting = g_array_new (FALSE, FALSE, sizeof (Waiting));

  sort_bus (self, device->device->bus, taken, waiting);
  for (guint i = 0; i < waiting->len; i++)
    {
      const Waiting *one = &g_array_index (waiting, Waiting, i);
      VpGuestRange range;

      if (!device->has_windows)
        {
          one->bar->place = VP_BAR_PLACED;
          continue;
        }
      if (!(one->prefetchable && vp_guest_range_find_room (&device->windows.pref, taken,
                                                           one->bar->size, &one->bar->address)) &&
          !vp_guest_range_find_room (&device->windows.mem, taken, one->bar->size,
                                     &one->bar->address))
        continue;

      one->bar->place =
          is_too_high (view, one->bar->address, one->bar->size) ? VP_BAR_TOO_HIGH : VP_BAR_PLACED;
      range = (VpGuestRange){ one->bar->address, one->bar->address + (one->bar->size - 1) };
      g_array_append_val (taken, range);
    }
}

static char *
describe (const VpRehearsedDevice *device, const VpRehearsedBar *bar, guint address_bits)
{
  const VpGuestRange *window =
      bar->kind == VP_BAR_MEM64 && !vp_guest_range_is_empty (&device->windows.pref)
          ? &device->windows.pref
          : &device->windows.mem;
  g_autofree char *size = vp_byte_size_format (bar->size);
  g_autofree char *what = g_strdup_printf ("BAR %u (%s)", bar->index, size);
  g_autofree char *where = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", bar->address);
  g_autofree char *range = vp_guest_range_is_empty (window)
                               ? g_strdup_printf ("%s has no window", device->device->bus)
                               : g_strdup_printf ("the window of %s is 0x%" G_GINT64_MODIFIER
                                                  "x-0x%" G_GINT64_MODIFIER "x",
                                                  device->device->bus, window->base, window->limit);

  switch (bar->place)
    {
    case VP_BAR_PLACED:
    case VP_BAR_UNNEEDED:
      return NULL;
    case VP_BAR_UNASSIGNED:
      return g_strdup_printf ("%s got no address", what);
    case VP_BAR_OUTSIDE:
      return g_strdup_printf ("%s at %s is not forwarded: %s", what, where, range);
    case VP_BAR_NO_ROOM:
      return g_strdup_printf ("%s would find no aligned place: %s", what, range);
    case VP_BAR_TOO_HIGH:
      return g_strdup_printf ("%s at %s is above the %u address bits of the CPU", what, where,
                              address_bits);
    }
  g_return_val_if_reached (NULL);
}

static void
conclude (VpRehearsalReport *self, VpRehearsedDevice *device, const VpRehearsalView *view)
{
  device->ok = TRUE;
  for (guint i = 0; i < device->bars->len; i++)
    {
      const VpRehearsedBar *bar = &g_array_index (device->bars, VpRehearsedBar, i);
      g_autofree char *problem = describe (device, bar, view->address_bits);

      if (problem == NULL)
        continue;
      device->ok = FALSE;
      if (device->problem == NULL)
        device->problem = g_steal_pointer (&problem);
    }
  self->ok &= device->ok;
}

static void
look_at_ports (VpRehearsalReport *self, const VpRehearsalView *view)
{
  for (guint i = 0; i < self->plan->ports->len; i++)
    {
      const VpPlanPort *port = self->plan->ports->pdata[i];
      VpGuestWindows windows = { { 1, 0 }, { 1, 0 } };

      vp_guest_windows_find (view->query_pci, port->id, &windows);
      g_array_append_val (self->windows, windows);
    }
}

/* Before firmware has been there no bridge forwards anything, and no device has an address. */
static gboolean
is_set_up (const VpRehearsalReport *self)
{
  gboolean has_anything = FALSE;

  for (guint i = 0; i < self->windows->len; i++)
    {
      const VpGuestWindows *windows = &g_array_index (self->windows, VpGuestWindows, i);

      if (!vp_guest_range_is_empty (&windows->mem) || !vp_guest_range_is_empty (&windows->pref))
        return TRUE;
      has_anything |= self->plan->root.machine == VP_MACHINE_Q35;
    }
  for (guint i = 0; i < self->devices->len; i++)
    {
      const VpRehearsedDevice *device = self->devices->pdata[i];

      for (guint j = 0; j < device->bars->len; j++)
        if (g_array_index (device->bars, VpRehearsedBar, j).assigned)
          return TRUE;
      has_anything |= device->device->plug == VP_PLUG_COLD && device->bars->len > 0;
    }
  return !has_anything;
}

VpRehearsalReport *
vp_rehearsal_report_new (const VpPlan *plan,
                         const VpStandIns *stand_ins,
                         const VpRehearsalView *view)
{
  VpRehearsalReport *self = g_new0 (VpRehearsalReport, 1);

  self->plan = plan;
  self->devices = g_ptr_array_new_with_free_func ((GDestroyNotify) device_free);
  self->windows = g_array_new (FALSE, FALSE, sizeof (VpGuestWindows));
  look_at_ports (self, view);
  for (guint i = 0; i < plan->devices->len; i++)
    g_ptr_array_add (self->devices, look_at (plan->devices->pdata[i], stand_ins, view));

  for (guint i = 0; i < self->devices->len; i++)
    place_hot (self, self->devices->pdata[i], view);
  self->is_set_up = is_set_up (self);
  self->ok = self->is_set_up;
  for (guint i = 0; i < self->devices->len; i++)
    conclude (self, self->devices->pdata[i], view);
  return self;
}

void
vp_rehearsal_report_free (VpRehearsalReport *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->devices);
  g_array_unref (self->windows);
  g_free (self->last_words);
  g_free (self);
}

gboolean
vp_rehearsal_report_check (const VpRehearsalReport *self, GError **error)
{
  const VpRehearsedDevice *first = NULL;
  g_autofree char *words = NULL;
  g_autofree char *others = NULL;
  guint n_bad = 0;

  if (self->ok)
    return TRUE;

  if (self->last_words != NULL)
    words = g_strdup_printf (" (its last words: %s)", self->last_words);
  if (!self->is_set_up)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_REHEARSAL,
                   "rehearsal: firmware set up no PCI device in %.1f s%s", self->seconds,
                   words != NULL ? words : "");
      return FALSE;
    }

  for (guint i = self->devices->len; i > 0; i--)
    {
      const VpRehearsedDevice *device = self->devices->pdata[i - 1];

      if (device->ok)
        continue;
      first = device;
      n_bad++;
    }
  others = n_bad > 1 ? g_strdup_printf (", and %u more device%s", n_bad - 1, n_bad > 2 ? "s" : "")
                     : g_strdup ("");
  g_set_error (error, VP_ERROR, VP_ERROR_REHEARSAL, "rehearsal: %s: %s%s", first->device->id,
               first->problem, others);
  return FALSE;
}
