#include "devices/error.h"
#include "devices/slot-map.h"

#include "tests/support/map-probe.h"
#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

/* Three spare windows, made of planned hot devices that have left, and one spare port. */
std::unique_ptr<MapProbe>
map_of_sizes (VpFirmwareKind firmware)
{
  auto map = std::make_unique<MapProbe> ([=] (PlanInput &in) {
    in.policy.firmware = vp_firmware_get (firmware, nullptr);
    in.policy.n_spare = 1;
    in.policy.spare_window = 1;
    in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 1 * GiB } }).id ("a");
    in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } }).id ("b");
    in.host ("0000:43:00.0", { { 0, FakeBar::MEM32, 64 * MiB } }).id ("c");
  });
  for (const char *id : { "a", "b", "c" })
    map->release (id);
  return map;
}

struct FitRow
{
  const char *name;
  std::vector<FakeBar> bars;
  std::string place;
};

const FitRow fits[] = {
  { "no_bars", {}, "port3 port3.0" },
  { "small", { { 0, FakeBar::MEM64_PREF, 2 * MiB } }, "port3 port3.0" },
  { "just_over_the_default", { { 0, FakeBar::MEM64_PREF, 4 * MiB } }, "port2 port2.0" },
  { "exact", { { 0, FakeBar::MEM64_PREF, 64 * MiB } }, "port2 port2.0" },
  { "next_size", { { 0, FakeBar::MEM64_PREF, 128 * MiB } }, "port1 port1.0" },
  { "largest", { { 0, FakeBar::MEM64_PREF, 1 * GiB } }, "port1 port1.0" },
  { "too_large",
    { { 0, FakeBar::MEM64_PREF, 2 * GiB } },
    "no spare port is large enough: BARs of 0000:61:00.0 need 2 GiB, the largest free port has "
    "1 GiB" },
  { "mem", { { 0, FakeBar::MEM32, 64 * MiB } }, "port3 port3.0" },
  { "mem_too_large",
    { { 0, FakeBar::MEM32, 128 * MiB } },
    "no spare port is large enough: BARs of 0000:61:00.0 need 128 MiB below 4 GiB, the largest "
    "free port has 64 MiB" },
  { "both_but_nowhere_together",
    { { 0, FakeBar::MEM32, 64 * MiB }, { 2, FakeBar::MEM64_PREF, 64 * MiB } },
    "no spare port is large enough: BARs of 0000:61:00.0 need 64 MiB and, below 4 GiB, 64 MiB, "
    "and no free port has both" },
  { "large",
    { { 2, FakeBar::MEM64_PREF, 16 * GiB } },
    "no spare port is large enough: BARs of 0000:61:00.0 need 16 GiB, the largest free port has "
    "1 GiB (a device with a BAR of 4 GiB or more belongs in the plan, as plug=cold)" },
  { "impossible",
    { { 0, FakeBar::MEM64, 8 * GiB } },
    "0000:61:00.0: impossible window: BARs of 8 GiB in all are 32-bit or not prefetchable, and a "
    "bridge forwards those only below 4 GiB" },
};

class SlotMapFit : public testing::TestWithParam<FitRow>
{
};

TEST_P (SlotMapFit, IsTheSmallestPortThatHoldsTheBars)
{
  for (VpFirmwareKind firmware : { VP_FIRMWARE_SEABIOS, VP_FIRMWARE_OVMF, VP_FIRMWARE_OTHER })
    {
      SCOPED_TRACE (vp_firmware_kind_to_string (firmware));
      auto map = map_of_sizes (firmware);
      EXPECT_EQ (map->reserve ("x", fake_function ("0000:61:00.0", GetParam ().bars)),
                 GetParam ().place);
      EXPECT_TRUE (map->code == -1 || map->code == VP_DEVICE_ERROR_NO_SLOT) << map->code;
    }
}

TEST (SlotMapWindow, AnEmulatedDeviceTakesTheSmallestPort)
{
  EXPECT_EQ (map_of_sizes (VP_FIRMWARE_SEABIOS)->reserve ("rng0"), "port3 port3.0");
}

INSTANTIATE_TEST_SUITE_P (Table, SlotMapFit, testing::ValuesIn (fits), name_of_row<FitRow>);

TEST (SlotMapWindow, TheMeasuredMistakeIsNotMade)
{
  /* pref64-reserve=32G on SeaBIOS holds 16 GiB, not 32. */
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.policy.spare_window = 16 * GiB;
  });

  EXPECT_EQ (map.reserve ("x", with_pref64 ("0000:61:00.0", 32 * GiB)),
             "no spare port is large enough: BARs of 0000:61:00.0 need 32 GiB, the largest free "
             "port has 16 GiB (a device with a BAR of 4 GiB or more belongs in the plan, as "
             "plug=cold)");
  EXPECT_EQ (map.reserve ("x", with_pref64 ("0000:61:00.0", 16 * GiB)), "port1 port1.0");
}

TEST (SlotMapWindow, AColdDeviceLeavesAWindowOfItsSizeOrTheDefault)
{
  MapProbe map ([] (PlanInput &in) { in.host ("0000:41:00.0", GPU); });

  EXPECT_EQ (map.count (), "0 of 1");
  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.count (), "1 of 1");
  EXPECT_EQ (map.reserve ("double", with_pref64 ("0000:61:00.0", 32 * GiB)),
             "no spare port is large enough: BARs of 0000:61:00.0 need 32 GiB, the largest free "
             "port has 16416 MiB (a device with a BAR of 4 GiB or more belongs in the plan, as "
             "plug=cold)");
  EXPECT_EQ (map.reserve ("same", gpu), "port1 port1.0");

  MapProbe small ([] (PlanInput &in) { in.host ("0000:41:00.0", NVME).cold (); });
  small.release ("vfio-41-00.0");
  EXPECT_EQ (small.reserve ("x", with_pref64 ("0000:61:00.0", 2 * MiB)), "port1 port1.0");
}

TEST (SlotMapWindow, AHotDeviceOfPcLeavesNoWindowThatFirmwareNeverMade)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.root.machine = VP_MACHINE_PC;
    in.policy.large_bar = 64 * GiB;
    in.host ("0000:41:00.0", GPU);
  });

  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.reserve ("big", gpu),
             "no spare port is large enough: BARs of 0000:52:00.0 need 16416 MiB, the largest "
             "free port has 2 GiB");
}

} // namespace
