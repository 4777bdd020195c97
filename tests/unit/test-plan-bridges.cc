#include "devices/plan.h"

#include "tests/support/map-probe.h"
#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

/* Bridges that are wanted from the start, and hot devices that are wanted behind them. */

namespace
{

using Lines = std::vector<std::string>;

struct Row
{
  const char *name;
  std::function<void (PlanInput &)> fill;
  Lines ports;   /* "PORT use BRIDGE" */
  Lines devices; /* "ID BUS.SLOT" */
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "bridges_come_first",
    [] (PlanInput &in) {
      in.policy.n_bridges = 2;
      in.policy.n_spare = 1;
      in.host ("0000:41:00.0", GPU);
    },
    { "port1 bridge bridge1", "port2 bridge bridge2", "port3 cold -", "port4 spare -" },
    { "vfio-41-00.0 port3.0" } },
  { "a_conventional_device_gets_the_first",
    [] (PlanInput &in) {
      in.policy.n_bridges = 2;
      in.host ("0000:06:01.0", EDU).conventional ();
    },
    { "port1 bridge bridge1", "port2 bridge bridge2" },
    { "vfio-06-01.0 bridge1.1" } },
  { "a_full_one_is_followed_by_the_next",
    [] (PlanInput &in) {
      in.policy.n_bridges = 2;
      add_many_conventional (in, 32, {});
      in.host ("0000:41:00.0", NVME);
    },
    { "port1 bridge bridge1", "port2 bridge bridge2", "port3 spare -" },
    {} },
  { "a_cold_one_has_a_bridge_of_its_own",
    [] (PlanInput &in) {
      in.policy.n_bridges = 1;
      in.host ("0000:06:01.0", EDU).conventional ().cold ();
    },
    { "port1 bridge bridge1", "port2 bridge bridge2" },
    { "vfio-06-01.0 bridge2.1" } },
  { "pc_has_them_from_the_top",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.n_bridges = 1;
      in.host ("0000:41:00.0", NVME);
    },
    { "slot2 spare -", "slot31 bridge bridge1" },
    { "vfio-41-00.0 pci.0.2" } },
  { "hot_ones_behind_a_bridge",
    [] (PlanInput &in) {
      in.policy.n_bridges = 1;
      in.policy.hot_on_bridge = TRUE;
      in.host ("0000:41:00.0", NVME);
      in.host ("0000:42:00.0", NVME).cold ();
      in.host ("0000:43:00.0", GPU);
      in.emulated ("nvme");
    },
    { "port1 bridge bridge1", "port2 cold -", "port3 cold -", "port4 spare -" },
    { "vfio-41-00.0 bridge1.1", "vfio-42-00.0 port2.0", "vfio-43-00.0 port3.0", "nvme0 port4.0" } },
  { "only_those_that_fit",
    [] (PlanInput &in) {
      in.policy.hot_on_bridge = TRUE;
      in.host ("0000:41:00.0", { { 0, FakeBar::MEM32, 64 * MiB } });
      in.host ("0000:42:00.0", GPU).hot ();
    },
    { "port1 spare -", "port2 spare -" },
    { "vfio-41-00.0 port1.0", "vfio-42-00.0 port2.0" } },
  { "none_with_native_hotplug",
    [] (PlanInput &in) {
      in.policy.root.is_native = TRUE;
      in.policy.hot_on_bridge = TRUE;
      in.host ("0000:41:00.0", NVME);
    },
    { "port1 spare -" },
    { "vfio-41-00.0 port1.0" } },
  { "hot_ones_behind_a_bridge_of_pc",
    [] (PlanInput &in) {
      in.policy.root.machine = VP_MACHINE_PC;
      in.policy.hot_on_bridge = TRUE;
      in.host ("0000:41:00.0", NVME);
      in.host ("0000:42:00.0", NVME).cold ();
    },
    { "slot2 cold -", "slot31 bridge bridge1" },
    { "vfio-41-00.0 bridge1.1", "vfio-42-00.0 pci.0.2" } },
};

class PlanBridges : public testing::TestWithParam<Row>
{
};

TEST_P (PlanBridges, AreWhereTheyWereAskedFor)
{
  static const char *const uses[] = { "cold", "spare", "bridge", "switch" };
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);
  Lines ports, devices;

  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = port_at (plan, i);
      ports.push_back (std::string (port->id) + " " + uses[port->use] + " " +
                       (port->bridge != nullptr ? port->bridge : "-"));
    }
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = device_at (plan, i);
      devices.push_back (std::string (device->id) + " " + device->bus + "." +
                         std::to_string (device->slot));
    }
  EXPECT_EQ (ports, GetParam ().ports);
  if (!GetParam ().devices.empty ())
    {
      EXPECT_EQ (devices, GetParam ().devices);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, PlanBridges, testing::ValuesIn (rows), name_of_row<Row>);

TEST (PlanBridgesReason, SaysThatItWasAskedFor)
{
  PlanInput input;
  input.policy.hot_on_bridge = TRUE;
  input.host ("0000:41:00.0", NVME);
  g_autoptr (VpPlan) plan = must_build (input);

  ASSERT_NE (plan, nullptr);
  EXPECT_STREQ (device_at (plan, 0)->reason,
                "no 64-bit BAR of 4 GiB or more: hotplugged behind bridge1, as asked for");
}

TEST (PlanBridgesRefusal, SaysThatThereIsNoRoom)
{
  PlanInput input;
  input.policy.root.machine = VP_MACHINE_PC;
  input.policy.n_bridges = 200;
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpPlan) plan = input.build (&error);

  ASSERT_EQ (plan, nullptr);
  EXPECT_NE (strstr (error->message, "bridges"), nullptr) << error->message;
}

TEST (PlanBridgesSlots, WhatComesLaterGoesWhereHotDevicesGo)
{
  for (bool on_bridge : { false, true })
    for (VpMachineType machine : { VP_MACHINE_Q35, VP_MACHINE_PC })
      {
        MapProbe map ([&] (PlanInput &in) {
          in.policy.root.machine = machine;
          in.policy.n_bridges = 1;
          in.policy.n_spare = 1;
          in.policy.hot_on_bridge = on_bridge;
        });
        const bool is_pc = machine == VP_MACHINE_PC;

        EXPECT_EQ (map.reserve ("extra", nvme), on_bridge
                                                    ? is_pc ? "slot31 bridge1.1" : "port1 bridge1.1"
                                                : is_pc ? "slot2 pci.0.2"
                                                        : "port2 port2.0");
      }
}

} // namespace
