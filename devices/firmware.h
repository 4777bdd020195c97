#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VP_FIRMWARE_SEABIOS,
  VP_FIRMWARE_OVMF,
  VP_FIRMWARE_OTHER,
} VpFirmware;

/**
 * vp_firmware_to_string:
 *
 * Returns: (transfer none): "seabios", "ovmf" or "other"
 */
const char *vp_firmware_to_string (VpFirmware firmware);

/**
 * vp_firmware_reserve:
 * @firmware: what sets up the windows
 * @window: bytes that must fit, a power of two, naturally aligned
 *
 * SeaBIOS up to 1.16.2 does not align a reserved window to its size, so only twice the size is sure
 * to hold an aligned BAR (measured: pref64-reserve=16G gave 0x100000000-0x4ffffffff, and a 16 GiB
 * BAR did not fit; 32G did). OVMF aligns to the next power of two (PciHotPlugInitDxe).
 *
 * Returns: what to ask for with pref64-reserve or mem-reserve, saturating
 */
guint64 vp_firmware_reserve (VpFirmware firmware, guint64 window);

/**
 * vp_firmware_ovmf_aperture_mib:
 * @total: bytes of 64-bit windows that are needed in all
 *
 * OVMF's 64-bit aperture is 32 GiB unless it trusts the CPU's address width; opt/ovmf/X-PciMmio64Mb
 * sets it, up to 16 TiB (PlatformPei, MemDetect.c).
 *
 * Returns: MiB for X-PciMmio64Mb: a power of two that holds @total twice, at least 32 GiB, at most
 *   16 TiB; 0 when 32 GiB is enough
 */
guint64 vp_firmware_ovmf_aperture_mib (guint64 total);

G_END_DECLS
