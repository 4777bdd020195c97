#include "devices/device-need.h"

void
vp_device_need_add_bars (GArray *bars, const VpPciFunction *function, gboolean at_largest)
{
  if (function == NULL)
    return;

  for (guint i = 0; i < function->n_bars; i++)
    {
      VpBar bar = function->bars[i];

      if (at_largest)
        bar.size = bar.max_size;
      g_array_append_val (bars, bar);
    }
  if (function->rom_size > 0)
    {
      const VpBar rom = { .index = VP_PCI_N_BARS,
                          .kind = VP_BAR_MEM32,
                          .size = function->rom_size,
                          .max_size = function->rom_size };

      g_array_append_val (bars, rom);
    }
}

static const VpBar *
data_of (const GArray *bars)
{
  return (const VpBar *) (const void *) bars->data;
}

gboolean
vp_device_need_on_port (const GArray *bars, VpWindow *need, GError **error)
{
  *need = (VpWindow){ 0 };
  return bars->len == 0 || vp_window_add_bars (need, data_of (bars), bars->len, error);
}

gboolean
vp_device_need_on_pci_slot (const GArray *bars, VpWindow *need, GError **error)
{
  g_autoptr (GArray) movable = g_array_copy ((GArray *) bars);

  for (guint i = 0; i < movable->len; i++)
    {
      VpBar *bar = &g_array_index (movable, VpBar, i);

      bar->prefetchable = bar->kind == VP_BAR_MEM64;
    }
  return vp_device_need_on_port (movable, need, error);
}

gboolean
vp_device_need_fits_bridge (const GArray *bars)
{
  const VpWindow window = { .mem = VP_WINDOW_DEFAULT,
                            .pref64 = VP_WINDOW_DEFAULT,
                            .mem_alignment = VP_WINDOW_DEFAULT,
                            .pref64_alignment = VP_WINDOW_DEFAULT };
  VpWindow need;

  return vp_device_need_on_port (bars, &need, NULL) && vp_window_holds (&window, &need);
}
