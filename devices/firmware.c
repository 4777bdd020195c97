#include "devices/firmware.h"

#define MIB                  (G_GUINT64_CONSTANT (1) << 20)
#define OVMF_APERTURE        (G_GUINT64_CONSTANT (32) << 30)
#define OVMF_LARGEST_REQUEST (G_GUINT64_CONSTANT (16) << 40)

static const char *const kind_names[] = {
  [VP_FIRMWARE_SEABIOS] = "seabios",
  [VP_FIRMWARE_OVMF] = "ovmf",
  [VP_FIRMWARE_OTHER] = "other",
};

static const VpFirmware unknown_seabios = {
  .kind = VP_FIRMWARE_SEABIOS,
  .name = "SeaBIOS",
  .misplaces_large_bars = TRUE,
};

static const VpFirmware ovmf = {
  .kind = VP_FIRMWARE_OVMF,
  .name = "OVMF",
  .aligns_reserves = TRUE,
  .has_aperture = TRUE,
};

/* Trusted no further than SeaBIOS. */
static const VpFirmware other = {
  .kind = VP_FIRMWARE_OTHER,
  .name = "an unknown firmware",
  .misplaces_large_bars = TRUE,
};

const VpFirmware *
vp_firmware_get (VpFirmwareKind kind, const char *version)
{
  switch (kind)
    {
    case VP_FIRMWARE_SEABIOS:
      return &unknown_seabios;
    case VP_FIRMWARE_OVMF:
      return &ovmf;
    case VP_FIRMWARE_OTHER:
      return &other;
    }
  g_return_val_if_reached (&other);
}

const char *
vp_firmware_kind_to_string (VpFirmwareKind kind)
{
  g_return_val_if_fail ((guint) kind < G_N_ELEMENTS (kind_names), NULL);

  return kind_names[kind];
}

guint64
vp_firmware_reserve (const VpFirmware *firmware, guint64 bytes, guint64 alignment)
{
  guint64 waste = firmware->aligns_reserves || alignment <= MIB ? 0 : alignment - MIB;

  if (bytes <= VP_WINDOW_DEFAULT)
    return 0;

  return vp_window_round_up (bytes > G_MAXUINT64 - waste ? G_MAXUINT64 : bytes + waste);
}

void
vp_firmware_window (const VpFirmware *firmware, guint64 reserve, guint64 *bytes, guint64 *alignment)
{
  *bytes = MAX (reserve, VP_WINDOW_DEFAULT);
  if (reserve <= VP_WINDOW_DEFAULT)
    *alignment = VP_WINDOW_DEFAULT;
  else
    *alignment = firmware->aligns_reserves ? reserve : MIB;
}

guint64
vp_firmware_ovmf_aperture_mib (guint64 total)
{
  guint64 aperture = vp_window_round_up (total > G_MAXUINT64 / 2 ? G_MAXUINT64 : total * 2);

  if (aperture <= OVMF_APERTURE)
    return 0;

  return MIN (aperture, OVMF_LARGEST_REQUEST) / MIB;
}
