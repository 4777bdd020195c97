#pragma once

#include "devices/pci-resource.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpGuestBar:
 * @index: 0 to 5
 * @kind: address space and width
 * @prefetchable: whether it is
 * @size: bytes
 * @assigned: whether the guest has given it an address that its bridge forwards
 * @address: the guest-physical address, when @assigned
 */
typedef struct
{
  guint index;
  VpBarKind kind;
  gboolean prefetchable;
  guint64 size;
  gboolean assigned;
  guint64 address;
} VpGuestBar;

/**
 * VpGuestBars:
 * @bus: bus number that the guest has given
 * @slot: slot on it
 * @function: function of the slot
 * @bars: its BARs, without the expansion ROM
 * @n_bars: how many
 * @has_bridge: whether it sits behind a bridge, whose windows follow
 * @mem_base: first byte of the bridge's 32-bit window
 * @mem_limit: last byte of it; below the base when there is none
 * @pref_base: first byte of the prefetchable window
 * @pref_limit: last byte of it
 *
 * Where one device of a VM is, as the guest sees it.
 */
typedef struct
{
  guint bus;
  guint slot;
  guint function;
  VpGuestBar bars[VP_PCI_N_BARS];
  guint n_bars;
  gboolean has_bridge;
  guint64 mem_base;
  guint64 mem_limit;
  guint64 pref_base;
  guint64 pref_limit;
} VpGuestBars;

typedef enum
{
  VP_BARS_NONE,    /* no memory BAR has an address yet */
  VP_BARS_PARTIAL, /* some have */
  VP_BARS_ALL,     /* all have; I/O BARs do not count, a PCI Express driver must do without them */
} VpBarsVerdict;

/**
 * vp_guest_bars_from_query_pci:
 * @reply: what QEMU's query-pci returned
 * @id: a device
 * @bars: (out caller-allocates): filled in
 *
 * query-pci shows the address of a BAR only while the guest has decoding enabled, and -1 otherwise,
 * whether or not it has assigned one (QEMU hw/pci/pci.c, pci_bar_address).
 *
 * Returns: whether the device is there
 */
gboolean vp_guest_bars_from_query_pci (JsonArray *reply, const char *id, VpGuestBars *bars);

/**
 * vp_guest_bars_parse_words:
 * @text: the output of the monitor's "xp /6xw ADDRESS"
 * @words: (out caller-allocates) (array fixed-size=6): the six BAR registers
 *
 * Returns: %FALSE when @text does not hold six words
 */
gboolean vp_guest_bars_parse_words (const char *text, guint32 words[VP_PCI_N_BARS]);

/**
 * vp_guest_bars_apply_registers:
 * @bars: (inout): as query-pci had them
 * @words: (array fixed-size=6): the BAR registers, raw
 *
 * Fills in what query-pci hides while decoding is off. A register that reads as all ones is being
 * sized by the guest at this moment and counts as unassigned.
 */
void vp_guest_bars_apply_registers (VpGuestBars *bars, const guint32 words[VP_PCI_N_BARS]);

/**
 * vp_guest_bars_judge:
 *
 * Returns: how far the guest has come with the memory BARs, or with the I/O BARs of a device that
 * has no others, such as a card of serial ports
 */
VpBarsVerdict vp_guest_bars_judge (const VpGuestBars *bars);

/**
 * vp_guest_bars_describe_missing:
 *
 * Returns: (transfer full) (nullable): "BAR 2 (16 GiB) has no window", all of them in one line;
 *   %NULL when none is missing
 */
char *vp_guest_bars_describe_missing (const VpGuestBars *bars);

/**
 * vp_guest_bars_to_json:
 *
 * Returns: (transfer full): "bars" as in the contract: index, size, assigned, guest_address
 */
JsonArray *vp_guest_bars_to_json (const VpGuestBars *bars);

G_END_DECLS
