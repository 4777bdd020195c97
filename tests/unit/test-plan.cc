#include "devices/device-need.h"
#include "devices/plan.h"

#include "tests/support/plan-dump.h"
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

/* Where the devices go: "ID cold|hot PORT BUS.SLOT GUEST-PATH". */

struct PlaceRow
{
  const char *name;
  Fill fill;
  Lines places;
};

const PlaceRow places[] = {
  { "nothing", [] (PlanInput &) {}, {} },
  { "large_is_cold",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    { "vfio-41-00.0 cold port1 port1.0 01/00" } },
  { "normal_is_hot",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME); },
    { "vfio-41-00.0 hot port1 port1.0 01/00" } },
  { "requests_keep_their_order",
    [] (PlanInput &in) {
      in.host ("0000:42:00.0", NVME);
      in.host ("0000:41:00.0", GPU);
      in.emulated ("virtio-rng-pci");
    },
    { "vfio-42-00.0 hot port1 port1.0 01/00", "vfio-41-00.0 cold port2 port2.0 02/00",
      "virtio-rng-pci0 hot port3 port3.0 03/00" } },
  { "conventional_is_behind_a_bridge",
    [] (PlanInput &in) { in.host ("0000:06:01.0", EDU).conventional (); },
    { "vfio-06-01.0 hot port1 bridge1.1 01/00/01" } },
  { "functions_of_one_device_stay_together",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME);
      in.host ("0000:42:00.0", NVME);
      in.host ("0000:41:00.1", EDU);
    },
    { "vfio-41-00.0 hot port1 port1.0+ 01/00", "vfio-42-00.0 hot port2 port2.0 02/00",
      "vfio-41-00.1 hot port1 port1.0.1 01/00.1" } },
  { "all_are_cold_when_one_is",
    [] (PlanInput &in) {
      in.host ("0000:0a:00.1", EDU);
      in.host ("0000:0a:00.0", GPU);
    },
    { "vfio-0a-00.1 cold port1 port1.0.1 01/00.1", "vfio-0a-00.0 cold port1 port1.0+ 01/00" } },
  { "without_function_0_the_lowest_becomes_it",
    [] (PlanInput &in) {
      in.host ("0000:0a:00.3", EDU);
      in.host ("0000:0a:00.1", EDU);
    },
    { "vfio-0a-00.3 hot port1 port1.0.3 01/00.3", "vfio-0a-00.1 hot port1 port1.0+ 01/00" } },
  { "virtual_functions_are_devices_of_their_own",
    [] (PlanInput &in) {
      in.host ("0000:3b:00.2", NVME).virtual_function ();
      in.host ("0000:3b:00.3", NVME).virtual_function ();
    },
    { "vfio-3b-00.2 hot port1 port1.0 01/00", "vfio-3b-00.3 hot port2 port2.0 02/00" } },
  { "the_same_slot_elsewhere_is_another_device",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME);
      in.host ("0000:42:00.1", NVME);
      in.host ("0001:41:00.1", NVME);
      in.host ("0000:41:01.1", NVME);
    },
    { "vfio-41-00.0 hot port1 port1.0 01/00", "vfio-42-00.1 hot port2 port2.0 02/00",
      "vfio-0001-41-00.1 hot port3 port3.0 03/00", "vfio-41-01.1 hot port4 port4.0 04/00" } },
  { "functions_of_a_card_share_a_bridge_slot",
    [] (PlanInput &in) {
      in.host ("0000:06:01.0", EDU).conventional ();
      in.host ("0000:06:01.1", EDU).conventional ();
    },
    { "vfio-06-01.0 hot port1 bridge1.1+ 01/00/01",
      "vfio-06-01.1 hot port1 bridge1.1.1 01/00/01.1" } },
  { "what_connects_others_is_there_at_boot",
    [] (PlanInput &in) { in.host ("0000:c4:00.0", NVME).class_code (0x068000); },
    { "vfio-c4-00.0 cold port1 port1.0 01/00" } },
  { "integrated_graphics_is_there_at_boot",
    [] (PlanInput &in) {
      in.host ("0000:00:02.0", NVME).class_code (0x030000);
      in.host ("0000:41:00.0", NVME).class_code (0x030000);
    },
    { "vfio-00-02.0 cold port1 port1.0 01/00", "vfio-41-00.0 hot port2 port2.0 02/00" } },
  { "unless_asked_for_as_hot",
    [] (PlanInput &in) { in.host ("0000:c4:00.0", NVME).class_code (0x068000).hot (); },
    { "vfio-c4-00.0 hot port1 port1.0 01/00" } },
  { "cold_devices_sit_on_the_root_bus_of_their_node",
    [] (PlanInput &in) {
      in.policy.root.n_nodes = 2;
      in.host ("0000:17:00.0", GPU).node (0);
      in.host ("0000:ca:00.0", GPU).node (1);
      in.host ("0000:cb:00.0", GPU).node (1);
      in.host ("0000:cc:00.0", NVME).node (1);
      in.host ("0000:cd:00.0", GPU);
      in.host ("0000:ce:00.0", GPU).node (2);
    },
    { "vfio-17-00.0 cold port129 port129.0 80:00/00",
      "vfio-ca-00.0 cold port193 port193.0 c0:00/00",
      "vfio-cb-00.0 cold port194 port194.0 c0:01/00", "vfio-cc-00.0 hot port1 port1.0 01/00",
      "vfio-cd-00.0 cold port2 port2.0 02/00", "vfio-ce-00.0 cold port3 port3.0 03/00" } },
  { "a_bridge_serves_later_devices_too",
    [] (PlanInput &in) {
      in.host ("0000:06:01.0").conventional ();
      in.host ("0000:41:00.0", NVME);
      in.host ("0000:06:02.0").conventional ();
    },
    { "vfio-06-01.0 hot port1 bridge1.1 01/00/01", "vfio-41-00.0 hot port2 port2.0 02/00",
      "vfio-06-02.0 hot port1 bridge1.2 01/00/02" } },
  { "conventional_and_hot_has_a_port_where_a_bridge_has_only_shpc",
    [] (PlanInput &in) {
      in.policy.root.is_native = TRUE;
      in.host ("0000:06:01.0", EDU).conventional ();
      in.host ("0000:06:02.0", EDU).conventional ().cold ();
    },
    { "vfio-06-01.0 hot port1 port1.0 01/00", "vfio-06-02.0 cold port2 bridge1.1 02/00/01" } },
  { "conventional_and_cold_has_a_bridge_for_cold_ones",
    [] (PlanInput &in) {
      in.host ("0000:06:01.0", EDU).conventional ();
      in.host ("0000:06:02.0", { { 0, FakeBar::MEM32, 64 * MiB } }).conventional ().cold ();
      in.host ("0000:06:03.0", EDU).conventional ();
      in.host ("0000:06:04.0", EDU).conventional ().cold ();
    },
    { "vfio-06-01.0 hot port1 bridge1.1 01/00/01", "vfio-06-02.0 cold port2 bridge2.1 02/00/01",
      "vfio-06-03.0 hot port1 bridge1.2 01/00/02", "vfio-06-04.0 cold port2 bridge2.2 02/00/02" } },
  { "conventional_and_large_has_its_own_port",
    [] (PlanInput &in) { in.host ("0000:06:01.0", GPU).conventional (); },
    { "vfio-06-01.0 cold port1 port1.0 01/00" } },
  { "conventional_large_and_hot_has_its_own_port",
    [] (PlanInput &in) { in.host ("0000:06:01.0", GPU).conventional ().hot (); },
    { "vfio-06-01.0 hot port1 port1.0 01/00" } },
  { "conventional_hot_and_large_by_a_small_threshold_has_its_own_port",
    [] (PlanInput &in) {
      in.policy.large_bar = 1 * MiB;
      in.host ("0000:06:01.0", { { 0, FakeBar::MEM64_PREF, 1 * MiB } }).conventional ().hot ();
    },
    { "vfio-06-01.0 hot port1 port1.0 01/00" } },
  { "conventional_too_big_for_a_bridge_has_its_own_port",
    [] (PlanInput &in) {
      in.host ("0000:06:01.0", { { 0, FakeBar::MEM32, 4 * MiB } }).conventional ();
    },
    { "vfio-06-01.0 hot port1 port1.0 01/00" } },
  { "a_bridge_whose_window_is_full_gets_a_neighbour",
    [] (PlanInput &in) {
      add_many_conventional (in, 4, EDU);
      in.host ("0000:06:01.0").conventional ();
    },
    { "vfio-01-00.0 hot port1 bridge1.1 01/00/01", "vfio-02-00.0 hot port1 bridge1.2 01/00/02",
      "vfio-03-00.0 hot port2 bridge2.1 02/00/01", "vfio-04-00.0 hot port2 bridge2.2 02/00/02",
      "vfio-06-01.0 hot port2 bridge2.3 02/00/03" } },
  { "hot_by_request",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU).hot (); },
    { "vfio-41-00.0 hot port1 port1.0 01/00" } },
  { "cold_by_request",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", NVME).cold ();
      in.emulated ("nvme").cold ();
    },
    { "vfio-41-00.0 cold port1 port1.0 01/00", "nvme0 cold port2 port2.0 02/00" } },
  { "threshold_is_inclusive",
    [] (PlanInput &in) {
      in.policy.large_bar = 1 * GiB;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 1 * GiB } });
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 512 * MiB } });
    },
    { "vfio-41-00.0 cold port1 port1.0 01/00", "vfio-42-00.0 hot port2 port2.0 02/00" } },
  { "ids_are_those_of_the_user",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME).id ("scratch"); },
    { "scratch hot port1 port1.0 01/00" } },
  { "ids_have_the_domain_when_it_is_not_0",
    [] (PlanInput &in) { in.host ("10000:e1:00.0", NVME); },
    { "vfio-10000-e1-00.0 hot port1 port1.0 01/00" } },
  { "emulated_ids_take_the_first_free_number",
    [] (PlanInput &in) {
      in.emulated ("nvme");
      in.emulated ("e1000e").id ("nvme1");
      in.emulated ("nvme");
      in.emulated ("e1000e");
    },
    { "nvme0 hot port1 port1.0 01/00", "nvme1 hot port2 port2.0 02/00",
      "nvme2 hot port3 port3.0 03/00", "e1000e0 hot port4 port4.0 04/00" } },
  { "sixteenth_port_is_a_second_function",
    [] (PlanInput &in) {
      for (int i = 0; i < 15; i++)
        in.emulated ("x").cold ().id ("a" + std::to_string (i));
      in.emulated ("nvme");
      in.host ("0000:06:01.0").conventional ();
    },
    { "a0 cold port1 port1.0 01/00", "a1 cold port2 port2.0 02/00", "a2 cold port3 port3.0 03/00",
      "a3 cold port4 port4.0 04/00", "a4 cold port5 port5.0 05/00", "a5 cold port6 port6.0 06/00",
      "a6 cold port7 port7.0 07/00", "a7 cold port8 port8.0 08/00", "a8 cold port9 port9.0 09/00",
      "a9 cold port10 port10.0 0a/00", "a10 cold port11 port11.0 0b/00",
      "a11 cold port12 port12.0 0c/00", "a12 cold port13 port13.0 0d/00",
      "a13 cold port14 port14.0 0e/00", "a14 cold port15 port15.0 0f/00",
      "nvme0 hot port16 port16.0 01.1/00", "vfio-06-01.0 hot port17 bridge1.1 02.1/00/01" } },
  { "pc_has_no_ports",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.host ("0000:41:00.0", GPU);
      in.host ("0000:06:01.0", EDU).conventional ();
      in.emulated ("nvme");
    },
    { "vfio-41-00.0 cold slot2 pci.0.2 02", "vfio-06-01.0 hot slot3 pci.0.3 03",
      "nvme0 hot slot4 pci.0.4 04" } },
};

