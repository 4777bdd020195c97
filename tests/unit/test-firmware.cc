#include "devices/firmware.h"
#include "devices/window.h"

#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>

namespace
{

constexpr guint64 MiB = UINT64_C (1) << 20;
constexpr guint64 GiB = UINT64_C (1) << 30;
constexpr guint64 TiB = UINT64_C (1) << 40;

struct VersionRow
{
  const char *name;
  const char *version;
  const char *firmware;
};

const char *const OLD = "SeaBIOS 1.16.2 or older";
const char *const BUGGY = "SeaBIOS 1.16.3";
const char *const FIXED = "SeaBIOS 1.17.0 or later";
const char *const UNKNOWN = "SeaBIOS of an unknown version";

const VersionRow versions[] = {
  { "plain", "1.16.2", OLD },
  { "debian", "1.16.2-debian-1.16.2-1", OLD },
  { "debian_backport", "1.16.3-debian-1.16.3-2~bpo12+1", BUGGY },
  { "qemu", "rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org", BUGGY },
  { "fedora", "1.16.2-1.fc38", OLD },
  { "arch", "Arch Linux 1.16.3-1-1", BUGGY },
  { "fixed", "1.17.0", FIXED },
  { "two_numbers", "1.17", FIXED },
  { "two_numbers_older", "1.16", OLD },
  { "oldest", "0.6.1", OLD },
  { "numbers_not_letters", "1.9.3", OLD },
  { "long_number", "1.16.10", BUGGY },
  { "later_major", "2.0.0", FIXED },
  { "fourth_number", "1.16.3.1", BUGGY },
  { "snapshot_before_the_bug", "rel-1.16.2-30-gabcdef012345", UNKNOWN },
  { "snapshot_before_the_fix", "rel-1.16.3-20-gabcdef012345", UNKNOWN },
  { "snapshot_after_the_fix", "rel-1.17.0-12-gabcdef012345", FIXED },
  { "packaging_is_no_snapshot", "1.16.2-30-debian", OLD },
  { "none", nullptr, UNKNOWN },
  { "empty", "", UNKNOWN },
  { "one_number", "1", UNKNOWN },
  { "no_second_number", "1.", UNKNOWN },
  { "words", "debian", UNKNOWN },
  { "huge_number", "1.99999999999999999999.0", UNKNOWN },
};

class FirmwareVersion : public testing::TestWithParam<VersionRow>
{
};

TEST_P (FirmwareVersion, FindsItsRow)
{
  const VersionRow &row = GetParam ();
  const VpFirmware *firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, row.version);

  EXPECT_STREQ (firmware->name, row.firmware);
  EXPECT_EQ (firmware->kind, VP_FIRMWARE_SEABIOS);
  if (row.version != nullptr && !g_str_has_prefix (row.name, "snapshot"))
    {
      EXPECT_EQ (vp_firmware_version_is_valid (row.version), row.firmware != UNKNOWN);
    }
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareVersion,
                          testing::ValuesIn (versions),
                          name_of_row<VersionRow>);

/* As measured with each. */
TEST (Firmware, KnowsWhatEachDoes)
{
  const VpFirmware *old = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.2");
  const VpFirmware *buggy = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.3");
  const VpFirmware *fixed = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.17.0");
  const VpFirmware *ovmf = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);

  EXPECT_FALSE (old->aligns_reserves || old->misplaces_large_bars || old->has_aperture ||
                old->fills_top || old->overshoot_bits > 0);
  EXPECT_EQ (old->window_bits, 0U);
  EXPECT_TRUE (buggy->misplaces_large_bars && buggy->fills_top && buggy->overshoot_bits > 0);
  EXPECT_EQ (buggy->window_bits, 46U);
  EXPECT_TRUE (!fixed->misplaces_large_bars && fixed->fills_top && fixed->overshoot_bits > 0);
  EXPECT_EQ (fixed->window_bits, 44U);
  EXPECT_TRUE (ovmf->aligns_reserves && ovmf->has_aperture && !ovmf->misplaces_large_bars);
  EXPECT_STREQ (ovmf->name, "OVMF");
}

