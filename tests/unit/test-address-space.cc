#include "devices/address-space.h"

#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>

namespace
{

constexpr guint64 MiB = UINT64_C (1) << 20;
constexpr guint64 GiB = UINT64_C (1) << 30;
constexpr guint64 TiB = UINT64_C (1) << 40;
constexpr guint64 HALF = GiB / 2;

struct RamRow
{
  const char *name;
  VpAddressSpace space;
  guint64 end;
};

constexpr VpMachineType Q35 = VP_MACHINE_Q35, PC = VP_MACHINE_PC;

const RamRow rams[] = {
  { "q35_small", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, 4 * GiB },
  { "q35_all_below", { Q35, 2815 * MiB, 0, 0, 32 * GiB, FALSE }, 4 * GiB },
  { "q35_split", { Q35, 2816 * MiB, 0, 0, 32 * GiB, FALSE }, 5 * GiB },
  { "q35_4_gib", { Q35, 4 * GiB, 0, 0, 32 * GiB, FALSE }, 6 * GiB },
  { "q35_odd", { Q35, 4 * GiB + MiB, 0, 0, 32 * GiB, FALSE }, 7 * GiB },
  { "pc_all_below", { PC, 3583 * MiB, 0, 0, 2 * GiB, FALSE }, 4 * GiB },
  { "pc_split", { PC, 3584 * MiB, 0, 0, 2 * GiB, FALSE }, 5 * GiB },
  { "pc_4_gib", { PC, 4 * GiB, 0, 0, 2 * GiB, FALSE }, 5 * GiB },
  { "max_ram_of_ram_is_no_hotplug", { Q35, GiB, GiB, 4, 32 * GiB, FALSE }, 4 * GiB },
  { "hotplug_wastes_a_gib_a_slot", { Q35, GiB, 9 * GiB, 4, 32 * GiB, FALSE }, 16 * GiB },
  { "hotplug_without_slots", { Q35, GiB, 9 * GiB, 0, 32 * GiB, FALSE }, 12 * GiB },
  { "hotplug_of_pc", { PC, GiB, 9 * GiB, 0, 2 * GiB, FALSE }, 12 * GiB },
  { "hotplug_starts_at_a_gib", { Q35, 2816 * MiB, 3 * GiB, 0, 32 * GiB, FALSE }, 6 * GiB },
  { "amd_below_hyper_transport", { Q35, 978 * GiB, 0, 0, 32 * GiB, TRUE }, 980 * GiB },
  { "amd_above_it", { Q35, 978 * GiB + MiB, 0, 0, 32 * GiB, TRUE }, TiB + 977 * GiB },
  { "amd_with_a_smaller_hole", { PC, 978 * GiB + MiB, 0, 0, 2 * GiB, TRUE }, 980 * GiB },
  { "amd_all_hotplug", { Q35, HALF, 976 * GiB, 1, 32 * GiB, TRUE }, 2001 * GiB },
  { "intel_does_not_care", { Q35, 978 * GiB + MiB, 0, 0, 32 * GiB, FALSE }, 981 * GiB },
  { "saturates", { Q35, UINT64_MAX, 0, 0, 32 * GiB, FALSE }, UINT64_MAX - GiB + 1 },
  { "hotplug_saturates",
    { Q35, GiB, UINT64_MAX, UINT32_MAX, 32 * GiB, TRUE },
    UINT64_MAX - GiB + 1 },
};

class AddressSpaceRam : public testing::TestWithParam<RamRow>
{
};

TEST_P (AddressSpaceRam, EndsWhereQemuEndsIt)
{
  EXPECT_EQ (vp_address_space_ram_end (&GetParam ().space), GetParam ().end);
}

INSTANTIATE_TEST_SUITE_P (Table, AddressSpaceRam, testing::ValuesIn (rams), name_of_row<RamRow>);

/* What QEMU refuses as "phys-bits too low": the thresholds of its own test_mem_addr_space.py, and
 * of 7.2 as measured. */
struct LimitRow
{
  const char *name;
  VpMachineType machine;
  guint64 hole64;
  gboolean is_amd;
  guint64 max_ram;
  guint bits;
  gboolean fits;
};

const LimitRow limits[] = {
  { "q35_7_0_too_much", Q35, 32 * GiB, FALSE, 988 * GiB, 40, FALSE },
  { "q35_7_0", Q35, 32 * GiB, FALSE, 987 * GiB + HALF, 40, TRUE },
  { "amd_too_much", Q35, 32 * GiB, TRUE, 976 * GiB, 40, FALSE },
  { "amd", Q35, 32 * GiB, TRUE, 975 * GiB + HALF, 40, TRUE },
  { "intel", Q35, 32 * GiB, FALSE, 976 * GiB, 40, TRUE },
  { "amd_41_too_much", Q35, 32 * GiB, TRUE, 992 * GiB, 41, FALSE },
  { "amd_41", Q35, 32 * GiB, TRUE, 990 * GiB, 41, TRUE },
  { "amd_41_most", Q35, 32 * GiB, TRUE, 991 * GiB + HALF, 41, TRUE },
  { "pc_too_much", PC, 2 * GiB, FALSE, 1018 * GiB, 40, FALSE },
  { "pc_most", PC, 2 * GiB, FALSE, 1017 * GiB + HALF, 40, TRUE },
  { "pse36_too_much", Q35, 0, FALSE, 59 * GiB + 6 * GiB / 10, 36, FALSE },
  { "pse36", Q35, 0, FALSE, 59 * GiB + HALF, 36, TRUE },
  { "no_pse36", Q35, 0, FALSE, 4 * GiB, 32, FALSE },
};

class AddressSpaceLimit : public testing::TestWithParam<LimitRow>
{
};

TEST_P (AddressSpaceLimit, IsWhereQemuHasIt)
{
  const LimitRow &row = GetParam ();
  const VpAddressSpace space = { row.machine, HALF, row.max_ram, 1, row.hole64, row.is_amd };

  EXPECT_EQ (vp_address_space_needed_bits (&space, 0) <= row.bits, row.fits);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          AddressSpaceLimit,
                          testing::ValuesIn (limits),
                          name_of_row<LimitRow>);

struct BitsRow
{
  const char *name;
  VpAddressSpace space;
  guint64 windows;
  guint bits;
};

const BitsRow bits[] = {
  { "hole_of_q35", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, 0, 36 },
  { "hole_of_pc", { PC, GiB, 0, 0, 2 * GiB, FALSE }, 0, 33 },
  { "no_less_than_a_cpu_has", { PC, GiB, 0, 0, 0, FALSE }, 0, 32 },
  { "windows_in_the_hole", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, 16 * GiB, 36 },
  { "windows_of_32_gib", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, 32 * GiB, 36 },
  { "odd_windows_are_rounded_up", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, 32 * GiB + 1, 37 },
  { "gpu_of_64_gib", { Q35, 16 * GiB, 0, 0, 32 * GiB, FALSE }, 128 * GiB, 38 },
  { "eight_gpus", { Q35, 512 * GiB, 0, 0, 32 * GiB, FALSE }, 8 * 128 * GiB, 41 },
  { "after_ram_that_is_larger", { Q35, 1022 * GiB, 0, 0, 32 * GiB, FALSE }, 64 * GiB, 41 },
  { "just_fits_beside_ram", { Q35, 256 * GiB, 0, 0, 32 * GiB, FALSE }, 512 * GiB, 40 },
  { "hole_of_the_user", { Q35, GiB, 0, 0, TiB, FALSE }, 0, 41 },
  { "amd_moves_up", { Q35, 990 * GiB, 0, 0, 32 * GiB, TRUE }, 0, 41 },
  { "hole_measured", { Q35, 8 * GiB, 0, 0, 1002 * GiB, TRUE }, 0, 40 },
  { "hole_measured_and_more", { Q35, 8 * GiB, 0, 0, 1002 * GiB + 1, TRUE }, 0, 41 },
  { "hole_measured_on_intel", { Q35, 8 * GiB, 0, 0, 502 * GiB, FALSE }, 0, 39 },
  { "hole_measured_on_intel_and_more", { Q35, 8 * GiB, 0, 0, 502 * GiB + 1, FALSE }, 0, 40 },
  { "hole_measured_with_hotplug", { Q35, 4 * GiB, 16 * GiB, 4, 990 * GiB, TRUE }, 0, 40 },
  { "hole_measured_with_hotplug_and_more",
    { Q35, 4 * GiB, 16 * GiB, 4, 990 * GiB + 1, TRUE },
    0,
    41 },
  { "largest_real", { Q35, 64 * TiB, 0, 0, 32 * GiB, FALSE }, 64 * TiB, 48 },
  { "more_than_there_is", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, UINT64_C (1) << 62, 63 },
  { "windows_saturate", { Q35, GiB, 0, 0, 32 * GiB, FALSE }, UINT64_MAX, 64 },
  { "ram_saturates", { Q35, UINT64_MAX, 0, 0, 32 * GiB, FALSE }, GiB, 64 },
  { "hole_saturates", { Q35, GiB, 0, 0, UINT64_MAX, FALSE }, 0, 64 },
};

class AddressSpaceBits : public testing::TestWithParam<BitsRow>
{
};

TEST_P (AddressSpaceBits, AreEnoughAndNotMore)
{
  EXPECT_EQ (vp_address_space_needed_bits (&GetParam ().space, GetParam ().windows),
             GetParam ().bits);
}

INSTANTIATE_TEST_SUITE_P (Table, AddressSpaceBits, testing::ValuesIn (bits), name_of_row<BitsRow>);

TEST (AddressSpace, NeverNeedsLessForMore)
{
  for (VpMachineType machine : { Q35, PC })
    for (gboolean is_amd : { gboolean (FALSE), gboolean (TRUE) })
      {
        guint before = 0;

        for (guint64 ram = 128 * MiB; ram <= 64 * TiB; ram += ram / 3 / MiB * MiB + MiB)
          {
            const VpAddressSpace space = { machine, ram, 0, 0, vp_address_space_hole64 (machine),
                                           is_amd };
            const guint now = vp_address_space_needed_bits (&space, 0);

            EXPECT_GE (now, before) << ram;
            EXPECT_LE (now, vp_address_space_needed_bits (&space, 96 * GiB)) << ram;
            before = now;
          }
      }
}

TEST (AddressSpace, HasTheHolesOfQemu)
{
  EXPECT_EQ (vp_address_space_hole64 (Q35), 32 * GiB);
  EXPECT_EQ (vp_address_space_hole64 (PC), 2 * GiB);
}

} // namespace