class PlanPlaces : public testing::TestWithParam<PlaceRow>
{
};

TEST_P (PlanPlaces, AreAsTheRulesSay)
{
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  Lines found;
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      const VpPlace place = vp_plan_device_place (d);
      g_autofree char *path = vp_plan_guest_path (plan, &place);
      found.push_back (std::string (d->id) + (d->plug == VP_PLUG_COLD ? " cold " : " hot ") +
                       d->port + " " + d->bus + "." + std::to_string (d->slot) +
                       (d->function_number > 0 ? "." + std::to_string (d->function_number) : "") +
                       (d->multifunction ? "+" : "") + " " + path);
    }
  EXPECT_EQ (found, GetParam ().places);
}

INSTANTIATE_TEST_SUITE_P (Table, PlanPlaces, testing::ValuesIn (places), name_of_row<PlaceRow>);

/* What the ports look like: the lines of dump_port(). */

struct PortRow
{
  const char *name;
  Fill fill;
  Lines ports; /* "ID use io|- IO/MEM/PREF64" */
};

const PortRow ports[] = {
  { "cold_reserves_nothing",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU); },
    { "port1 cold - 0/0/0" } },
  { "small_hot_device_reserves_nothing",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NVME); },
    { "port1 spare - 0/0/0" } },
  { "exactly_the_default_reserves_nothing",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0",
               { { 0, FakeBar::MEM32, 2 * MiB }, { 2, FakeBar::MEM64_PREF, 2 * MiB } });
    },
    { "port1 spare - 0/0/0" } },
  { "seabios_gets_twice_the_power_of_two",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0",
               { { 0, FakeBar::MEM64_PREF, 256 * MiB }, { 2, FakeBar::MEM64_PREF, 32 * MiB } });
    },
    { "port1 spare - 0/0/1 GiB" } },
  { "ovmf_gets_the_power_of_two",
    [] (PlanInput &in) {
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);
      in.host ("0000:41:00.0",
               { { 0, FakeBar::MEM64_PREF, 256 * MiB }, { 2, FakeBar::MEM64_PREF, 32 * MiB } });
    },
    { "port1 spare - 0/0/512 MiB" } },
  { "mem_is_reserved_too",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM32, 16 * MiB } });
    },
    { "port1 spare - 0/32 MiB/0" } },
  { "large_and_hot",
    [] (PlanInput &in) { in.host ("0000:41:00.0", GPU).hot (); },
    { "port1 spare - 0/32 MiB/64 GiB" } },
  { "largest_mem_that_can_be_asked_for",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM32, 256 * MiB } });
    },
    { "port1 spare - 0/512 MiB/0" } },
  { "io_of_a_cold_device_is_left_to_firmware",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NIC_WITH_IO).cold (); },
    { "port1 cold io 0/0/0" } },
  { "io_of_a_hot_device_is_reserved",
    [] (PlanInput &in) { in.host ("0000:41:00.0", NIC_WITH_IO); },
    { "port1 spare io 4 KiB/0/0" } },
  { "a_bridge_has_io_whatever_is_behind_it",
    [] (PlanInput &in) { in.host ("0000:06:01.0", EDU).conventional (); },
    { "port1 bridge io 0/0/0" } },
  { "emulated_devices_have_none",
    [] (PlanInput &in) { in.emulated ("e1000"); },
    { "port1 spare - 0/0/0" } },
  { "spare_ports_come_last_and_have_no_io",
    [] (PlanInput &in) {
      in.policy.n_spare = 2;
      in.host ("0000:41:00.0", NIC_WITH_IO);
      in.host ("0000:06:01.0", EDU).conventional ();
    },
    { "port1 spare io 4 KiB/0/0", "port2 bridge io 0/0/0", "port3 spare - 0/0/0",
      "port4 spare - 0/0/0" } },
  { "spare_ports_are_as_large_as_the_largest_hot_device",
    [] (PlanInput &in) {
      in.policy.n_spare = 1;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 16 * MiB } });
      in.host ("0000:43:00.0", GPU);
    },
    { "port1 spare - 0/0/128 MiB", "port2 spare - 0/0/32 MiB", "port3 cold - 0/0/0",
      "port4 spare - 0/0/128 MiB" } },
  { "spare_window_of_the_user",
    [] (PlanInput &in) {
      in.policy.n_spare = 1;
      in.policy.spare_window = 12 * GiB;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
    },
    { "port1 spare - 0/0/128 MiB", "port2 spare - 0/0/32 GiB" } },
  { "small_spare_window_of_the_user",
    [] (PlanInput &in) {
      in.policy.n_spare = 1;
      in.policy.spare_window = 1;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
    },
    { "port1 spare - 0/0/128 MiB", "port2 spare - 0/0/0" } },
  { "spare_window_for_no_port", [] (PlanInput &in) { in.policy.spare_window = G_MAXUINT64; }, {} },
  { "rom_counts_below_4_gib",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM32, 2 * MiB } }).rom (512 * KiB);
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM32, 2 * MiB } });
    },
    { "port1 spare - 0/4 MiB/0", "port2 spare - 0/0/0" } },
  { "hot_window_holds_what_a_bar_can_become",
    [] (PlanInput &in) {
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 256 * MiB } }).resizable (8 * GiB);
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 256 * MiB } })
          .resizable (8 * GiB)
          .cold ();
    },
    { "port1 spare - 0/0/16 GiB", "port2 cold - 0/0/0" } },
  { "unless_there_is_no_address_space_for_it",
    [] (PlanInput &in) {
      in.policy.space = { VP_MACHINE_Q35, 1 * GiB, 0, 0, 32 * GiB, FALSE };
      in.policy.default_bits = in.policy.max_bits = 36;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 256 * MiB } }).resizable (64 * GiB);
    },
    { "port1 spare - 0/0/512 MiB" } },
  { "spare_ports_are_like_the_largest_hot_device",
    [] (PlanInput &in) {
      in.policy.n_spare = 1;
      in.host ("0000:41:00.0",
               { { 0, FakeBar::MEM32, 16 * MiB }, { 2, FakeBar::MEM64_PREF, 8 * MiB } });
      in.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
    },
    { "port1 spare - 0/32 MiB/16 MiB", "port2 spare - 0/0/128 MiB",
      "port3 spare - 0/32 MiB/128 MiB" } },
  { "pc_slots",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.n_spare = 1;
      in.policy.spare_window = 1 * GiB;
      in.host ("0000:41:00.0", GPU);
      in.host ("0000:42:00.0", NIC_WITH_IO);
    },
    { "slot2 cold io 0/0/0", "slot3 spare io 0/0/0", "slot4 spare io 0/0/0" } },
};

