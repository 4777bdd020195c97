#include "devices/error.h"
#include "devices/plan.h"

#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using Lines = std::vector<std::string>;
using Fill = std::function<void (PlanInput &)>;

guint
count_ports (const VpPlan *plan, VpPortUse use)
{
  guint n = 0;
  for (guint i = 0; i < plan->ports->len; i++)
    n += port_at (plan, i)->use == use;
  return n;
}

/* What cannot be planned. */

struct RefusalRow
{
  const char *name;
  Fill fill;
  VpDeviceError code;
  Lines words; /* the message names all of these */
};

const RefusalRow refusals[] = {
  { "one_port_too_many",
    [] (PlanInput &in) {
      in.policy.n_spare = 21;
      add_many (in, 233, NVME);
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "254", "233", "21", "253" } },
  { "devices_alone_are_too_many",
    [] (PlanInput &in) { add_many (in, 254, NVME); },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:fe:00.0", "239", "14", "256 bus numbers" } },
  { "bridges_count",
    [] (PlanInput &in) {
      in.policy.n_spare = 251;
      add_many_conventional (in, 32, {});
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "254 ports", "3 bridges and switches", "258 bus numbers", "256" } },
  { "own_devices_take_ports",
    [] (PlanInput &in) {
      in.policy.root.n_own = 15;
      in.policy.n_spare = 245;
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "245", "244" } },
  { "numa_nodes_take_bus_numbers",
    [] (PlanInput &in) {
      in.policy.root.n_nodes = 2;
      in.policy.n_spare = 128;
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "128", "127" } },
  { "spare_windows_behind_a_switch",
    [] (PlanInput &in) {
      in.policy.n_spare = 240;
      in.policy.spare_window = 16 * MiB;
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "240", "239" } },
  { "hot_window_behind_a_switch",
    [] (PlanInput &in) {
      add_many (in, 239, NVME);
      in.host ("0100:41:00.0", GPU).hot ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0100:41:00.0", "switch" } },
  { "cold_devices_with_io_bars_that_no_firmware_survives",
    [] (PlanInput &in) {
      for (int i = 0; i < 15; i++)
        in.host (nth_address (i), NIC_WITH_IO).cold ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:0f:00.0", "4 KiB at boot", "56 KiB of the 56 KiB" } },
  { "ovmf_has_less_io_space",
    [] (PlanInput &in) {
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);
      for (int i = 0; i < 9; i++)
        in.host (nth_address (i), NIC_WITH_IO).cold ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:09:00.0", "4 KiB at boot", "32 KiB of the 32 KiB" } },
  { "ovmf_gives_io_space_to_empty_switch_ports",
    [] (PlanInput &in) {
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);
      in.policy.n_spare = 239 + 9;
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "32 KiB of the 32 KiB" } },
  { "bridges_that_no_firmware_survives",
    [] (PlanInput &in) { add_many_conventional (in, 14 * 31 + 1, {}); },
    VP_DEVICE_ERROR_NO_SLOT,
    { "I/O space", "56 KiB of the 56 KiB" } },
  { "pc_io_bars_beside_bridges",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      for (int i = 0; i < 16; i++)
        in.host (nth_address (i), { { 0, FakeBar::IO, 256 } }).cold ();
      for (int i = 16; i < 16 + 7 * 31; i++)
        in.host (nth_address (i), NVME).cold ();
      in.host ("0200:01:00.0", NVME).cold ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0200:01:00.0", "4 KiB at boot" } },
  { "mem_windows_beyond_4_gib",
    [] (PlanInput &in) {
      for (int i = 0; i < 9; i++)
        in.host (nth_address (i), { { 0, FakeBar::MEM32, 128 * MiB } }).cold ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "1152 MiB", "1004 MiB" } },
  { "more_than_the_cpu_addresses",
    [] (PlanInput &in) {
      in.policy.space = { VP_MACHINE_Q35, 8 * GiB, 0, 0, 32 * GiB, FALSE };
      in.policy.default_bits = in.policy.max_bits = 39;
      for (const char *address : { "0000:17:00.0", "0000:65:00.0", "0000:ca:00.0" })
        in.host (address, { { 2, FakeBar::MEM64_PREF, 128 * GiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "384 GiB", "8 GiB of RAM", "40 address bits", "has 39" } },
  { "more_than_firmware_uses",
    [] (PlanInput &in) {
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.17.0");
      in.policy.space = { VP_MACHINE_Q35, 8 * GiB, 0, 0, 32 * GiB, FALSE };
      in.policy.default_bits = 40;
      in.policy.max_bits = 52;
      in.host ("0000:17:00.0", { { 2, FakeBar::MEM64_PREF, 16 * TiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "16 TiB", "47 address bits", "firmware stays within 44" } },
  { "prefetchable_bars_of_both_widths_on_seabios",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0",
               { { 0, FakeBar::MEM64_PREF, 64 * GiB }, { 2, FakeBar::MEM32_PREF, 4 * MiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:41:00.0", "BAR 2", "64 GiB", "OVMF" } },
  { "functions_of_one_device_cold_and_hot",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).cold ();
      in.host ("0000:41:00.1", NVME).hot ();
    },
    VP_DEVICE_ERROR_INVALID,
    { "0000:41:00.1", "plug=hot", "plug=cold" } },
  { "spares_that_would_wrap",
    [] (PlanInput &in) {
      in.policy.n_spare = G_MAXUINT;
      in.emulated ("nvme");
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "4294967296", "4294967295" } },
  { "pc_devices_that_do_not_fit",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      add_many (in, 16 + 8 * 31 + 1, NVME);
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0001:0a:00.0", "16 slots", "8 bridges" } },
  { "pc_bridges_that_do_not_fit",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.root.n_own = 14;
      add_many (in, 17, NVME);
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "16 slots", "0 bridges" } },
  { "pc_hot_and_large",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.host ("0000:41:00.0", GPU).hot ();
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:41:00.0: ", "pc" } },
  { "mem_of_8_gib",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64, 8 * GiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:41:00.0: ", "8 GiB" } },
  { "hot_mem_whose_reserve_is_4_gib",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM32, 2 * GiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:41:00.0: ", "2 GiB", "4 GiB" } },
  { "pref64_that_wraps",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, UINT64_C (1) << 63 },
                                 { 2, FakeBar::MEM64_PREF, UINT64_C (1) << 63 } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "0000:41:00.0: " } },
  { "more_than_any_processor_addresses",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 4096 * TiB } });
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 1 * GiB } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "4 PiB" } },
  { "sum_of_windows_that_wraps",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, UINT64_C (1) << 63 } });
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, UINT64_C (1) << 63 } });
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "4 PiB" } },
  { "spare_window_without_limit",
    [] (PlanInput &in) {
      in.policy.n_spare = 1;
      in.policy.spare_window = G_MAXUINT64;
    },
    VP_DEVICE_ERROR_NO_SLOT,
    { "4 PiB" } },
  { "same_function_by_two_references",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).ref ("/dev/vfio/40");
      in.host ("0000:41:00.0", NVME).ref ("41:00.0");
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "/dev/vfio/40", "41:00.0" } },
  { "same_function_by_two_ids",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).id ("a");
      in.host ("0000:41:00.0", NVME).id ("b");
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0" } },
  { "same_id_twice",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).id ("disk");
      in.emulated ("nvme").id ("disk");
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0", "\"nvme\"", "\"disk\"" } },
  { "same_id_for_a_whole_group",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).ref ("/dev/vfio/40").id ("gpu");
      in.host ("0000:41:00.1", NVME).ref ("/dev/vfio/40").id ("gpu");
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "/dev/vfio/40", "0000:41:00.0", "0000:41:00.1" } },
  { "id_that_was_made_for_an_earlier_device",
    [] (PlanInput &in) {
      in.emulated ("nvme");
      in.host ("0000:41:00.0", NVME).id ("nvme0");
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0", "\"nvme\"", "\"nvme0\"" } },
  { "id_that_a_later_host_device_would_get",
    [] (PlanInput &in) {
      in.emulated ("nvme").id ("vfio-41-00.0");
      in.host ("0000:41:00.0", NVME);
    },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0", "\"nvme\"", "\"vfio-41-00.0\"" } },
  { "id_of_a_port",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME).id ("port1"); },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0", "\"port1\"" } },
  { "id_of_a_bridge",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME).id ("bridge1"); },
    VP_DEVICE_ERROR_DUPLICATE,
    { "0000:41:00.0", "\"bridge1\"" } },
};

