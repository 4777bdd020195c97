#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Standard BARs of a type 0 header (PCI 3.0, 6.2.5.1). */
#define VP_PCI_N_BARS 6

/** No BAR is larger: its size is also a positive signed number, and all six of them have a sum. */
#define VP_BAR_MAX_SIZE (G_GUINT64_CONSTANT (1) << 60)

typedef enum
{
  VP_BAR_IO,
  VP_BAR_MEM32,
  VP_BAR_MEM64,
} VpBarKind;

/**
 * VpBar:
 * @index: 0 to 5; a 64-bit BAR also takes the index after its own
 * @kind: address space and width
 * @prefetchable: may sit in a bridge's prefetchable window
 * @start: address on the host, 0 while unassigned
 * @size: bytes, a power of two
 * @max_size: bytes, a power of two: the largest size that a resizable BAR can be given; @size when
 *   it cannot be resized or nobody may know
 */
typedef struct
{
  guint index;
  VpBarKind kind;
  gboolean prefetchable;
  guint64 start;
  guint64 size;
  guint64 max_size;
} VpBar;

/**
 * vp_pci_resource_parse:
 * @text: the content of a sysfs "resource" file: lines of "start end flags" in hexadecimal
 * @bars: (out caller-allocates) (array fixed-size=6): filled from the first; empty ones are left
 * out
 * @n_bars: (out): how many were filled
 * @rom_size: (out): bytes of the expansion ROM, a power of two; 0 if there is none
 * @error: return location for a #GError
 *
 * Reads the six standard BARs and, when there is a seventh line, the expansion ROM; the lines after
 * it (bridge windows, SR-IOV) are ignored. Flags are the kernel's IORESOURCE_*
 * (include/linux/ioport.h): IO 0x100, MEM 0x200, PREFETCH 0x2000, MEM_64 0x100000, and for the ROM
 * ROM_SHADOW 0x2: such a ROM is an image in the host's RAM, which pci_fixup_video()
 * (arch/x86/pci/fixup.c) gives the boot display. It is no BAR, and does not count.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID naming the line, when one is malformed, runs
 *   backwards or has a size that is no power of two up to %VP_BAR_MAX_SIZE; nothing is set then
 */
gboolean vp_pci_resource_parse (
    const char *text, VpBar bars[VP_PCI_N_BARS], guint *n_bars, guint64 *rom_size, GError **error);

/**
 * vp_bar_largest_size:
 * @bar: a BAR
 * @sizes: the content of its sysfs "resourceN_resize" file: 16 hexadecimal digits
 *
 * The sizes a BAR can be given (PCI Express 6.0, 7.8.6): bit n of the number stands for 2^n MiB
 * (Documentation/ABI/testing/sysfs-bus-pci). A size that no BAR of its kind can have, such as 4 GiB
 * for one of 32 bits, does not count. The size that it has stands in "resource", so garbage here is
 * no reason to refuse the device.
 *
 * Returns: the largest size in bytes; @bar's own when none is larger or @sizes makes no sense
 */
guint64 vp_bar_largest_size (const VpBar *bar, const char *sizes);

/**
 * vp_bar_kind_to_string:
 *
 * Returns: (transfer none): "io", "mem32" or "mem64"
 */
const char *vp_bar_kind_to_string (VpBarKind kind);

/**
 * vp_bar_is_large:
 * @bar: a BAR
 * @threshold: bytes
 *
 * Returns: whether @bar is a 64-bit memory BAR of @threshold bytes or more
 */
gboolean vp_bar_is_large (const VpBar *bar, guint64 threshold);

G_END_DECLS
