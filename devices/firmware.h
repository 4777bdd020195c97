#pragma once

#include "devices/window.h"

G_BEGIN_DECLS

typedef enum
{
  VP_FIRMWARE_SEABIOS,
  VP_FIRMWARE_OVMF,
  VP_FIRMWARE_OTHER,
} VpFirmwareKind;

/**
 * VpFirmware:
 * @kind: which one it is
 * @name: what to call it and the versions that behave so, "SeaBIOS 1.16.2 or older"
 * @aligns_reserves: a reserved window starts at a multiple of its size
 * @misplaces_large_bars: a BAR larger than 1/2048 of the address space can end up outside the
 *   window of its bridge (measured: 128 GiB and 32 MiB behind one port at 46 bits)
 * @mixes_prefetchable: puts 32-bit prefetchable BARs into the prefetchable window of their port,
 *   which is below 4 GiB then, and sets up nothing when another does not fit there (measured)
 * @has_aperture: gives 64-bit windows out of an aperture that has to be asked for
 * @gives_io_to_switch_ports: every downstream port of a switch gets I/O space, even an empty one
 *   (measured)
 * @io_windows: how many bridges and ports can have I/O space on q35, 4 KiB each, before it panics
 *   or leaves out whole devices (measured)
 * @fills_top: once RAM reaches above 4 GiB, 64-bit windows go to the topmost eighth of the address
 *   space, and every hotplug port gets at least 1/2048 of it (measured: 32 GiB each at 46 bits)
 * @overshoot_bits: with all RAM below 4 GiB 64-bit windows end at the top of the address space, or
 *   at @window_bits, and what does not fit beside the largest of them comes to lie above (measured:
 *   at 0x400000000000 with 46 bits); a CPU of so many bits reaches that too, 0 for never
 * @window_bits: how many bits of address the 64-bit windows keep to where the CPU has more and RAM
 *   ends below 1 TiB; 0 for all that the CPU has
 *
 * What sets up the windows of a VM, as far as plans depend on it: one row of one table, constant.
 */
typedef struct
{
  VpFirmwareKind kind;
  const char *name;
  gboolean aligns_reserves;
  gboolean misplaces_large_bars;
  gboolean mixes_prefetchable;
  gboolean has_aperture;
  gboolean gives_io_to_switch_ports;
  guint io_windows;
  gboolean fills_top;
  guint overshoot_bits;
  guint window_bits;
} VpFirmware;

/**
 * vp_firmware_get:
 * @kind: which one
 * @version: (nullable): its version as its file carries it, "1.16.2-debian-1.16.2-1" or
 *   "rel-1.16.3-0-ga6ed6b701f0a"; %NULL when it is not known
 *
 * Of an unknown version the worst is assumed, and so it is of a snapshot between two releases,
 * "rel-1.16.2-30-g…", which has part of the later code.
 *
 * Returns: (transfer none): how it behaves
 */
const VpFirmware *vp_firmware_get (VpFirmwareKind kind, const char *version);

/**
 * vp_firmware_version_is_valid:
 * @version: a text
 *
 * Returns: whether vp_firmware_get() finds two or three numbers in it, as in "1.17" or
 *   "rel-1.16.3-0-ga6ed6b701f0a"
 */
gboolean vp_firmware_version_is_valid (const char *version);

/**
 * vp_firmware_kind_to_string:
 *
 * Returns: (transfer none): "seabios", "ovmf" or "other"
 */
const char *vp_firmware_kind_to_string (VpFirmwareKind kind);

/**
 * vp_firmware_reserve:
 * @firmware: what sets up the windows
 * @bytes: bytes of BARs that must fit together
 * @alignment: the largest of them
 *
 * SeaBIOS up to 1.16.2 starts a reserved window at any MiB, so that only the sum and the waste
 * before the largest BAR are sure to hold them (measured: pref64-reserve=16G gave
 * 0x100000000-0x4ffffffff, and a 16 GiB BAR did not fit; 32G did). OVMF aligns a reserve to its own
 * size, once it is rounded up to a power of two (PciHotPlugInitDxe). SeaBIOS 1.17.0 aligns each to
 * 8 GiB, so that one odd size shifts all that follow: every reserve is a power of two.
 *
 * Returns: what to ask for with pref64-reserve or mem-reserve, saturating; 0 when what any firmware
 *   gives to an empty port, %VP_WINDOW_DEFAULT, is enough
 */
guint64 vp_firmware_reserve (const VpFirmware *firmware, guint64 bytes, guint64 alignment);

/**
 * vp_firmware_window:
 * @firmware: what sets up the windows
 * @reserve: what a hotplug port asks for, 0 for nothing
 * @bytes: (out): how large its window will be at least
 * @alignment: (out): what its start will be a multiple of
 *
 * The other way round than vp_firmware_reserve().
 */
void vp_firmware_window (const VpFirmware *firmware,
                         guint64 reserve,
                         guint64 *bytes,
                         guint64 *alignment);

/**
 * vp_firmware_ovmf_aperture_mib:
 * @total: bytes of 64-bit windows that are needed in all
 * @n_ports: how many hotplug ports there are
 *
 * OVMF's 64-bit aperture is 32 GiB unless it trusts the CPU's address width; opt/ovmf/X-PciMmio64Mb
 * sets it, up to 16 TiB (PlatformPei, MemDetect.c). Every hotplug port that asks for less gets
 * 1/256 of it (PciHotPlugInitDxe; measured).
 *
 * Returns: MiB for X-PciMmio64Mb: a power of two that holds @total beside the ports, at least 32
 *   GiB, at most 16 TiB; 0 when 32 GiB is enough
 */
guint64 vp_firmware_ovmf_aperture_mib (guint64 total, guint n_ports);

G_END_DECLS
