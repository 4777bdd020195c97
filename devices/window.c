#include "devices/window.h"

#include "devices/byte-size.h"
#include "devices/error.h"

#define IO_GRANULARITY     (G_GUINT64_CONSTANT (4) << 10)
#define MEMORY_GRANULARITY (G_GUINT64_CONSTANT (1) << 20)
#define LARGEST_MEM        ((G_GUINT64_CONSTANT (4) << 30) - MEMORY_GRANULARITY)
#define LARGEST_PREF64     (~(MEMORY_GRANULARITY - 1))
#define LARGEST_POWER      (G_GUINT64_CONSTANT (1) << 63)

/* The largest multiple of @granularity when the next one does not fit 64 bits. */
static guint64
align_up (guint64 bytes, guint64 granularity)
{
  guint64 mask = granularity - 1;

  return bytes > G_MAXUINT64 - mask ? ~mask : (bytes + mask) & ~mask;
}

static void
add_saturating (guint64 *sum, guint64 bytes)
{
  if (!g_uint64_checked_add (sum, *sum, bytes))
    *sum = G_MAXUINT64;
}

gboolean
vp_window_add_bars (VpWindow *window, const VpBar *bars, guint n_bars, GError **error)
{
  VpWindow sum;

  g_return_val_if_fail (window != NULL && (bars != NULL || n_bars == 0), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  sum = *window;
  for (guint i = 0; i < n_bars; i++)
    if (bars[i].kind == VP_BAR_IO)
      add_saturating (&sum.io, bars[i].size);
    else if (bars[i].kind == VP_BAR_MEM64 && bars[i].prefetchable)
      {
        add_saturating (&sum.pref64, bars[i].size);
        sum.pref64_alignment = MAX (sum.pref64_alignment, bars[i].size);
      }
    else
      {
        add_saturating (&sum.mem, bars[i].size);
        sum.mem_alignment = MAX (sum.mem_alignment, bars[i].size);
      }

  if (sum.pref64 > LARGEST_PREF64)
    {
      g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                           "impossible window: the 64-bit prefetchable BARs exceed 64 bits in all");
      return FALSE;
    }
  if (sum.mem > LARGEST_MEM)
    {
      g_autofree char *size = vp_byte_size_format (sum.mem);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "impossible window: BARs of %s in all are 32-bit or not prefetchable, and a "
                   "bridge forwards those only below 4 GiB",
                   size);
      return FALSE;
    }

  *window = sum;
  window->io = align_up (sum.io, IO_GRANULARITY);
  window->mem = align_up (sum.mem, MEMORY_GRANULARITY);
  window->pref64 = align_up (sum.pref64, MEMORY_GRANULARITY);
  return TRUE;
}

/* Whether @bytes, the largest part of them @alignment, fit in a window of @size bytes that starts
 * at a multiple of @start. */
static gboolean
part_holds (guint64 size, guint64 start, guint64 bytes, guint64 alignment)
{
  guint64 step = MAX (start, MEMORY_GRANULARITY);
  guint64 waste = alignment > step ? alignment - step : 0;

  return bytes <= size && waste <= size - bytes;
}

gboolean
vp_window_holds (const VpWindow *window, const VpWindow *need)
{
  g_return_val_if_fail (window != NULL && need != NULL, FALSE);

  return part_holds (window->mem, window->mem_alignment, need->mem, need->mem_alignment) &&
         part_holds (window->pref64, window->pref64_alignment, need->pref64,
                     need->pref64_alignment);
}

guint64
vp_window_round_up (guint64 bytes)
{
  guint64 power = 1;

  if (bytes == 0)
    return 0;

  while (power < bytes && power < LARGEST_POWER)
    power <<= 1;
  return power;
}
