#include "devices/firmware.h"

#include <string.h>

#define SEABIOS_IO_WINDOWS 14
#define OVMF_IO_WINDOWS    8

#define MIB                  (G_GUINT64_CONSTANT (1) << 20)
#define OVMF_APERTURE        (G_GUINT64_CONSTANT (32) << 30)
#define OVMF_PORT_SHARE      256 /* each port gets this part of the aperture */
#define OVMF_LARGEST_REQUEST (G_GUINT64_CONSTANT (16) << 40)

static const char *const kind_names[] = {
  [VP_FIRMWARE_SEABIOS] = "seabios",
  [VP_FIRMWARE_OVMF] = "ovmf",
  [VP_FIRMWARE_OTHER] = "other",
};

typedef struct
{
  guint number[3];
  gboolean is_snapshot; /* of the commits after that release */
} Version;

/* A row is for its version and all up to the next row's. What later releases changed is in SeaBIOS'
 * src/fw/pciinit.c: windows at the top since 1.16.3, and since 1.17.0 without the bug. */
static const struct
{
  guint since[3];
  VpFirmware firmware;
} seabios[] = {
  { { 0, 0, 0 },
    { .kind = VP_FIRMWARE_SEABIOS,
      .name = "SeaBIOS 1.16.2 or older",
      .mixes_prefetchable = TRUE,
      .io_windows = SEABIOS_IO_WINDOWS } },
  { { 1, 16, 3 },
    { .kind = VP_FIRMWARE_SEABIOS,
      .name = "SeaBIOS 1.16.3",
      .misplaces_large_bars = TRUE,
      .mixes_prefetchable = TRUE,
      .io_windows = SEABIOS_IO_WINDOWS,
      .fills_top = TRUE,
      .overshoot_bits = 47,
      .window_bits = 46 } },
  { { 1, 17, 0 },
    { .kind = VP_FIRMWARE_SEABIOS,
      .name = "SeaBIOS 1.17.0 or later",
      .mixes_prefetchable = TRUE,
      .io_windows = SEABIOS_IO_WINDOWS,
      .fills_top = TRUE,
      .overshoot_bits = 45,
      .window_bits = 44 } },
};

static const VpFirmware unknown_seabios = {
  .kind = VP_FIRMWARE_SEABIOS,
  .name = "SeaBIOS of an unknown version",
  .misplaces_large_bars = TRUE,
  .mixes_prefetchable = TRUE,
  .io_windows = SEABIOS_IO_WINDOWS,
  .fills_top = TRUE,
  .overshoot_bits = 47,
  .window_bits = 44,
};

static const VpFirmware ovmf = {
  .kind = VP_FIRMWARE_OVMF,
  .name = "OVMF",
  .aligns_reserves = TRUE,
  .has_aperture = TRUE,
  .gives_io_to_switch_ports = TRUE,
  .io_windows = OVMF_IO_WINDOWS,
  .window_bits = 46, /* PlatformAddressWidthFromCpuid */
};

/* Trusted no further than SeaBIOS. */
static const VpFirmware other = {
  .kind = VP_FIRMWARE_OTHER,
  .name = "an unknown firmware",
  .misplaces_large_bars = TRUE,
  .mixes_prefetchable = TRUE,
  .gives_io_to_switch_ports = TRUE,
  .io_windows = OVMF_IO_WINDOWS,
  .fills_top = TRUE,
  .overshoot_bits = 47,
  .window_bits = 44,
};

/* As "git describe" has it: "-30-g0123abc". */
static gboolean
is_snapshot (const char *suffix)
{
  guint64 commits;
  char *end;

  if (suffix[0] != '-' || !g_ascii_isdigit (suffix[1]))
    return FALSE;
  commits = g_ascii_strtoull (suffix + 1, &end, 10);
  return commits > 0 && end[0] == '-' && end[1] == 'g' && g_ascii_isxdigit (end[2]);
}

static gboolean
parse_version (const char *text, Version *version)
{
  guint n = 0;

  *version = (Version){ .is_snapshot = FALSE };
  text += strcspn (text, "0123456789");
  while (n < G_N_ELEMENTS (version->number) && g_ascii_isdigit (*text))
    {
      char *end;
      guint64 number = g_ascii_strtoull (text, &end, 10);

      if (number > G_MAXUINT16)
        return FALSE;
      version->number[n++] = (guint) number;
      text = end;
      if (text[0] == '.' && g_ascii_isdigit (text[1]) && n < G_N_ELEMENTS (version->number))
        text++;
    }
  version->is_snapshot = is_snapshot (text);
  return n >= 2;
}

static gboolean
is_older (const Version *version, const guint *since)
{
  for (guint i = 0; i < G_N_ELEMENTS (version->number); i++)
    if (version->number[i] != since[i])
      return version->number[i] < since[i];

  return FALSE;
}

static const VpFirmware *
get_seabios (const char *text)
{
  const gsize last = G_N_ELEMENTS (seabios) - 1;
  gsize i = last;
  Version version;

  if (text == NULL || !parse_version (text, &version))
    return &unknown_seabios;

  while (is_older (&version, seabios[i].since))
    i--;
  return version.is_snapshot && i < last ? &unknown_seabios : &seabios[i].firmware;
}

const VpFirmware *
vp_firmware_get (VpFirmwareKind kind, const char *version)
{
  switch (kind)
    {
    case VP_FIRMWARE_SEABIOS:
      return get_seabios (version);
    case VP_FIRMWARE_OVMF:
      return &ovmf;
    case VP_FIRMWARE_OTHER:
      return &other;
    }
  g_return_val_if_reached (&other);
}

gboolean
vp_firmware_version_is_valid (const char *version)
{
  Version ignored;

  g_return_val_if_fail (version != NULL, FALSE);

  return parse_version (version, &ignored);
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
vp_firmware_ovmf_aperture_mib (guint64 total, guint n_ports)
{
  guint n_left = n_ports < OVMF_PORT_SHARE ? OVMF_PORT_SHARE - n_ports : 1;
  guint64 aperture = vp_window_round_up (total);

  while (total > aperture / OVMF_PORT_SHARE * n_left && aperture < OVMF_LARGEST_REQUEST)
    aperture *= 2;
  if (aperture <= OVMF_APERTURE)
    return 0;

  return MIN (aperture, OVMF_LARGEST_REQUEST) / MIB;
}
