#include "devices/error.h"
#include "launcher/vm/host-node.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

const char *const CARD = "0000:41:00.0";
const char *const CDEV = "/dev/vfio/devices/vfio3";
const char *const GROUP = "/dev/vfio/40";

struct Row
{
  const char *name;
  VpHostNode node;
  const char *held; /* nullptr: nothing is held */
  int error;        /* -1: none */
};

/* A card that is bound to vfio-pci, on a kernel with iommufd. */
class HostNode : public testing::TestWithParam<Row>
{
};

TEST_P (HostNode, IsFreeOrNot)
{
  FakeSysfs host;
  host.add_iommufd ().add_group_node (40);
  host.pci (CARD).driver ("vfio-pci").group (40).cdev (3);
  if (GetParam ().held != nullptr)
    host.add_open_file (4711, "qemu-system-x86", 9, GetParam ().held);
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), nullptr);
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, nullptr);
  g_autoptr (GError) error = nullptr;
  VpPciAddress address;

  ASSERT_TRUE (vp_pci_address_parse (CARD, &address, nullptr));
  vp_host_node_wait (sysfs, vp_inventory_find (inventory, &address), GetParam ().node, 0, &error);
  EXPECT_EQ (error != nullptr ? error->code : -1, GetParam ().error)
      << (error != nullptr ? error->message : "");
}

INSTANTIATE_TEST_SUITE_P (Table,
                          HostNode,
                          testing::Values (Row{ "ours", VP_HOST_NODE_NONE, CDEV, -1 },
                                           Row{ "group", VP_HOST_NODE_GROUP, nullptr, -1 },
                                           Row{ "cdev", VP_HOST_NODE_CDEV, nullptr, -1 },
                                           Row{ "cdev_held", VP_HOST_NODE_CDEV, CDEV,
                                                VP_DEVICE_ERROR_BUSY },
                                           Row{ "cdev_whose_group_is_held", VP_HOST_NODE_CDEV,
                                                GROUP, VP_DEVICE_ERROR_BUSY }),
                          name_of_row<Row>);

TEST (HostNodeOf, ASpec)
{
  g_autoptr (VpDeviceSpec) group = vp_device_spec_parse ("41:00.0", nullptr);
  g_autoptr (VpDeviceSpec) cdev = vp_device_spec_parse ("41:00.0,iommufd=on", nullptr);

  EXPECT_EQ (vp_host_node_of (group), VP_HOST_NODE_GROUP);
  EXPECT_EQ (vp_host_node_of (cdev), VP_HOST_NODE_CDEV);
}

} // namespace