class PlanPorts : public testing::TestWithParam<PortRow>
{
};

TEST_P (PlanPorts, HaveTheWindowsThatTheirDevicesNeed)
{
  static const char *const uses[] = { " cold ", " spare ", " bridge ", " switch " };
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  Lines found;
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *p = port_at (plan, i);
      found.push_back (p->id + std::string (uses[p->use]) + (p->has_io ? "io " : "- ") +
                       dump_size (p->reserve.io) + "/" + dump_size (p->reserve.mem) + "/" +
                       dump_size (p->reserve.pref64));
    }
  EXPECT_EQ (found, GetParam ().ports);
}

INSTANTIATE_TEST_SUITE_P (Table, PlanPorts, testing::ValuesIn (ports), name_of_row<PortRow>);

TEST (Plan, PortsAreInTheOrderOfTheirAddresses)
{
  PlanInput input;
  input.policy.n_spare = 120;
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  ASSERT_EQ (plan->ports->len, 120U);
  EXPECT_STREQ (port_at (plan, 0)->id, "port1");
  EXPECT_STREQ (port_at (plan, 1)->id, "port16") << "function 1 of slot 1";
  EXPECT_STREQ (port_at (plan, 119)->id, "port120");
  EXPECT_EQ (port_at (plan, 119)->chassis, 120U);
}

