#include "devices/error.h"
#include "devices/topology.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <set>
#include <utility>

namespace
{

struct NameRow
{
  const char *name;
  const char *text;
  int machine; /* -1: must be refused */
};

const NameRow names[] = {
  { "q35", "q35", VP_MACHINE_Q35 },
  { "pc", "pc", VP_MACHINE_PC },
  { "empty", "", -1 },
  { "upper_case", "Q35", -1 },
  { "versioned", "pc-q35-7.2", -1 },
  { "prefix", "q3", -1 },
  { "blank_after", "pc ", -1 },
  { "microvm", "microvm", -1 },
  { "newline_and_more", "pc\n,accel=kvm", -1 },
};

class MachineType : public testing::TestWithParam<NameRow>
{
};

TEST_P (MachineType, IsOneOfTheTwoOrRefused)
{
  const NameRow &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  VpMachineType type = static_cast<VpMachineType> (77);

  if (vp_machine_type_parse (row.text, &type, &error))
    {
      ASSERT_EQ (type, row.machine);
      EXPECT_STREQ (vp_machine_type_to_string (type), row.text);
      return;
    }
  EXPECT_EQ (row.machine, -1) << error->message;
  EXPECT_EQ (type, 77) << "must be left alone";
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  EXPECT_EQ (std::string (error->message).find ('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P (Table, MachineType, testing::ValuesIn (names), name_of_row<NameRow>);

struct AddressRow
{
  const char *name;
  guint index;
  guint slot;
  guint function;
};

const AddressRow addresses[] = {
  { "first", 0, 0x01, 0 },
  { "second", 1, 0x02, 0 },
  { "last_of_function_0", 14, 0x0f, 0 },
  { "first_of_function_1", 15, 0x01, 1 },
  { "first_of_function_7", 105, 0x01, 7 },
  { "last", 119, 0x0f, 7 },
};

class RootPortAddress : public testing::TestWithParam<AddressRow>
{
};

TEST_P (RootPortAddress, IsAsDocumented)
{
  guint8 slot = 0xff, function = 0xff;

  vp_topology_root_port_address (GetParam ().index, &slot, &function);
  EXPECT_EQ (slot, GetParam ().slot);
  EXPECT_EQ (function, GetParam ().function);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          RootPortAddress,
                          testing::ValuesIn (addresses),
                          name_of_row<AddressRow>);

/* A guest that finds no function 0 does not look for the others. */
TEST (Topology, EveryPortFindsFunction0OfItsSlotAlreadyThere)
{
  std::set<std::pair<guint, guint>> seen;

  for (guint i = 0; i < VP_TOPOLOGY_MAX_ROOT_PORTS; i++)
    {
      guint8 slot, function;
      vp_topology_root_port_address (i, &slot, &function);
      EXPECT_TRUE (seen.emplace (slot, function).second) << "port " << i;
      EXPECT_EQ (seen.count ({ slot, 0 }), 1U) << "port " << i;
      EXPECT_LE (function, 7) << "port " << i;
    }
}

TEST (Topology, HostDevicesOfPcStayClearOfTheMachinesOwn)
{
  EXPECT_EQ (vp_topology_pci_slot (0), 0x02);
  EXPECT_EQ (vp_topology_pci_slot (VP_TOPOLOGY_MAX_PCI_SLOTS - 1), 0x11);
}

TEST (Topology, OwnSlotsOfQ35CountUpBehindThePorts)
{
  guint8 slot = 0;

  ASSERT_TRUE (vp_topology_own_slot (VP_MACHINE_Q35, 0, &slot));
  EXPECT_EQ (slot, 0x10) << "0x0f has ports";
  ASSERT_TRUE (vp_topology_own_slot (VP_MACHINE_Q35, 14, &slot));
  EXPECT_EQ (slot, 0x1e);
  EXPECT_FALSE (vp_topology_own_slot (VP_MACHINE_Q35, 15, &slot)) << "0x1f is the ICH9";
  EXPECT_FALSE (vp_topology_own_slot (VP_MACHINE_Q35, G_MAXUINT, &slot));
  EXPECT_EQ (slot, 0x1e) << "must be left alone";
}

TEST (Topology, OwnSlotsOfPcCountUpBehindTheHostDevices)
{
  guint8 slot = 0;

  ASSERT_TRUE (vp_topology_own_slot (VP_MACHINE_PC, 0, &slot));
  EXPECT_EQ (slot, 0x12) << "0x11 is a host device's";
  ASSERT_TRUE (vp_topology_own_slot (VP_MACHINE_PC, 13, &slot));
  EXPECT_EQ (slot, 0x1f);
  EXPECT_FALSE (vp_topology_own_slot (VP_MACHINE_PC, 14, &slot)) << "there is no slot 0x20";
  EXPECT_FALSE (vp_topology_own_slot (VP_MACHINE_PC, G_MAXUINT, &slot));
}

TEST (Topology, RootBusesHaveTheNamesThatQemuGivesThem)
{
  EXPECT_STREQ (vp_topology_root_bus (VP_MACHINE_Q35), "pcie.0");
  EXPECT_STREQ (vp_topology_root_bus (VP_MACHINE_PC), "pci.0");
}

} // namespace
