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

constexpr VpRootBus
q35 (guint n_own = 0, guint n_nodes = 0)
{
  return { VP_MACHINE_Q35, n_own, n_nodes };
}

constexpr VpRootBus
pc (guint n_own = 0)
{
  return { VP_MACHINE_PC, n_own, 0 };
}

struct AddressRow
{
  const char *name;
  VpRootBus root;
  guint index;
  guint slot;
  guint function;
};

const AddressRow addresses[] = {
  { "first", q35 (), 0, 0x01, 0 },
  { "second", q35 (), 1, 0x02, 0 },
  { "last_of_function_0", q35 (), 14, 0x0f, 0 },
  { "first_of_function_1", q35 (), 15, 0x01, 1 },
  { "first_of_function_7", q35 (), 105, 0x01, 7 },
  { "last_of_the_first_slots", q35 (), 119, 0x0f, 7 },
  { "first_late_slot", q35 (), 120, 0x10, 0 },
  { "second_late_slot", q35 (), 121, 0x11, 0 },
  { "last", q35 (), 239, 0x1e, 7 },
  { "behind_own_devices", q35 (3), 120, 0x13, 0 },
  { "last_behind_own_devices", q35 (3), 215, 0x1e, 7 },
  { "before_expanders", q35 (3, 2), 199, 0x1c, 7 },
};

class RootPortAddress : public testing::TestWithParam<AddressRow>
{
};

TEST_P (RootPortAddress, IsAsDocumented)
{
  guint8 slot = 0xff, function = 0xff;

  vp_topology_root_port_address (&GetParam ().root, GetParam ().index, &slot, &function);
  EXPECT_EQ (slot, GetParam ().slot);
  EXPECT_EQ (function, GetParam ().function);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          RootPortAddress,
                          testing::ValuesIn (addresses),
                          name_of_row<AddressRow>);

struct CapacityRow
{
  const char *name;
  VpRootBus root;
  guint n_root_ports;
  guint n_switches;
  guint n_buses;
};

const CapacityRow capacities[] = {
  { "libvirt_knows_240_too", q35 (), 240, 1, 256 },
  { "one_own_device", q35 (1), 232, 1, 256 },
  { "half_of_them", q35 (7), 184, 2, 256 },
  { "all_late_slots_taken", q35 (15), 120, 4, 256 },
  { "more_own_devices_than_slots", q35 (99), 120, 4, 256 },
  { "one_node_is_no_numa", q35 (0, 1), 240, 1, 256 },
  { "two_nodes", q35 (0, 2), 224, 0, 128 },
  { "nodes_and_own_devices", q35 (7, 8), 120, 1, 128 },
};

class Capacity : public testing::TestWithParam<CapacityRow>
{
};

TEST_P (Capacity, IsWhatIsLeft)
{
  EXPECT_EQ (vp_topology_max_root_ports (&GetParam ().root), GetParam ().n_root_ports);
  EXPECT_EQ (vp_topology_n_switches (&GetParam ().root), GetParam ().n_switches);
  EXPECT_EQ (vp_topology_n_buses (&GetParam ().root), GetParam ().n_buses);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          Capacity,
                          testing::ValuesIn (capacities),
                          name_of_row<CapacityRow>);

/* A guest that finds no function 0 does not look for the others. */
TEST (Topology, EveryPortFindsFunction0OfItsSlotAlreadyThere)
{
  for (guint n_own : { 0, 1, 7, 14, 15 })
    for (guint n_nodes : { 0, 2 })
      {
        const VpRootBus root = q35 (MIN (n_own, 15 - n_nodes), n_nodes);
        std::set<std::pair<guint, guint>> seen;
        std::set<guint> taken = { 0x00, 0x1f };
        guint8 slot, function, bus;
        guint n_ports;

        for (guint i = 0; i < root.n_own; i++)
          {
            ASSERT_TRUE (vp_topology_own_slot (&root, i, &slot));
            EXPECT_TRUE (taken.insert (slot).second);
          }
        for (guint i = 0; i < n_nodes; i++)
          {
            vp_topology_expander (&root, i, &slot, &bus, &n_ports);
            EXPECT_TRUE (taken.insert (slot).second);
          }
        for (guint i = 0; i < vp_topology_max_root_ports (&root); i++)
          {
            vp_topology_root_port_address (&root, i, &slot, &function);
            const bool is_new = seen.emplace (slot, function).second;
            const bool has_function_0 = seen.count ({ slot, 0 }) == 1;
            EXPECT_TRUE (is_new && has_function_0) << "port " << i;
            EXPECT_EQ (taken.count (slot), 0U) << "port " << i;
            EXPECT_LE (function, 7) << "port " << i;
            EXPECT_LE (slot, 31) << "port " << i;
          }
      }
}