TEST (Plan, TheLastRootPortHoldsASwitch)
{
  PlanInput input;
  add_many (input, 241, NVME);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  const VpPlanPort *upstream = vp_plan_find_port (plan, "port240");
  ASSERT_NE (upstream, nullptr);
  EXPECT_EQ (upstream->use, VP_PORT_SWITCH);
  EXPECT_STREQ (upstream->bridge, "switch1");
  EXPECT_FALSE (upstream->has_io);

  const VpPlanPort *port = port_at (plan, plan->ports->len - 1);
  EXPECT_STREQ (port->id, "port242");
  EXPECT_EQ (port->kind, VP_PORT_DOWNSTREAM);
  EXPECT_STREQ (port->bus, "switch1");
  EXPECT_EQ (port->slot, 1U);

  const VpPlace place = vp_plan_device_place (device_at (plan, 240));
  g_autofree char *path = vp_plan_guest_path (plan, &place);
  EXPECT_STREQ (path, "1e.7/00/01/00");
}

TEST (Plan, TheSeventeenthDeviceOfPcIsBehindABridge)
{
  PlanInput input;
  input.policy.root.machine = VP_MACHINE_PC;
  add_many (input, 17, { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  const VpPlanPort *port = vp_plan_find_port (plan, "slot31");
  ASSERT_NE (port, nullptr);
  EXPECT_EQ (port->use, VP_PORT_BRIDGE);
  EXPECT_EQ (port->chassis, 1U);
  EXPECT_EQ (port->reserve.pref64, 128 * MiB) << "hotplugged, so that firmware does not see it";
  EXPECT_STREQ (device_at (plan, 16)->bus, "bridge1");
  EXPECT_EQ (device_at (plan, 16)->slot, 1U);

  const VpPlace place = vp_plan_device_place (device_at (plan, 16));
  g_autofree char *path = vp_plan_guest_path (plan, &place);
  EXPECT_STREQ (path, "1f/01");
}

TEST (Plan, AFullNodeOverflowsToTheCommonRootBus)
{
  PlanInput input;
  input.policy.root.n_nodes = 8;
  for (int i = 0; i < 16; i++)
    input.host (nth_address (i), NVME).cold ().node (7);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_STREQ (device_at (plan, 14)->port, "port255");
  EXPECT_STREQ (device_at (plan, 15)->port, "port1");
  ASSERT_EQ (warnings_of (plan).size (), 1U);
  EXPECT_EQ (warnings_of (plan)[0].rfind ("0000:10:00.0: the root bus of NUMA node 7 is full", 0),
             0U)
      << warnings_of (plan)[0];
}

TEST (Plan, TheThirtySecondConventionalDeviceOpensASecondBridge)
{
  PlanInput input;
  add_many_conventional (input, 32, { { 0, FakeBar::MEM32, 4 * KiB } });
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_STREQ (device_at (plan, 30)->bus, "bridge1");
  EXPECT_EQ (device_at (plan, 30)->slot, 31U);
  EXPECT_STREQ (device_at (plan, 31)->bus, "bridge2");
  EXPECT_EQ (device_at (plan, 31)->slot, 1U);
}

TEST (Plan, SumsUpItsWindows)
{
  PlanInput input;
  input.policy.n_spare = 2;
  input.policy.spare_window = 1 * GiB;
  input.host ("0000:41:00.0", GPU);                                       /* 32 GiB */
  input.host ("0000:42:00.0", { { 0, FakeBar::MEM64_PREF, 256 * MiB } }); /* 512 MiB */
  input.host ("0000:43:00.0", { { 0, FakeBar::MEM64_PREF, 1 * MiB } });   /* 1 MiB */
  for (const char *bridged : { "0000:06:01.0", "0000:06:02.0" })          /* 1 MiB */
    input.host (bridged, { { 0, FakeBar::MEM64_PREF, 512 * KiB } }).conventional ();
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (plan->pref64_total, 32 * GiB + 512 * MiB + 2 * MiB + 2 * (2 * GiB));
}

TEST (Plan, PcCountsEvery64BitBarAbove4Gib)
{
  PlanInput input;
  input.policy.root.machine = VP_MACHINE_PC;
  input.host ("0000:41:00.0", { { 0, FakeBar::MEM64, 8 * GiB } });
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (plan->pref64_total, 8 * GiB);
}

/* No bridge rounds them up: firmware puts all of a kind side by side. */
TEST (Plan, PcCountsItsSlotsToTheByte)
{
  PlanInput input;
  input.policy.root.machine = VP_MACHINE_PC;
  add_many (input, 8, { { 0, FakeBar::MEM64_PREF, 128 * GiB }, { 2, FakeBar::MEM64, 32 * MiB } });
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (plan->pref64_total, 8 * (128 * GiB + 32 * MiB));
}

TEST (Plan, OnlyBehindAnExpanderThereIsNoAcpiHotplug)
{
  PlanInput input;
  input.policy.root.n_nodes = 2;
  input.policy.n_spare = 1;
  input.host ("0000:41:00.0", GPU).node (1);
  g_autoptr (VpPlan) plan = must_build (input);
  PlanInput many;
  add_many (many, 240, NVME);
  g_autoptr (VpPlan) with_switch = must_build (many);
  ASSERT_TRUE (plan != nullptr && with_switch != nullptr);

  EXPECT_TRUE (vp_plan_port_has_acpi_hotplug (vp_plan_find_port (plan, "port1")));
  EXPECT_FALSE (vp_plan_port_has_acpi_hotplug (vp_plan_find_port (plan, "port193")));
  EXPECT_TRUE (vp_plan_port_has_acpi_hotplug (vp_plan_find_port (with_switch, "port241")));
}

TEST (Plan, FindsPortsAndDevicesByTheirIds)
{
  PlanInput input;
  input.host ("0000:41:00.0", NVME).id ("disk");
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  EXPECT_EQ (vp_plan_find_port (plan, "port1"), port_at (plan, 0));
  EXPECT_EQ (vp_plan_find_port (plan, "port2"), nullptr);
  EXPECT_EQ (vp_plan_find_port (plan, "disk"), nullptr);
  EXPECT_EQ (vp_plan_find_device (plan, "disk"), device_at (plan, 0));
  EXPECT_EQ (vp_plan_find_device (plan, "port1"), nullptr);
}

TEST (Plan, OutlivesItsRequests)
{
  g_autoptr (VpPlan) plan = nullptr;
  {
    PlanInput input;
    input.emulated ("nvme").id ("disk");
    plan = must_build (input);
  }
  ASSERT_NE (plan, nullptr);
  EXPECT_NE (dump_plan (plan).find ("device disk (nvme, emulated)"), std::string::npos);
}

struct BridgeRow
{
  const char *name;
  std::vector<FakeBar> bars;
  bool holds;
};

const BridgeRow bridges[] = {
  { "nothing", {}, true },
  { "exactly_the_default",
    { { 0, FakeBar::MEM32, 1 * MiB },
      { 1, FakeBar::MEM32, 1 * MiB },
      { 2, FakeBar::MEM64_PREF, 2 * MiB } },
    true },
  { "mem_too_much", { { 0, FakeBar::MEM32, 2 * MiB }, { 1, FakeBar::MEM32, 4 * KiB } }, false },
  { "pref64_too_much", { { 0, FakeBar::MEM64_PREF, 4 * MiB } }, false },
  { "impossible", { { 0, FakeBar::MEM64, 8 * GiB } }, false },
};

class PlanBridge : public testing::TestWithParam<BridgeRow>
{
};

TEST_P (PlanBridge, HoldsWhatTheDefaultWindowHolds)
{
  const VpPciFunction function = fake_function ("00:00.0", GetParam ().bars);

  g_autoptr (GArray) bars = g_array_new (FALSE, FALSE, sizeof (VpBar));

  vp_device_need_add_bars (bars, &function, TRUE);
  EXPECT_EQ (vp_device_need_fits_bridge (bars), GetParam ().holds);
}

INSTANTIATE_TEST_SUITE_P (Table, PlanBridge, testing::ValuesIn (bridges), name_of_row<BridgeRow>);

} // namespace
