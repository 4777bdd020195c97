#pragma once

#include "devices/pci-resource.h"

G_BEGIN_DECLS

/**
 * What a hotplug port forwards in each memory window even when nothing is asked for, aligned to its
 * size: what SeaBIOS (pciinit.c, PCI_BRIDGE_MEM_MIN) and OVMF (PciHotPlugInitDxe) give (measured).
 */
#define VP_WINDOW_DEFAULT (G_GUINT64_CONSTANT (2) << 20)

/**
 * VpWindow:
 * @io: bytes of I/O space, a multiple of 4 KiB
 * @mem: bytes of 32-bit memory space, a multiple of 1 MiB
 * @pref64: bytes of 64-bit prefetchable space, a multiple of 1 MiB
 * @mem_alignment: of what a device needs, its largest BAR in @mem; of what a bridge forwards, what
 *   the start of the window is a multiple of; 0 for any
 * @pref64_alignment: the same of @pref64
 *
 * What a bridge has to forward, or does (PCI-to-PCI Bridge 1.2, 3.2.5: windows have that
 * granularity).
 */
typedef struct
{
  guint64 io;
  guint64 mem;
  guint64 pref64;
  guint64 mem_alignment;
  guint64 pref64_alignment;
} VpWindow;

/**
 * vp_window_add_bars:
 * @window: (inout): grows
 * @bars: (array length=n_bars): the BARs of one function
 * @n_bars: how many
 * @error: return location for a #GError
 *
 * Prefetchable 64-bit BARs go to the prefetchable window, every other memory BAR below 4 GiB,
 * because a bridge has no 64-bit window that is not prefetchable. A BAR takes its size, aligned to
 * its size, so the largest go first and the sum is exact.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when a sum does not fit: 64 bits for the
 *   prefetchable window, 4 GiB for the other
 */
gboolean vp_window_add_bars (VpWindow *window, const VpBar *bars, guint n_bars, GError **error);

/**
 * vp_window_holds:
 * @window: what a port forwards
 * @need: what a device needs
 *
 * A window that starts at a smaller alignment than the largest BAR loses up to the difference
 * before that BAR; the others follow it without a gap, from the largest to the smallest.
 *
 * Returns: whether each part of @need fits, I/O space aside, which PCI Express devices must be able
 *   to do without (PCI Express 5.0, 1.3.2.2)
 */
gboolean vp_window_holds (const VpWindow *window, const VpWindow *need);

/**
 * vp_window_round_up:
 *
 * Returns: the power of two that is @bytes or the next greater, 0 for 0, saturating at 2^63
 */
guint64 vp_window_round_up (guint64 bytes);

G_END_DECLS
