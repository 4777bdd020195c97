#include "launcher/wrapper/bus-map.h"
#include "launcher/wrapper/pci-driver.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

struct Row
{
  const char *name;
  const char *bus;
  const char *addr;
  bool takes;
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "root_of_q35", "pcie.0", nullptr, false },
  { "root_of_the_other_machine", "pci.0", "1e", true },
  { "unknown", "rp9", nullptr, false },
  { "no_number", "pcie.x", nullptr, false },
  { "free_port", "rp0", nullptr, true },
  { "free_port_slot_0", "rp0", "0x0", true },
  { "free_port_slot_1", "rp0", "1", false },
  { "free_port_function_3", "rp0", "0.3", true },
  { "free_port_bad_address", "rp0", "20", true },
  { "free_port_no_address", "rp0", "xy", true },
  { "taken_port", "rp1", nullptr, false },
  { "taken_port_slot_0", "rp1", "0", false },
  { "taken_port_slot_1", "rp1", "1", false },
  { "half_a_device_wants_the_rest", "rp2", "0.0", true },
  { "half_a_device_wants_no_other", "rp2", nullptr, false },
  { "half_a_device_wants_no_half_twice", "rp2", "0.1", false },
  { "bridge", "pci-bridge-0", nullptr, true },
  { "bridge_free_slot", "pci-bridge-0", "02", true },
  { "bridge_taken_slot", "pci-bridge-0", "10", false },
  { "bridge_taken_slot_decimal", "pci-bridge-0", "16", true },
  { "bridge_other_function", "pci-bridge-0", "10.1", true },
  { "downstream", "swdp0", nullptr, true },
  { "expander", "pxb0", nullptr, true },
  { "numbered_bus_of_a_device", "scsi0.0", nullptr, true },
  { "numbered_bus_of_nobody", "scsi1.0", nullptr, false },
  { "a_device_is_no_bus", "scsi0", nullptr, false },
};

class BusMapTakes : public testing::TestWithParam<Row>
{
};

TEST_P (BusMapTakes, WhatQemuWouldTake)
{
  const Row &row = GetParam ();
  g_autoptr (VpBusMap) map = vp_bus_map_new ();

  vp_bus_map_add (map, "pcie-root-port", "rp0", "pcie.0", nullptr);
  vp_bus_map_add (map, "pcie-root-port", "rp1", "pcie.0", nullptr);
  vp_bus_map_add (map, "ioh3420", "rp2", "pcie.0", nullptr);
  vp_bus_map_add (map, "xio3130-downstream", "swdp0", "swup0", nullptr);
  vp_bus_map_add (map, "pci-bridge", "pci-bridge-0", "pcie.0", "2");
  vp_bus_map_add (map, "pxb-pcie", "pxb0", "pcie.0", nullptr);
  vp_bus_map_add (map, "virtio-scsi-pci", "scsi0", nullptr, nullptr);
  vp_bus_map_add (map, "nvme", "d1", "rp1", nullptr);
  vp_bus_map_add (map, "nvme", nullptr, "rp2", "0.1");
  vp_bus_map_add (map, "nvme", "d3", "pci-bridge-0", "0x10");
  EXPECT_EQ (vp_bus_map_takes (map, row.bus, row.addr), row.takes);
}

INSTANTIATE_TEST_SUITE_P (Table, BusMapTakes, testing::ValuesIn (rows), name_of_row<Row>);

TEST (BusMap, ARemovedDeviceFreesItsPlaceAndTakesItsBusAlong)
{
  g_autoptr (VpBusMap) map = vp_bus_map_new ();

  EXPECT_TRUE (vp_bus_map_add (map, "pcie-root-port", "rp0", "pcie.0", nullptr));
  EXPECT_TRUE (vp_bus_map_add (map, "nvme", "d1", "rp0", "0"));
  EXPECT_FALSE (vp_bus_map_takes (map, "rp0", nullptr));
  vp_bus_map_remove (map, "d1");
  EXPECT_TRUE (vp_bus_map_takes (map, "rp0", nullptr));
  vp_bus_map_remove (map, "rp0");
  vp_bus_map_remove (map, "rp0");
  EXPECT_FALSE (vp_bus_map_takes (map, "rp0", nullptr));
}

TEST (BusMap, AnIdIsThereOnce)
{
  g_autoptr (VpBusMap) map = vp_bus_map_new ();

  EXPECT_TRUE (vp_bus_map_add (map, "pcie-root-port", "rp0", "pcie.0", nullptr));
  EXPECT_TRUE (vp_bus_map_add (map, "pcie-root-port", "rp1", "pcie.0", nullptr));
  EXPECT_TRUE (vp_bus_map_add (map, "nvme", "d1", "rp0", nullptr));
  EXPECT_FALSE (vp_bus_map_add (map, "nvme", "d1", "rp1", nullptr));
  EXPECT_TRUE (vp_bus_map_takes (map, "rp1", nullptr));
  EXPECT_TRUE (vp_bus_map_has_device (map, "d1"));
  EXPECT_FALSE (vp_bus_map_has_device (map, "d2"));
}

TEST (BusMap, ABridgeHasAnEnd)
{
  g_autoptr (VpBusMap) map = vp_bus_map_new ();

  vp_bus_map_add (map, "pcie-pci-bridge", "b", "rp0", nullptr);
  for (int i = 0; i < 32; i++)
    {
      EXPECT_TRUE (vp_bus_map_takes (map, "b", nullptr));
      vp_bus_map_add (map, "e1000", nullptr, "b", nullptr);
    }
  EXPECT_FALSE (vp_bus_map_takes (map, "b", nullptr));
}

TEST (BusMap, BridgesWithoutAnIdAreNumberedByQemu)
{
  g_autoptr (VpBusMap) map = vp_bus_map_new ();

  EXPECT_FALSE (vp_bus_map_takes (map, "pci.1", nullptr));
  vp_bus_map_add (map, "pci-bridge", nullptr, "pcie.0", nullptr);
  EXPECT_TRUE (vp_bus_map_takes (map, "pci.1", nullptr));
}

TEST (PciDriver, IsToldByItsName)
{
  EXPECT_EQ (vp_pci_driver_classify ("vfio-pci"), VP_PCI_DRIVER_DEVICE);
  EXPECT_EQ (vp_pci_driver_classify ("virtio-net-pci-non-transitional"), VP_PCI_DRIVER_DEVICE);
  EXPECT_EQ (vp_pci_driver_classify ("virtio-blk"), VP_PCI_DRIVER_DEVICE);
  EXPECT_EQ (vp_pci_driver_classify ("pcie-root-port"), VP_PCI_DRIVER_PORT);
  EXPECT_EQ (vp_pci_driver_classify ("pcie-pci-bridge"), VP_PCI_DRIVER_BRIDGE);
  for (const char *name : { "scsi-hd", "pc-dimm", "virtserialport", "host-x86_64-cpu", "nvme-ns",
                            "usb-storage", "virtio-net-device", "" })
    EXPECT_EQ (vp_pci_driver_classify (name), VP_PCI_DRIVER_NONE) << name;
}

} // namespace