class PlanRefusals : public testing::TestWithParam<RefusalRow>
{
};

TEST_P (PlanRefusals, SayWhatAndWhy)
{
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpPlan) plan = input.build (&error);

  ASSERT_EQ (plan, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, GetParam ().code)) << error->message;
  for (const std::string &word : GetParam ().words)
    EXPECT_NE (std::string (error->message).find (word), std::string::npos)
        << "\"" << error->message << "\" does not say " << word;
}

INSTANTIATE_TEST_SUITE_P (Table,
                          PlanRefusals,
                          testing::ValuesIn (refusals),
                          name_of_row<RefusalRow>);

/* Why the last device is where it is, and what the user is warned of. */

struct ReasonRow
{
  const char *name;
  Fill fill;
  std::string reason;
  Lines warnings;
};

const ReasonRow reasons[] = {
  { "large",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    "BAR 2 is 16 GiB, at or above the 4 GiB threshold: placed before boot, firmware sizes its "
    "window",
    {} },
  { "large_and_cold_by_request",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU).cold (); },
    "BAR 2 is 16 GiB, at or above the 4 GiB threshold: placed before boot, firmware sizes its "
    "window",
    {} },
  { "other_threshold",
    [] (PlanInput &in) {
      in.policy.large_bar = 512 * MiB;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 1 * GiB } });
    },
    "BAR 0 is 1 GiB, at or above the 512 MiB threshold: placed before boot, firmware sizes its "
    "window",
    {} },
  { "normal",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME); },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    {} },
  { "normal_and_hot_by_request",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME).hot (); },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    {} },
  { "cold_by_request",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME).cold (); },
    "plug=cold was asked for",
    {} },
  { "conventional",
    [] (PlanInput &in) { in.host ("0000:06:01.0", EDU).conventional (); },
    "conventional PCI, no 64-bit BAR of 4 GiB or more: hotplugged behind bridge1",
    {} },
  { "conventional_too_big_for_a_bridge",
    [] (PlanInput &in) {
      in.host ("0000:06:01.0", { { 0, FakeBar::MEM32, 4 * MiB } }).conventional ();
    },
    "conventional PCI, but its BARs do not fit behind a bridge: hotplugged on a port of its own",
    {} },
  { "conventional_on_pc",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.host ("0000:06:01.0", EDU).conventional ();
    },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    {} },
  { "emulated", [] (PlanInput &in) { in.emulated ("nvme"); }, "emulated by QEMU: hotplugged", {} },
  { "emulated_and_hot_by_request",
    [] (PlanInput &in) { in.emulated ("nvme").hot (); },
    "plug=hot was asked for",
    {} },
  { "large_and_hot",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU).hot (); },
    "plug=hot was asked for: BAR 2 is 16 GiB, its port's window is prepared for it",
    {} },
  { "large_and_hot_on_a_firmware_that_nobody_knows",
    [] (PlanInput &in) {
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OTHER, nullptr);
      in.host ("0000:41:00.0", GPU).hot ();
    },
    "plug=hot was asked for: BAR 2 is 16 GiB, its port's window is prepared for it",
    { "0000:41:00.0: a large device can be hotplugged only where firmware honours "
      "pref64-reserve" } },
  { "hot_on_pc_beyond_the_hole",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.large_bar = 64 * GiB;
      in.host ("0000:41:00.0", { { 2, FakeBar::MEM64_PREF, 16 * GiB } });
    },
    "no 64-bit BAR of 64 GiB or more: hotplugged",
    { "0000:41:00.0: its 64-bit BARs need 16 GiB, and pci.0 has 2 GiB for hotplug" } },
  { "nvswitch",
    [] (PlanInput &in) { in.host ("0000:c4:00.0", NVME).class_code (0x068000); },
    "connects other devices, whose driver looks for it when it starts: placed before boot",
    {} },
  { "integrated_graphics",
    [] (PlanInput &in) { in.host ("0000:00:02.0", NVME).class_code (0x030000); },
    "integrated graphics, which QEMU gives its OpRegion only at boot: placed before boot",
    {} },
  { "function_of_a_large_device",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", GPU);
      in.host ("0000:41:00.1", NVME);
    },
    "goes with the other functions of its device, which are placed before boot",
    {} },
  { "fewer_spare_slots_than_asked_for",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.n_spare = G_MAXUINT;
      in.host ("0000:41:00.0", NVME);
    },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    { "spare slots: 4294967295 asked for, and pci.0 has 15 left" } },
  { "one_spare_slot_too_many",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.n_spare = 1;
      add_many (in, 16, NVME);
    },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    { "spare slots: 1 asked for, and pci.0 has 0 left" } },
  { "spare_window_on_pc",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.n_spare = 1;
      in.policy.spare_window = 1 * GiB;
      in.host ("0000:41:00.0", NVME);
    },
    "no 64-bit BAR of 4 GiB or more: hotplugged",
    { "a spare window was asked for, and slots of pci.0 have none of their own" } },
};

