#include "devices/pci-resource.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The kernel's flags (include/linux/ioport.h) that say what @bar is. */
static guint
flags_of (const VpBar *bar)
{
  guint flags = bar->prefetchable ? 0x2000 : 0;

  switch (bar->kind)
    {
    case VP_BAR_IO:
      return flags | 0x100;
    case VP_BAR_MEM32:
      return flags | 0x200;
    case VP_BAR_MEM64:
      return flags | 0x100200;
    }

  g_return_val_if_reached (0);
}

/* A range of @size bytes, or an empty line. One byte at 0 would look empty: what is at 0 is written
 * as one that has no address yet, which reads the same. */
static void
add_line (GString *text, guint64 start, guint64 size, guint flags)
{
  if (size > 0 && start == 0)
    {
      start = size;
      flags |= 0x20000000;
    }
  g_string_append_printf (text,
                          "0x%016" G_GINT64_MODIFIER "x 0x%016" G_GINT64_MODIFIER "x 0x%016x\n",
                          start, size > 0 ? start + size - 1 : 0, flags);
}

/* The file as the kernel writes it. */
static char *
print (const VpBar *bars, guint n_bars, guint64 rom_size)
{
  GString *text = g_string_new (NULL);

  for (guint line = 0, i = 0; line < VP_PCI_N_BARS; line++)
    if (i < n_bars && bars[i].index == line)
      {
        add_line (text, bars[i].start, bars[i].size, flags_of (&bars[i]));
        i++;
      }
    else
      add_line (text, 0, 0, 0);
  add_line (text, 0, rom_size, rom_size > 0 ? 0x46200 : 0);
  return g_string_free (text, FALSE);
}

static void
check_bars (const VpBar *bars, guint n_bars)
{
  g_assert_cmpuint (n_bars, <=, VP_PCI_N_BARS);
  for (guint i = 0; i < n_bars; i++)
    {
      g_assert_cmpuint (bars[i].index, <, VP_PCI_N_BARS);
      if (i > 0)
        g_assert_cmpuint (bars[i].index, >, bars[i - 1].index);
      g_assert_cmpuint (bars[i].size, >, 0);
      g_assert_cmpuint (bars[i].size, <=, VP_BAR_MAX_SIZE);
      g_assert_cmpuint (bars[i].size & (bars[i].size - 1), ==, 0);
      g_assert_cmpuint (bars[i].max_size, ==, bars[i].size);
    }
}

static void
check_largest_size (const VpBar *bar, const char *text)
{
  guint64 largest = vp_bar_largest_size (bar, text);

  g_assert_cmpuint (largest, >=, bar->size);
  g_assert_cmpuint (largest & (largest - 1), ==, 0);
}

/* What is accepted makes sense, and is accepted with the same meaning when it is printed. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *printed = NULL;
  g_autoptr (GError) error = NULL;
  VpBar bars[VP_PCI_N_BARS], again[VP_PCI_N_BARS];
  guint n_bars, n_again;
  guint64 rom_size, rom_again;

  check_largest_size (&(VpBar){ .kind = VP_BAR_MEM64, .size = 1 }, text);
  if (!vp_pci_resource_parse (text, bars, &n_bars, &rom_size, NULL))
    return 0;
  check_bars (bars, n_bars);
  g_assert_cmpuint (rom_size & (rom_size - 1), ==, 0);

  printed = print (bars, n_bars, rom_size);
  vp_pci_resource_parse (printed, again, &n_again, &rom_again, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rom_again, ==, rom_size);
  g_assert_cmpuint (n_again, ==, n_bars);
  for (guint i = 0; i < n_bars; i++)
    {
      g_assert_cmpuint (again[i].index, ==, bars[i].index);
      g_assert_cmpint (again[i].kind, ==, bars[i].kind);
      g_assert_cmpint (again[i].prefetchable, ==, bars[i].prefetchable);
      g_assert_cmpuint (again[i].start, ==, bars[i].start);
      g_assert_cmpuint (again[i].size, ==, bars[i].size);
    }
  return 0;
}
