#include "devices/firmware.h"

#include "devices/window.h"

#define MIB                  (G_GUINT64_CONSTANT (1) << 20)
#define OVMF_APERTURE        (G_GUINT64_CONSTANT (32) << 30)
#define OVMF_LARGEST_REQUEST (G_GUINT64_CONSTANT (16) << 40)

static guint64
twice (guint64 bytes)
{
  return bytes > G_MAXUINT64 / 2 ? G_MAXUINT64 : bytes * 2;
}

const char *
vp_firmware_to_string (VpFirmware firmware)
{
  switch (firmware)
    {
    case VP_FIRMWARE_SEABIOS:
      return "seabios";
    case VP_FIRMWARE_OVMF:
      return "ovmf";
    case VP_FIRMWARE_OTHER:
      return "other";
    default:
      g_return_val_if_reached (NULL);
    }
}

guint64
vp_firmware_reserve (VpFirmware firmware, guint64 window)
{
  /* An unknown firmware is trusted no further than SeaBIOS. */
  return firmware == VP_FIRMWARE_OVMF ? window : twice (window);
}

guint64
vp_firmware_ovmf_aperture_mib (guint64 total)
{
  guint64 aperture = vp_window_round_up (twice (total));

  if (aperture <= OVMF_APERTURE)
    return 0;

  return MIN (aperture, OVMF_LARGEST_REQUEST) / MIB;
}