/* Whatever plans well with it plans well with every SeaBIOS. */
TEST (Firmware, UnknownIsTheWorstOfAll)
{
  for (const VpFirmware *unknown : { vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                                     vp_firmware_get (VP_FIRMWARE_OTHER, "1.17.0") })
    for (const char *version : { "1.16.2", "1.16.3", "1.17.0" })
      {
        const VpFirmware *known = vp_firmware_get (VP_FIRMWARE_SEABIOS, version);

        EXPECT_LE (unknown->aligns_reserves, known->aligns_reserves);
        EXPECT_GE (unknown->misplaces_large_bars, known->misplaces_large_bars);
        EXPECT_GE (unknown->fills_top, known->fills_top);
        EXPECT_GE (unknown->overshoot_bits, known->overshoot_bits);
        if (known->window_bits != 0)
          {
            EXPECT_LE (unknown->window_bits, known->window_bits);
          }
      }
}

struct ReserveRow
{
  const char *name;
  VpFirmwareKind kind;
  guint64 bytes;
  guint64 alignment;
  guint64 reserve;
};

const ReserveRow reserves[] = {
  { "seabios_wants_twice", VP_FIRMWARE_SEABIOS, 16 * GiB, 16 * GiB, 32 * GiB },
  { "seabios_two_equal_bars", VP_FIRMWARE_SEABIOS, 32 * GiB, 16 * GiB, 64 * GiB },
  { "seabios_waste_that_fits_the_power", VP_FIRMWARE_SEABIOS, 6 * GiB, 2 * GiB, 8 * GiB },
  { "seabios_waste_that_does_not", VP_FIRMWARE_SEABIOS, 7 * GiB, 2 * GiB, 16 * GiB },
  { "seabios_any_alignment", VP_FIRMWARE_SEABIOS, 16 * GiB, 0, 16 * GiB },
  { "ovmf_aligns", VP_FIRMWARE_OVMF, 16 * GiB, 16 * GiB, 16 * GiB },
  { "ovmf_odd_sum", VP_FIRMWARE_OVMF, 16 * GiB + 32 * MiB, 16 * GiB, 32 * GiB },
  { "unknown_firmware_is_not_trusted", VP_FIRMWARE_OTHER, 16 * GiB, 16 * GiB, 32 * GiB },
  { "seabios_nothing", VP_FIRMWARE_SEABIOS, 0, 0, 0 },
  { "ovmf_nothing", VP_FIRMWARE_OVMF, 0, 0, 0 },
  { "what_an_empty_port_has", VP_FIRMWARE_SEABIOS, 2 * MiB, 2 * MiB, 0 },
  { "one_mib_more", VP_FIRMWARE_SEABIOS, 3 * MiB, 2 * MiB, 4 * MiB },
  { "seabios_largest_that_doubles", VP_FIRMWARE_SEABIOS, UINT64_C (1) << 62, UINT64_C (1) << 62,
    UINT64_C (1) << 63 },
  { "seabios_saturates", VP_FIRMWARE_SEABIOS, UINT64_C (1) << 63, UINT64_C (1) << 63,
    UINT64_C (1) << 63 },
  { "ovmf_largest", VP_FIRMWARE_OVMF, UINT64_C (1) << 63, UINT64_C (1) << 63, UINT64_C (1) << 63 },
};

class FirmwareReserve : public testing::TestWithParam<ReserveRow>
{
};

TEST_P (FirmwareReserve, IsEnough)
{
  const ReserveRow &row = GetParam ();

  EXPECT_EQ (vp_firmware_reserve (vp_firmware_get (row.kind, nullptr), row.bytes, row.alignment),
             row.reserve);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareReserve,
                          testing::ValuesIn (reserves),
                          name_of_row<ReserveRow>);

/* SeaBIOS 1.16.2 starts a window at any MiB: the aligned BAR must fit wherever that is. */
TEST (Firmware, AnAlignedBarFitsWhereverSeabiosStartsTheWindow)
{
  const VpFirmware *seabios = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.2");

  for (guint64 bar = 4 * MiB; bar <= TiB; bar *= 2)
    for (guint64 start : { UINT64_C (0), MiB, 3 * MiB, 0x100000000 + MiB, 7 * GiB - MiB })
      {
        const guint64 end = start + vp_firmware_reserve (seabios, bar, bar);
        const guint64 aligned = (start + bar - 1) / bar * bar;
        EXPECT_LE (aligned + bar, end) << "BAR " << bar << " at " << start;
      }
}

