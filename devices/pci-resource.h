#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Standard BARs of a type 0 header (PCI 3.0, 6.2.5.1). */
#define VP_PCI_N_BARS 6

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
 */
typedef struct
{
  guint index;
  VpBarKind kind;
  gboolean prefetchable;
  guint64 start;
  guint64 size;
} VpBar;

/**
 * vp_pci_resource_parse:
 * @text: the content of a sysfs "resource" file: lines of "start end flags" in hexadecimal
 * @bars: (out caller-allocates) (array fixed-size=6): filled from the first; empty ones are left
 * out
 * @n_bars: (out): how many were filled
 * @error: return location for a #GError
 *
 * Reads the six standard BARs; the lines after them (ROM, bridge windows, SR-IOV) are ignored.
 * Flags are the kernel's IORESOURCE_* (include/linux/ioport.h): IO 0x100, MEM 0x200,
 * PREFETCH 0x2000, MEM_64 0x100000.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID naming the line, when one is malformed, runs
 *   backwards or has a size that is no power of two
 */
gboolean
vp_pci_resource_parse (const char *text, VpBar bars[VP_PCI_N_BARS], guint *n_bars, GError **error);

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
