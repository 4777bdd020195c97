#include "devices/firmware.h"
#include "devices/window.h"

#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>

namespace
{

constexpr guint64 GiB = UINT64_C (1) << 30;
constexpr guint64 TiB = UINT64_C (1) << 40;

struct ReserveRow
{
  const char *name;
  VpFirmware firmware;
  guint64 window;
  guint64 reserve;
};

const ReserveRow reserves[] = {
  { "seabios_wants_twice", VP_FIRMWARE_SEABIOS, 16 * GiB, 32 * GiB },
  { "ovmf_aligns", VP_FIRMWARE_OVMF, 16 * GiB, 16 * GiB },
  { "unknown_firmware_is_not_trusted", VP_FIRMWARE_OTHER, 16 * GiB, 32 * GiB },
  { "seabios_nothing", VP_FIRMWARE_SEABIOS, 0, 0 },
  { "ovmf_nothing", VP_FIRMWARE_OVMF, 0, 0 },
  { "seabios_largest_that_doubles", VP_FIRMWARE_SEABIOS, UINT64_C (1) << 62, UINT64_C (1) << 63 },
  { "seabios_saturates", VP_FIRMWARE_SEABIOS, UINT64_C (1) << 63, UINT64_MAX },
  { "ovmf_largest", VP_FIRMWARE_OVMF, UINT64_C (1) << 63, UINT64_C (1) << 63 },
};

class FirmwareReserve : public testing::TestWithParam<ReserveRow>
{
};

TEST_P (FirmwareReserve, IsEnough)
{
  EXPECT_EQ (vp_firmware_reserve (GetParam ().firmware, GetParam ().window), GetParam ().reserve);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareReserve,
                          testing::ValuesIn (reserves),
                          name_of_row<ReserveRow>);

/* SeaBIOS 1.16.2 starts a window at any MiB: the aligned BAR must fit wherever that is. */
TEST (Firmware, AnAlignedBarFitsWhereverSeabiosStartsTheWindow)
{
  const guint64 mib = UINT64_C (1) << 20;

  for (guint64 bar = 2 * mib; bar <= TiB; bar *= 2)
    for (guint64 start : { UINT64_C (0), mib, 3 * mib, 0x100000000 + mib, 7 * GiB - mib })
      {
        const guint64 end = start + vp_firmware_reserve (VP_FIRMWARE_SEABIOS, bar);
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
  EXPECT_GT (vp_firmware_reserve (VP_FIRMWARE_SEABIOS, bar), end - start);
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
  { "half_the_default_fits", 16 * GiB, 0 },
  { "one_byte_more_does_not", 16 * GiB + 1, 64 * 1024 },
  { "the_whole_default", 32 * GiB, 64 * 1024 },
  { "odd_sum_goes_to_a_power_of_two", 48 * GiB, 128 * 1024 },
  { "three_gpus", 384 * GiB, 1024 * 1024 },
  { "half_the_limit", 8 * TiB, 16 * 1024 * 1024 },
  { "over_half_the_limit_stops_there", 8 * TiB + 1, 16 * 1024 * 1024 },
  { "over_the_limit_stops_there", 64 * TiB, 16 * 1024 * 1024 },
  { "largest", UINT64_MAX, 16 * 1024 * 1024 },
};

class FirmwareAperture : public testing::TestWithParam<ApertureRow>
{
};

TEST_P (FirmwareAperture, IsAskedForOnlyWhenTheDefaultIsTooSmall)
{
  EXPECT_EQ (vp_firmware_ovmf_aperture_mib (GetParam ().total), GetParam ().mib);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FirmwareAperture,
                          testing::ValuesIn (apertures),
                          name_of_row<ApertureRow>);

TEST (Firmware, HasTheNamesOfTheContract)
{
  EXPECT_STREQ (vp_firmware_to_string (VP_FIRMWARE_SEABIOS), "seabios");
  EXPECT_STREQ (vp_firmware_to_string (VP_FIRMWARE_OVMF), "ovmf");
  EXPECT_STREQ (vp_firmware_to_string (VP_FIRMWARE_OTHER), "other");
}

} // namespace
