#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpGuestRange:
 * @base: first address
 * @limit: last address; below @base when the range is empty
 */
typedef struct
{
  guint64 base;
  guint64 limit;
} VpGuestRange;

/**
 * VpGuestWindows:
 * @mem: memory below 4 GiB
 * @pref: prefetchable memory
 *
 * What reaches a bus of a VM, as the guest has set it up.
 */
typedef struct
{
  VpGuestRange mem;
  VpGuestRange pref;
} VpGuestWindows;

/**
 * vp_guest_windows_find:
 * @reply: what QEMU's query-pci returned
 * @bridge: the id of a bridge or port, which is also the name of the bus behind it
 * @windows: (out caller-allocates): what all bridges on the way to that bus forward
 *
 * Returns: %FALSE when there is no such bridge
 */
gboolean vp_guest_windows_find (JsonArray *reply, const char *bridge, VpGuestWindows *windows);

/**
 * vp_guest_range_is_empty:
 *
 * Returns: whether nothing is in @range
 */
gboolean vp_guest_range_is_empty (const VpGuestRange *range);

/**
 * vp_guest_range_holds:
 *
 * Returns: whether all @size bytes from @address on are in @range
 */
gboolean vp_guest_range_holds (const VpGuestRange *range, guint64 address, guint64 size);

/**
 * vp_guest_range_find_room:
 * @range: where to look
 * @taken: (element-type VpGuestRange): what is taken of it, in any order; ranges elsewhere do not
 *   matter
 * @size: bytes, a power of two
 * @address: (out): the lowest free address that is a multiple of @size
 *
 * Looking for the largest BAR first leaves no gap but before that one, as guests do it (Linux
 * drivers/pci/setup-bus.c).
 *
 * Returns: whether there is room
 */
gboolean vp_guest_range_find_room (const VpGuestRange *range,
                                   const GArray *taken,
                                   guint64 size,
                                   guint64 *address);

G_END_DECLS