/* As measured: a window of 16 GiB at 4 GiB does not hold an aligned BAR of 16 GiB. */
TEST (Firmware, TheMeasuredWindowWouldHaveBeenTooSmall)
{
  const guint64 start = 0x100000000, end = 0x500000000, bar = 16 * GiB;

  ASSERT_EQ (end - start, bar);
  ASSERT_GT ((start + bar - 1) / bar * bar + bar, end);
  EXPECT_GT (vp_firmware_reserve (vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.2"), bar, bar),
             end - start);
}

struct WindowRow
{
  const char *name;
  VpFirmwareKind kind;
  guint64 reserve;
  guint64 bytes;
  guint64 alignment;
};

const WindowRow windows[] = {
  { "nothing_asked_for", VP_FIRMWARE_SEABIOS, 0, 2 * MiB, 2 * MiB },
  { "less_than_an_empty_port", VP_FIRMWARE_OVMF, MiB, 2 * MiB, 2 * MiB },
  { "seabios", VP_FIRMWARE_SEABIOS, 32 * GiB, 32 * GiB, MiB },
  { "ovmf", VP_FIRMWARE_OVMF, 32 * GiB, 32 * GiB, 32 * GiB },
  { "other", VP_FIRMWARE_OTHER, 32 * GiB, 32 * GiB, MiB },
};

class FirmwareWindow : public testing::TestWithParam<WindowRow>
{
};

TEST_P (FirmwareWindow, IsWhatTheFirmwareGives)
{
  const WindowRow &row = GetParam ();
  guint64 bytes = 0, alignment = 0;

  vp_firmware_window (vp_firmware_get (row.kind, nullptr), row.reserve, &bytes, &alignment);
  EXPECT_EQ (bytes, row.bytes);
  EXPECT_EQ (alignment, row.alignment);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareWindow,
                          testing::ValuesIn (windows),
                          name_of_row<WindowRow>);

/* The two ways round: what is asked for a BAR is a window that holds it. */
TEST (Firmware, AReserveGivesAWindowThatHoldsTheBar)
{
  for (VpFirmwareKind kind : { VP_FIRMWARE_SEABIOS, VP_FIRMWARE_OVMF, VP_FIRMWARE_OTHER })
    for (guint64 bar = MiB; bar <= TiB; bar *= 2)
      for (guint64 others : { UINT64_C (0), MiB, bar })
        {
          const VpFirmware *firmware = vp_firmware_get (kind, nullptr);
          const guint64 reserve = vp_firmware_reserve (firmware, bar + others, bar);
          VpWindow window = {};
          const VpWindow need = { 0, 0, bar + others, 0, bar };

          vp_firmware_window (firmware, reserve, &window.pref64, &window.pref64_alignment);
          EXPECT_TRUE (vp_window_holds (&window, &need))
              << firmware->name << ": " << bar << " + " << others;
        }
}

struct ApertureRow
{
  const char *name;
  guint64 total;
  guint64 mib;
};

const ApertureRow apertures[] = {
  { "nothing", 0, 0 },
  { "one_byte", 1, 0 },
  { "the_whole_default", 32 * GiB, 0 },
  { "one_byte_more", 32 * GiB + 1, 64 * 1024 },
  { "odd_sum_goes_to_a_power_of_two", 48 * GiB, 64 * 1024 },
  { "three_gpus", 384 * GiB, 512 * 1024 },
  { "the_limit", 16 * TiB, 16 * 1024 * 1024 },
  { "over_the_limit_stops_there", 64 * TiB, 16 * 1024 * 1024 },
  { "largest", UINT64_MAX, 16 * 1024 * 1024 },
};

class FirmwareAperture : public testing::TestWithParam<ApertureRow>
{
};

TEST_P (FirmwareAperture, IsAskedForOnlyWhenTheDefaultIsTooSmall)
{
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (GetParam ().total, 0), GetParam ().mib);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareAperture,
                          testing::ValuesIn (apertures),
                          name_of_row<ApertureRow>);

TEST (Firmware, HasTheNamesOfTheContract)
{
  EXPECT_STREQ (vp_firmware_kind_to_string (VP_FIRMWARE_SEABIOS), "seabios");
  EXPECT_STREQ (vp_firmware_kind_to_string (VP_FIRMWARE_OVMF), "ovmf");
  EXPECT_STREQ (vp_firmware_kind_to_string (VP_FIRMWARE_OTHER), "other");
}

/* 240 empty ports take 240/256 of whatever there is. */
TEST (Firmware, ManyPortsMakeTheApertureLarger)
{
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (16 * GiB, 0), 0U);
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (16 * GiB, 128), 0U) << "half is left";
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (16 * GiB, 129), 65536U);
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (32 * GiB, 1), 65536U) << "no longer all of it";
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (16 * GiB, 240), 262144U);
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (16 * GiB, 999), 4194304U);
}

} // namespace
