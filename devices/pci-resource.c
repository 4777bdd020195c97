#include "devices/pci-resource.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

/* include/linux/ioport.h */
#define IORESOURCE_ROM_SHADOW 0x00000002 /* of a ROM: the image is in RAM */
#define IORESOURCE_TYPE_BITS  0x00001f00
#define IORESOURCE_IO         0x00000100
#define IORESOURCE_MEM        0x00000200
#define IORESOURCE_PREFETCH   0x00002000
#define IORESOURCE_MEM_64     0x00100000
#define IORESOURCE_UNSET      0x20000000 /* has a size, and a start that means nothing */

#define MAX_HEX_DIGITS 16

#define ROM_LINE        VP_PCI_N_BARS /* the first after those of the BARs */
#define MAX_MEM32_SIZE  (G_GUINT64_CONSTANT (1) << 31)
#define SMALLEST_RESIZE (G_GUINT64_CONSTANT (1) << 20)
#define HEX_DIGITS      "0123456789abcdefABCDEF"
#define NOT_A_RANGE     "not \"0xSTART 0xEND 0xFLAGS\""

typedef struct
{
  guint64 start;
  guint64 end;
  guint64 flags;
} Range;

/* Reads "0x", 1 to 16 hexadecimal digits and then @stop. */
static gboolean
take_hex (const char **cursor, char stop, guint64 *value)
{
  const char *p = *cursor;
  guint64 v = 0;
  guint n_digits = 0;

  if (p[0] != '0' || p[1] != 'x')
    return FALSE;
  for (p += 2; g_ascii_isxdigit (*p); p++, n_digits++)
    v = v << 4 | (guint64) g_ascii_xdigit_value (*p);
  if (n_digits == 0 || n_digits > MAX_HEX_DIGITS || *p != stop)
    return FALSE;

  *cursor = p + 1;
  *value = v;
  return TRUE;
}

static gboolean
parse_range (const char *line, Range *range)
{
  return take_hex (&line, ' ', &range->start) && take_hex (&line, ' ', &range->end) &&
         take_hex (&line, '\0', &range->flags);
}

/* The kernel's own test (pci_resource_len()): flags alone do not make a BAR. */
static gboolean
is_empty (const Range *range)
{
  return range->start == 0 && range->end == 0;
}

/* Returns what is wrong with the size of @range, or NULL. */
static const char *
check_size (const Range *range)
{
  guint64 span = range->end - range->start;

  if (range->end < range->start)
    return "ends before it starts";
  if (span >= VP_BAR_MAX_SIZE || ((span + 1) & span) != 0)
    return "its size is no power of two up to 2^60";
  return NULL;
}

/* Returns what is wrong with @range, or NULL. */
static const char *
bar_from_range (guint index, const Range *range, VpBar *bar)
{
  guint64 type = range->flags & IORESOURCE_TYPE_BITS;
  guint64 size = range->end - range->start + 1;
  gboolean is_64bit = type == IORESOURCE_MEM && (range->flags & IORESOURCE_MEM_64) != 0;

  if (type != IORESOURCE_IO && type != IORESOURCE_MEM)
    return "neither I/O ports nor memory";
  if (is_64bit && index == VP_PCI_N_BARS - 1)
    return "a 64-bit BAR has no line left for its upper half";

  *bar = (VpBar){ .index = index,
                  .kind = type == IORESOURCE_IO ? VP_BAR_IO
                          : is_64bit            ? VP_BAR_MEM64
                                                : VP_BAR_MEM32,
                  .prefetchable = (range->flags & IORESOURCE_PREFETCH) != 0,
                  .start = (range->flags & IORESOURCE_UNSET) != 0 ? 0 : range->start,
                  .size = size,
                  .max_size = size };
  return check_size (range);
}

/* Returns what is wrong with @range, or NULL. */
static const char *
rom_from_range (const Range *range, guint64 *rom_size)
{
  if ((range->flags & IORESOURCE_TYPE_BITS) != IORESOURCE_MEM)
    return "an expansion ROM is memory";

  *rom_size = range->end - range->start + 1;
  return check_size (range);
}