TEST (Topology, NodesShareTheUpperHalfOfTheBusNumbers)
{
  for (guint n_nodes = 2; n_nodes <= VP_TOPOLOGY_MAX_NODES; n_nodes++)
    {
      const VpRootBus root = q35 (0, n_nodes);
      guint next = 128;

      for (guint node = 0; node < n_nodes; node++)
        {
          guint8 slot, bus;
          guint n_ports;

          vp_topology_expander (&root, node, &slot, &bus, &n_ports);
          EXPECT_EQ (slot, 0x1e - node);
          EXPECT_EQ (bus, next) << n_nodes << " nodes, node " << node;
          EXPECT_GE (n_ports, 15U);
          next = bus + 1 + n_ports;
        }
      EXPECT_LE (next, 256U);
    }
}

struct BridgesRow
{
  guint n_own;
  guint n_bridges;
};

TEST (Topology, BridgesOfPcTakeWhatOwnDevicesLeaveAndSeabiosStands)
{
  for (const BridgesRow row :
       { BridgesRow{ 0, 8 }, { 6, 8 }, { 7, 7 }, { 13, 1 }, { 14, 0 }, { 99, 0 } })
    {
      const VpRootBus root = pc (row.n_own);
      EXPECT_EQ (vp_topology_max_pci_bridges (&root), row.n_bridges) << row.n_own;
    }
  const VpRootBus root = pc ();
  EXPECT_EQ (vp_topology_pci_bridge_slot (&root, 0), 0x1f);
  EXPECT_EQ (vp_topology_pci_bridge_slot (&root, 7), 0x18);
}

TEST (Topology, HostDevicesOfPcStayClearOfTheMachinesOwn)
{
  const VpRootBus root = pc ();
  EXPECT_EQ (vp_topology_max_pci_slots (&root), static_cast<guint> (VP_TOPOLOGY_MAX_PCI_SLOTS));
  EXPECT_EQ (vp_topology_pci_slot (&root, 0), 0x02);
  EXPECT_EQ (vp_topology_pci_slot (&root, VP_TOPOLOGY_MAX_PCI_SLOTS - 1), 0x11);
}

TEST (Topology, OwnSlotsOfQ35CountUpBehindThePorts)
{
  const VpRootBus root = q35 (), numa = q35 (0, 4);
  guint8 slot = 0;

  ASSERT_TRUE (vp_topology_own_slot (&root, 0, &slot));
  EXPECT_EQ (slot, 0x10) << "0x0f has ports";
  ASSERT_TRUE (vp_topology_own_slot (&root, 14, &slot));
  EXPECT_EQ (slot, 0x1e);
  EXPECT_FALSE (vp_topology_own_slot (&root, 15, &slot)) << "0x1f is the ICH9";
  EXPECT_FALSE (vp_topology_own_slot (&root, G_MAXUINT, &slot));
  EXPECT_EQ (slot, 0x1e) << "must be left alone";
  EXPECT_TRUE (vp_topology_own_slot (&numa, 10, &slot));
  EXPECT_FALSE (vp_topology_own_slot (&numa, 11, &slot)) << "expanders begin at 0x1b";
}

TEST (Topology, OwnSlotsOfPcCountUpBehindTheHostDevices)
{
  const VpRootBus root = pc ();
  guint8 slot = 0;

  ASSERT_TRUE (vp_topology_own_slot (&root, 0, &slot));
  EXPECT_EQ (slot, 0x12) << "0x11 is a host device's";
  ASSERT_TRUE (vp_topology_own_slot (&root, 13, &slot));
  EXPECT_EQ (slot, 0x1f);
  EXPECT_FALSE (vp_topology_own_slot (&root, 14, &slot)) << "there is no slot 0x20";
  EXPECT_FALSE (vp_topology_own_slot (&root, G_MAXUINT, &slot));
}