class PlanReasons : public testing::TestWithParam<ReasonRow>
{
};

TEST_P (PlanReasons, AndWarningsAreForAPerson)
{
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (device_at (plan, plan->devices->len - 1)->reason, GetParam ().reason);
  EXPECT_EQ (warnings_of (plan), GetParam ().warnings);
}

INSTANTIATE_TEST_SUITE_P (Table, PlanReasons, testing::ValuesIn (reasons), name_of_row<ReasonRow>);

TEST (Plan, TheEighthHotDeviceWithAnIoBarGoesWithout)
{
  PlanInput input;
  add_many (input, 8, NIC_WITH_IO);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  for (guint i = 0; i < 8; i++)
    EXPECT_EQ (port_at (plan, i)->has_io, i < 7) << i;
  EXPECT_EQ (port_at (plan, 7)->reserve.io, 0U);
  ASSERT_EQ (warnings_of (plan).size (), 1U);
  EXPECT_EQ (warnings_of (plan)[0].rfind ("0000:08:00.0: its I/O BAR", 0), 0U)
      << warnings_of (plan)[0];
}

TEST (Plan, BridgesTakeFromTheSameIoSpace)
{
  PlanInput input;
  add_many_conventional (input, 7 * 31, { { 0, FakeBar::IO, 32 } });
  for (int i = 1; i <= 8; i++)
    input.host ("0200:0" + std::to_string (i) + ":00.0", NIC_WITH_IO);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (count_ports (plan, VP_PORT_BRIDGE), 7U);
  ASSERT_EQ (warnings_of (plan).size (), 1U);
  EXPECT_EQ (warnings_of (plan)[0].rfind ("0200:08:00.0: ", 0), 0U) << warnings_of (plan)[0];
}

} // namespace