static gboolean
refuse (GError **error, guint line, const char *text, const char *why)
{
  g_autofree char *quoted = vp_quote (text);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID, "line %u, %s: %s", line, quoted,
               why);
  return FALSE;
}

/* Whether line @index is there; what is behind the last newline is no line. */
static gboolean
has_line (char **lines, guint index)
{
  return lines[index] != NULL && (lines[index][0] != '\0' || lines[index + 1] != NULL);
}

static gboolean
parse_rom (char **lines, guint64 *rom_size, GError **error)
{
  const char *why = NULL;
  Range range;

  *rom_size = 0;
  if (!has_line (lines, ROM_LINE))
    return TRUE;
  if (!parse_range (lines[ROM_LINE], &range))
    return refuse (error, ROM_LINE + 1, lines[ROM_LINE], NOT_A_RANGE);

  if (!is_empty (&range) && (range.flags & IORESOURCE_ROM_SHADOW) == 0)
    why = rom_from_range (&range, rom_size);
  return why == NULL || refuse (error, ROM_LINE + 1, lines[ROM_LINE], why);
}

gboolean
vp_pci_resource_parse (
    const char *text, VpBar bars[VP_PCI_N_BARS], guint *n_bars, guint64 *rom_size, GError **error)
{
  g_auto (GStrv) lines = NULL;
  VpBar found[VP_PCI_N_BARS];
  guint64 found_rom;
  guint n_found = 0;
  gboolean is_upper_half = FALSE;

  g_return_val_if_fail (text != NULL && bars != NULL && n_bars != NULL && rom_size != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  lines = g_strsplit (text, "\n", ROM_LINE + 2);
  for (guint i = 0; i < VP_PCI_N_BARS; i++)
    {
      const char *why;
      Range range;

      if (!has_line (lines, i))
        {
          g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID, "line %u is missing",
                       i + 1);
          return FALSE;
        }
      if (!parse_range (lines[i], &range))
        return refuse (error, i + 1, lines[i], NOT_A_RANGE);
      if (is_empty (&range))
        {
          is_upper_half = FALSE;
          continue;
        }
      if (is_upper_half)
        return refuse (error, i + 1, lines[i], "not empty, though the BAR before it has 64 bits");

      why = bar_from_range (i, &range, &found[n_found]);
      if (why != NULL)
        return refuse (error, i + 1, lines[i], why);
      is_upper_half = found[n_found++].kind == VP_BAR_MEM64;
    }
  if (!parse_rom (lines, &found_rom, error))
    return FALSE;

  for (guint i = 0; i < n_found; i++)
    bars[i] = found[i];
  *n_bars = n_found;
  *rom_size = found_rom;
  return TRUE;
}

guint64
vp_bar_largest_size (const VpBar *bar, const char *sizes)
{
  guint64 limit = bar->kind == VP_BAR_MEM64 ? VP_BAR_MAX_SIZE : MAX_MEM32_SIZE;
  guint64 largest = bar->size;
  guint64 bits;

  if (bar->kind == VP_BAR_IO || strlen (sizes) != MAX_HEX_DIGITS ||
      strspn (sizes, HEX_DIGITS) != MAX_HEX_DIGITS)
    return bar->size;

  bits = g_ascii_strtoull (sizes, NULL, 16);
  for (guint64 size = SMALLEST_RESIZE; bits != 0 && size <= limit; size <<= 1, bits >>= 1)
    if ((bits & 1) != 0)
      largest = MAX (largest, size);
  return largest;
}

const char *
vp_bar_kind_to_string (VpBarKind kind)
{
  switch (kind)
    {
    case VP_BAR_IO:
      return "io";
    case VP_BAR_MEM32:
      return "mem32";
    case VP_BAR_MEM64:
      return "mem64";
    }

  g_return_val_if_reached (NULL);
}

gboolean
vp_bar_is_large (const VpBar *bar, guint64 threshold)
{
  return bar->kind == VP_BAR_MEM64 && bar->size >= threshold;
}