VpRootBus
foreign (VpMachineType machine, guint32 taken_slots, guint n_chassis = 254)
{
  VpRootBus root = {};
  root.machine = machine;
  root.foreign = { TRUE, taken_slots, 2, n_chassis, 200, 0 };
  return root;
}

using Place = std::pair<guint, guint>;

Place
port_of (const VpRootBus &root, guint index)
{
  guint8 slot = 0xff, function = 0xff;
  vp_topology_root_port_address (&root, index, &slot, &function);
  return { slot, function };
}

TEST (Topology, PortsOfAForeignMachineGoDownItsFreeSlots)
{
  const VpRootBus root = foreign (VP_MACHINE_Q35, 1U << 0x1d | 0x0000ffffU);

  EXPECT_EQ (vp_topology_max_root_ports (&root), 14u * 8) << "0x10 to 0x1e without 0x1d";
  EXPECT_EQ (port_of (root, 0), Place (0x1e, 0));
  EXPECT_EQ (port_of (root, 1), Place (0x1c, 0));
  EXPECT_EQ (port_of (root, 13), Place (0x10, 0));
  EXPECT_EQ (port_of (root, 14), Place (0x1e, 1));
  EXPECT_EQ (port_of (root, 14 * 8 - 1), Place (0x10, 7));
  EXPECT_EQ (vp_topology_n_switches (&root), 0u);
  EXPECT_EQ (vp_topology_n_buses (&root), 200u);
  EXPECT_STREQ (vp_topology_own_prefix (&root), "vmplug-");
}

TEST (Topology, PortsOfAForeignMachineAreNoMoreThanItsFreeChassisNumbers)
{
  const VpRootBus few = foreign (VP_MACHINE_Q35, 0, 7), full = foreign (VP_MACHINE_Q35, ~0U);

  EXPECT_EQ (vp_topology_max_root_ports (&few), 7u);
  EXPECT_EQ (vp_topology_max_root_ports (&full), 0u);
}

TEST (Topology, SlotsOfAForeignPcGoDownAndItsBridgesUp)
{
  const VpRootBus roomy = foreign (VP_MACHINE_PC, 0), narrow = foreign (VP_MACHINE_PC, ~0x0e07U);

  EXPECT_EQ (vp_topology_max_pci_slots (&roomy), 16u);
  EXPECT_EQ (vp_topology_max_pci_bridges (&roomy), 8u);
  EXPECT_EQ (vp_topology_pci_slot (&roomy, 0), 0x1f);
  EXPECT_EQ (vp_topology_pci_slot (&roomy, 15), 0x10);
  EXPECT_EQ (vp_topology_pci_bridge_slot (&roomy, 0), 0x02);
  EXPECT_EQ (vp_topology_pci_bridge_slot (&roomy, 7), 0x09);

  EXPECT_EQ (vp_topology_max_pci_slots (&narrow), 3u) << "2, 9, 10 and 11 are free";
  EXPECT_EQ (vp_topology_max_pci_bridges (&narrow), 1u);
  EXPECT_EQ (vp_topology_pci_slot (&narrow, 2), 0x09);
  EXPECT_EQ (vp_topology_pci_bridge_slot (&narrow, 0), 0x02);
}

TEST (Topology, AFullForeignPcHasNoSlots)
{
  const VpRootBus root = foreign (VP_MACHINE_PC, ~0U);

  EXPECT_EQ (vp_topology_max_pci_slots (&root), 0u);
  EXPECT_EQ (vp_topology_max_pci_bridges (&root), 0u);
}

TEST (Topology, RootBusesHaveTheNamesThatQemuGivesThem)
{
  EXPECT_STREQ (vp_topology_root_bus (VP_MACHINE_Q35), "pcie.0");
  EXPECT_STREQ (vp_topology_root_bus (VP_MACHINE_PC), "pci.0");
}

} // namespace
