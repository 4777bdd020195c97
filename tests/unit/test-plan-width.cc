#include "devices/plan.h"

#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

/* The address width that a plan chooses, and what it asks OVMF for. */
struct WidthRow
{
  const char *name;
  VpFirmwareKind kind;
  const char *version;
  guint64 ram;
  guint default_bits;
  guint max_bits;
  std::function<void (PlanInput &)> fill;
  guint phys_bits;
  guint64 aperture_mib;
  std::vector<std::string> warnings;
};

void
gpus_of_128_gib (PlanInput &in, int n)
{
  for (int i = 0; i < n; i++)
    in.host (nth_address (i),
             { { 0, FakeBar::MEM64_PREF, 128 * GiB }, { 2, FakeBar::MEM64_PREF, 32 * MiB } });
}

const WidthRow widths[] = {
  { "unknown_is_left_alone",
    VP_FIRMWARE_SEABIOS,
    "1.16.2",
    8 * GiB,
    0,
    0,
    [] (PlanInput &in) { gpus_of_128_gib (in, 8); },
    0,
    0,
    {} },
  { "the_default_is_enough",
    VP_FIRMWARE_SEABIOS,
    "1.16.2",
    8 * GiB,
    40,
    52,
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    40,
    0,
    {} },
  { "eight_gpus_take_more",
    VP_FIRMWARE_SEABIOS,
    "1.16.2",
    8 * GiB,
    40,
    52,
    [] (PlanInput &in) { gpus_of_128_gib (in, 8); },
    42,
    0,
    {} },
  { "new_seabios_uses_an_eighth",
    VP_FIRMWARE_SEABIOS,
    "1.17.0",
    8 * GiB,
    40,
    52,
    [] (PlanInput &in) { gpus_of_128_gib (in, 2); },
    42,
    0,
    {} },
  { "a_wider_host_stays_wide",
    VP_FIRMWARE_SEABIOS,
    "1.16.2",
    8 * GiB,
    46,
    46,
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    46,
    0,
    {} },
  { "the_bug_is_avoided_where_that_is_possible",
    VP_FIRMWARE_SEABIOS,
    "1.16.3",
    8 * GiB,
    40,
    52,
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    45,
    0,
    {} },
  { "and_told_of_where_it_is_not",
    VP_FIRMWARE_SEABIOS,
    "1.16.3",
    8 * GiB,
    46,
    46,
    [] (PlanInput &in) { gpus_of_128_gib (in, 2); },
    46,
    0,
    { "a BAR of 128 GiB: SeaBIOS 1.16.3 can put one of more than 32 GiB outside its window; vmplug "
      "rehearse tells whether it does, and --firmware ovmf never does" } },
  { "the_bug_needs_ram_above_4_gib_but_there_is_another",
    VP_FIRMWARE_SEABIOS,
    "1.16.3",
    1 * GiB,
    46,
    46,
    [] (PlanInput &in) { gpus_of_128_gib (in, 2); },
    46,
    0,
    { "SeaBIOS 1.16.3 can put small windows beyond the 46 address bits of the guest's CPU while "
      "all "
      "RAM is below 4 GiB: give it more memory, or see what vmplug rehearse says" } },
  { "which_one_bit_more_avoids",
    VP_FIRMWARE_SEABIOS,
    "1.16.3",
    1 * GiB,
    40,
    52,
    [] (PlanInput &in) { gpus_of_128_gib (in, 2); },
    47,
    0,
    {} },
  { "of_an_unknown_version_the_worst_is_assumed",
    VP_FIRMWARE_SEABIOS,
    nullptr,
    1 * GiB,
    40,
    52,
    [] (PlanInput &in) { gpus_of_128_gib (in, 2); },
    47,
    0,
    {} },
  { "and_small_devices_do_not_need",
    VP_FIRMWARE_SEABIOS,
    "1.16.3",
    1 * GiB,
    40,
    52,
    [] (PlanInput &in) { add_many (in, 3, NVME); },
    40,
    0,
    {} },
  { "ovmf_gets_an_address_width_that_is_large_enough",
    VP_FIRMWARE_OVMF,
    nullptr,
    8 * GiB,
    40,
    52,
    [] (PlanInput &in) { gpus_of_128_gib (in, 8); },
    45,
    0,
    {} },
  { "or_is_told_of_its_aperture",
    VP_FIRMWARE_OVMF,
    nullptr,
    8 * GiB,
    40,
    40,
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 128 * GiB } });
    },
    40,
    262144,
    {} },
  { "or_both_when_nobody_knows_the_width",
    VP_FIRMWARE_OVMF,
    nullptr,
    8 * GiB,
    0,
    0,
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    0,
    65536,
    {} },
};

class PlanWidth : public testing::TestWithParam<WidthRow>
{
};

TEST_P (PlanWidth, IsEnoughForTheFirmware)
{
  const WidthRow &row = GetParam ();
  PlanInput input;
  input.policy.firmware = vp_firmware_get (row.kind, row.version);
  input.policy.space = { VP_MACHINE_Q35, row.ram, 0, 0, vp_address_space_hole64 (VP_MACHINE_Q35),
                         FALSE };
  input.policy.default_bits = row.default_bits;
  input.policy.max_bits = row.max_bits;
  row.fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (plan->phys_bits, row.phys_bits);
  EXPECT_EQ (plan->aperture_mib, row.aperture_mib);
  EXPECT_EQ (warnings_of (plan), row.warnings);
}

INSTANTIATE_TEST_SUITE_P (Table, PlanWidth, testing::ValuesIn (widths), name_of_row<WidthRow>);

} // namespace
