#include "devices/error.h"
#include "devices/inventory.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

VpPciAddress
address_of (const char *text)
{
  VpPciAddress address = {};
  EXPECT_TRUE (vp_pci_address_parse (text, &address, nullptr)) << text;
  return address;
}

std::string
names_of (const GPtrArray *functions)
{
  std::string names;
  for (guint i = 0; functions != nullptr && i < functions->len; i++)
    {
      const auto *function = static_cast<const VpPciFunction *> (functions->pdata[i]);
      g_autofree char *bdf = vp_pci_address_to_string (&function->address);
      names += (i > 0 ? " " : "") + std::string (bdf);
    }
  return names;
}

class Inventory : public testing::Test
{
protected:
  FakeSysfs fake;
  VpInventory *inventory = nullptr;

  void
  TearDown () override
  {
    vp_inventory_free (inventory);
  }

  void
  read ()
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), &error);
    ASSERT_NE (sysfs, nullptr) << error->message;
    vp_inventory_free (inventory);
    inventory = vp_inventory_read (sysfs, &error);
    ASSERT_NE (inventory, nullptr) << error->message;
  }

  const VpPciFunction *
  find (const char *text)
  {
    const VpPciAddress address = address_of (text);
    return vp_inventory_find (inventory, &address);
  }

  /* "" when assignable, else the message; checks the code. */
  std::string
  refusal (const char *text, gboolean will_bind, int code)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (GPtrArray) taken = g_ptr_array_new ();
    if (will_bind)
      g_ptr_array_add (taken, const_cast<VpPciFunction *> (find (text)));
    if (vp_inventory_check_assignable (inventory, find (text), taken, &error))
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
    return error->message;
  }

  /* The functions, or the message; checks the code. */
  std::string
  resolved (const char *text, int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    VpDeviceRef ref;
    EXPECT_TRUE (vp_device_ref_parse (text, &ref, nullptr)) << text;
    g_autoptr (GPtrArray) functions = vp_inventory_resolve (inventory, &ref, &error);
    if (functions == nullptr)
      {
        EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
        return error->message;
      }
    return names_of (functions);
  }
};

TEST_F (Inventory, IsOrderedByAddressWithWideDomainsLast)
{
  for (const char *address : { "10000:e1:00.0", "0000:0a:00.0", "ffff:00:00.0", "0000:02:1f.7",
                               "0000:02:1f.0", "0001:00:00.0" })
    fake.pci (address);
  read ();

  EXPECT_EQ (names_of (vp_inventory_get_functions (inventory)),
             "0000:02:1f.0 0000:02:1f.7 0000:0a:00.0 0001:00:00.0 ffff:00:00.0 10000:e1:00.0");
  for (const char *address : { "10000:e1:00.0", "0000:02:1f.0", "ffff:00:00.0" })
    {
      ASSERT_NE (find (address), nullptr) << address;
    }
  EXPECT_EQ (find ("0000:02:1f.1"), nullptr);
}

TEST_F (Inventory, AnEmptyBusIsAnEmptyInventory)
{
  read ();

  EXPECT_EQ (vp_inventory_get_functions (inventory)->len, 0u);
  EXPECT_EQ (find ("0000:00:00.0"), nullptr);
}

TEST_F (Inventory, NamesThatAreNoAddressAreNotFunctions)
{
  fake.pci ("0000:00:03.0");
  fake.write ("sys/bus/pci/devices/rubbish/class", "0x020000\n");
  fake.write ("sys/bus/pci/devices/0000:00:20.0/class", "0x020000\n");
  read ();

  EXPECT_EQ (names_of (vp_inventory_get_functions (inventory)), "0000:00:03.0");
}

TEST_F (Inventory, OneFunctionHasOneNameOnly)
{
  fake.pci ("0000:00:03.0").group (1);
  fake.pci ("000A:0b:00.0");
  /* Some of them are addresses to a person, and none is what the kernel writes. */
  for (const char *name : { "00:03.0", "0:0:3.0", "0000:00:3.0", "000:00:03.0", "00000:00:03.0",
                            "00:03.0 ", "0000:00:03.00" })
    {
      std::filesystem::create_directory_symlink (
          "0000:00:03.0", std::string (fake.root ()) + "/sys/bus/pci/devices/" + name);
    }
  read ();

  EXPECT_EQ (names_of (vp_inventory_get_functions (inventory)), "0000:00:03.0");
  EXPECT_EQ (resolved ("/dev/vfio/1"), "0000:00:03.0");
}

TEST_F (Inventory, OddNamesAndThingsOnTheBusAreLeftOut)
{
  fake.pci ("0000:00:03.0");
  fake.write ("sys/bus/pci/devices/0000:00:04.0", "a file");
  fake.link ("sys/bus/pci/devices/0000:00:05.0", "sys/devices/nowhere");
  for (const std::string &name :
       { std::string ("0000:00:06.8"), std::string ("0000:00:06.0 "), std::string ("\x1b[2J"),
         std::string ("\xff\xfe"), std::string (255, 'x'), std::string ("0000:00:06.0\n") })
    {
      fake.write ("sys/bus/pci/devices/" + name + "/class", "0x020000\n");
    }
  read ();

  EXPECT_EQ (names_of (vp_inventory_get_functions (inventory)), "0000:00:03.0");
}

TEST_F (Inventory, GarbageInOneFunctionLeavesTheOthersAlone)
{
  fake.pci ("0000:00:03.0").driver ("vfio-pci").group (1);
  fake.pci ("0000:00:04.0").driver ("vfio-pci").group (2).attribute ("resource", "rubbish");
  fake.pci ("0000:00:05.0").driver ("vfio-pci").group (3);
  read ();

  EXPECT_EQ (refusal ("0000:00:03.0", FALSE, -1), "");
  EXPECT_EQ (
      refusal ("0000:00:04.0", FALSE, VP_DEVICE_ERROR_NOT_ASSIGNABLE),
      "0000:00:04.0 cannot be understood: resource: line 1, \"rubbish\": not \"0xSTART 0xEND "
      "0xFLAGS\"");
  EXPECT_EQ (refusal ("0000:00:05.0", FALSE, -1), "");
}

TEST_F (Inventory, AThousandMediatedDevicesAreNoProblem)
{
  fake.pci ("0000:41:00.0");
  std::filesystem::create_directories (std::string (fake.root ()) + "/sys/bus/mdev/devices");
  char uuid[] = "00000000-0000-4000-8000-000000000000";
  for (unsigned i = 0; i < 1000; i++)
    {
      std::snprintf (uuid, sizeof uuid, "%08x-0000-4000-8000-%012x", i, i * 7919);
      fake.add_mdev (uuid, "0000:41:00.0");
    }
  fake.write ("sys/bus/mdev/devices/no-uuid", "");
  read ();

  EXPECT_EQ (resolved (uuid, VP_DEVICE_ERROR_NOT_ASSIGNABLE),
             "mediated device " + std::string (uuid) + " is no PCI function of the host");
  EXPECT_EQ (resolved ("00000000-0000-4000-8000-000000000000", VP_DEVICE_ERROR_NOT_ASSIGNABLE)
                 .find ("no such device"),
             std::string::npos);
  EXPECT_NE (resolved ("ffffffff-0000-4000-8000-000000000000", VP_DEVICE_ERROR_NOT_FOUND)
                 .find ("no such device"),
             std::string::npos);
}

TEST (InventoryRead, WithoutAPciBusThereIsNone)
{
  FakeSysfs fake;
  std::filesystem::remove_all (std::string (fake.root ()) + "/sys/bus");
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), &error);
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, &error);

  EXPECT_EQ (inventory, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
  EXPECT_EQ (std::string (error->message).rfind ("PCI bus: ", 0), 0u) << error->message;
}

TEST_F (Inventory, AFunctionGoneBeforeItIsReadIsLeftOut)
{
  fake.pci ("0000:00:03.0");
  fake.pci ("0000:00:04.0");
  fake.remove_pci ("0000:00:03.0", true);
  read ();

  EXPECT_EQ (names_of (vp_inventory_get_functions (inventory)), "0000:00:04.0");
}

TEST_F (Inventory, AFunctionThatMakesNoSenseIsKeptButNotAssignable)
{
  fake.pci ("0000:41:00.0").driver ("vfio-pci").group (40).attribute ("class", "0x03");
  read ();

  const char *message = "0000:41:00.0 cannot be understood: "
                        "class: \"0x03\" is not 0x and 6 hexadecimal digits";
  EXPECT_EQ (resolved ("/dev/vfio/40"), "0000:41:00.0");
  EXPECT_EQ (refusal ("0000:41:00.0", FALSE, VP_DEVICE_ERROR_NOT_ASSIGNABLE), message);
  EXPECT_EQ (refusal ("0000:41:00.0", TRUE, VP_DEVICE_ERROR_NOT_ASSIGNABLE), message);
}

TEST_F (Inventory, ABridgeIsNeverHandedOver)
{
  fake.pci ("0000:00:1c.0").class_code (0x060400).driver ("vfio-pci").group (5);
  read ();

  EXPECT_EQ (refusal ("0000:00:1c.0", FALSE, VP_DEVICE_ERROR_NOT_ASSIGNABLE),
             "0000:00:1c.0 is a bridge: VFIO does not hand over bridges");
  EXPECT_EQ (resolved ("/dev/vfio/5", VP_DEVICE_ERROR_NOT_ASSIGNABLE),
             "IOMMU group 5: it holds bridges only");
}

TEST_F (Inventory, VirtualFunctionsAndTheirParentKnowEachOther)
{
  fake.pci ("0000:01:00.0").driver ("igb").group (1).virtual_functions (0);
  fake.pci ("0000:02:00.0").driver ("igb").group (2);
  fake.pci ("0000:02:10.0").virtual_of ("0000:02:00.0").group (3);
  fake.pci ("0000:02:10.2").virtual_of ("0000:02:00.0").group (4);
  read ();

  const VpPciFunction *vf = find ("0000:02:10.2");
  const VpPciAddress parent = address_of ("0000:02:00.0");
  EXPECT_TRUE (vf->is_virtual);
  EXPECT_EQ (vp_pci_address_compare (&vf->physical_function, &parent), 0);
  EXPECT_FALSE (find ("0000:02:00.0")->is_virtual);
  EXPECT_EQ (find ("0000:02:00.0")->n_virtual_functions, 2u);

  EXPECT_EQ (refusal ("0000:02:00.0", TRUE, VP_DEVICE_ERROR_NOT_ASSIGNABLE),
             "0000:02:00.0 is a physical function: 2 of its virtual functions are enabled");
  EXPECT_EQ (refusal ("0000:02:10.2", TRUE, -1), "");
  EXPECT_EQ (refusal ("0000:01:00.0", TRUE, -1), "") << "none enabled";
}

TEST_F (Inventory, AGroupHasItsBridgesButStandsForItsEndpoints)
{
  fake.pci ("0000:00:1c.0").class_code (0x060400).driver ("pcieport").group (7);
  fake.pci ("0000:03:01.1").group (7);
  fake.pci ("0000:03:01.0").group (7);
  fake.pci ("0000:04:00.0").group (8);
  read ();

  g_autoptr (GPtrArray) group = vp_inventory_get_group (inventory, 7);
  EXPECT_EQ (names_of (group), "0000:00:1c.0 0000:03:01.0 0000:03:01.1");
  EXPECT_EQ (resolved ("/dev/vfio/7"), "0000:03:01.0 0000:03:01.1");

  /* The answer is the caller's: changing it changes nothing here. */
  g_ptr_array_set_size (group, 0);
  g_autoptr (GPtrArray) again = vp_inventory_get_group (inventory, 7);
  EXPECT_EQ (again->len, 3u);

  for (const int none : { 9, 0, -1 })
    {
      g_autoptr (GPtrArray) empty = vp_inventory_get_group (inventory, none);
      ASSERT_NE (empty, nullptr);
      EXPECT_EQ (empty->len, 0u) << none;
    }
}

TEST_F (Inventory, GroupZeroIsAGroup)
{
  fake.pci ("0000:03:00.0").group (0);
  read ();

  EXPECT_EQ (find ("0000:03:00.0")->group, 0);
  EXPECT_EQ (resolved ("/dev/vfio/0"), "0000:03:00.0");
  EXPECT_EQ (refusal ("0000:03:00.0", TRUE, -1), "");
}

TEST_F (Inventory, ResolvesEachFormOfReference)
{
  fake.pci ("0000:41:00.0").group (40).cdev (3);
  fake.pci ("0000:41:00.1").group (40).cdev (0);
  fake.pci ("10000:e1:00.0").group (41);
  fake.add_mdev ("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "0000:41:00.0");
  read ();

  EXPECT_EQ (resolved ("/dev/vfio/40"), "0000:41:00.0 0000:41:00.1");
  EXPECT_EQ (resolved ("/dev/vfio/devices/vfio3"), "0000:41:00.0");
  EXPECT_EQ (resolved ("/dev/vfio/devices/vfio0"), "0000:41:00.1");
  EXPECT_EQ (resolved ("41:00.1"), "0000:41:00.1");
  EXPECT_EQ (resolved ("10000:e1:00.0"), "10000:e1:00.0");

  EXPECT_EQ (resolved ("/dev/vfio/99", VP_DEVICE_ERROR_NOT_FOUND),
             "IOMMU group 99: the host has no such group");
  EXPECT_EQ (resolved ("/dev/vfio/devices/vfio9", VP_DEVICE_ERROR_NOT_FOUND),
             "/dev/vfio/devices/vfio9: the host has no such device");
  EXPECT_EQ (resolved ("42:00.0", VP_DEVICE_ERROR_NOT_FOUND),
             "0000:42:00.0: the host has no such device");
  EXPECT_EQ (resolved ("83B8F4F2-509f-382f-3c1e-e6bfe0fa1001", VP_DEVICE_ERROR_NOT_ASSIGNABLE),
             "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 is no PCI function of the "
             "host");
  EXPECT_EQ (resolved ("00000000-509f-382f-3c1e-e6bfe0fa1001", VP_DEVICE_ERROR_NOT_FOUND),
             "mediated device 00000000-509f-382f-3c1e-e6bfe0fa1001: the host has no such device");
}

TEST_F (Inventory, WithoutAnyGroupTheIommuIsTheReason)
{
  fake.pci ("0000:41:00.0");
  read ();

  EXPECT_EQ (resolved ("/dev/vfio/40", VP_DEVICE_ERROR_NOT_FOUND),
             "IOMMU group 40: the host has no IOMMU groups at all");
  EXPECT_EQ (refusal ("0000:41:00.0", TRUE, VP_DEVICE_ERROR_NO_IOMMU),
             "0000:41:00.0 is in no IOMMU group: the IOMMU is off or does not cover it");
}

TEST_F (Inventory, OnlyAVfioDriverWillDoUnlessItIsBoundFirst)
{
  fake.pci ("0000:01:00.0").driver ("e1000e").group (1);
  fake.pci ("0000:02:00.0").group (2);
  fake.pci ("0000:03:00.0").driver ("pci-stub").group (3);
  fake.pci ("0000:04:00.0").driver ("mlx5_vfio_pci").group (4);
  read ();

  EXPECT_EQ (refusal ("0000:01:00.0", FALSE, VP_DEVICE_ERROR_NOT_BOUND),
             "0000:01:00.0 is driven by e1000e, not by vfio-pci");
  EXPECT_EQ (refusal ("0000:02:00.0", FALSE, VP_DEVICE_ERROR_NOT_BOUND),
             "0000:02:00.0 has no driver: it is not bound to vfio-pci");
  EXPECT_EQ (refusal ("0000:03:00.0", FALSE, VP_DEVICE_ERROR_NOT_BOUND),
             "0000:03:00.0 is driven by pci-stub, not by vfio-pci");
  EXPECT_EQ (refusal ("0000:04:00.0", FALSE, -1), "");
  for (const char *address : { "0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0" })
    {
      EXPECT_EQ (refusal (address, TRUE, -1), "") << address;
    }
}

TEST_F (Inventory, EveryCulpritOfAGroupIsNamed)
{
  fake.pci ("0000:03:01.0").driver ("vfio-pci").group (7);
  fake.pci ("0000:03:01.1").driver ("e1000e").group (7);
  fake.pci ("0000:03:02.0").driver ("nvme").group (7);
  fake.pci ("0000:04:00.0").driver ("nvme").group (8); /* of another group */
  read ();

  const char *message = "group 7 is not viable: 0000:03:01.1 is driven by e1000e, "
                        "0000:03:02.0 by nvme";
  EXPECT_EQ (refusal ("0000:03:01.0", FALSE, VP_DEVICE_ERROR_NOT_VIABLE), message);
  EXPECT_EQ (refusal ("0000:03:01.0", TRUE, VP_DEVICE_ERROR_NOT_VIABLE), message);

  /* Binding one of the culprits still leaves the other. */
  EXPECT_EQ (refusal ("0000:03:01.1", TRUE, VP_DEVICE_ERROR_NOT_VIABLE),
             "group 7 is not viable: 0000:03:02.0 is driven by nvme");
  EXPECT_EQ (refusal ("0000:03:01.1", FALSE, VP_DEVICE_ERROR_NOT_BOUND),
             "0000:03:01.1 is driven by e1000e, not by vfio-pci");
}

struct Sibling
{
  const char *name;
  const char *driver;
  unsigned class_code;
  bool is_viable;
};

const Sibling siblings[] = {
  { "no_driver", "", 0x040300, true },
  { "vfio_pci", "vfio-pci", 0x040300, true },
  { "variant", "nvgrace_gpu_vfio_pci", 0x040300, true },
  { "pci_stub", "pci-stub", 0x040300, true },
  { "pcieport", "pcieport", 0x060400, true },
  { "bridge_without_driver", "", 0x060400, true },
  { "host_bridge", "", 0x060000, true },
  { "bridge_with_a_driver", "shpchp", 0x060400, false },
  { "sound", "snd_hda_intel", 0x040300, false },
  { "looks_like_vfio", "vfio-pci-not", 0x040300, false },
  { "looks_like_stub", "pci-stub2", 0x040300, false },
};

class InventorySibling : public Inventory, public testing::WithParamInterface<Sibling>
{
};

TEST_P (InventorySibling, MayOrMayNotShareTheGroup)
{
  const Sibling &row = GetParam ();
  fake.pci ("0000:41:00.0").driver ("vfio-pci").group (40);
  fake.pci ("0000:41:00.1").class_code (row.class_code).driver (row.driver).group (40);
  read ();

  const std::string wanted = row.is_viable ? ""
                                           : "group 40 is not viable: 0000:41:00.1 is driven by " +
                                                 std::string (row.driver);
  EXPECT_EQ (refusal ("0000:41:00.0", FALSE, VP_DEVICE_ERROR_NOT_VIABLE), wanted);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          InventorySibling,
                          testing::ValuesIn (siblings),
                          name_of_row<Sibling>);

TEST_F (Inventory, IsConstantOnceRead)
{
  fake.pci ("0000:41:00.0").driver ("e1000e").group (40);
  read ();
  fake.pci ("0000:41:00.0").driver ("vfio-pci");
  fake.pci ("0000:42:00.0");

  EXPECT_STREQ (find ("0000:41:00.0")->driver, "e1000e");
  EXPECT_EQ (vp_inventory_get_functions (inventory)->len, 1u);
}

TEST_F (Inventory, TenThousandFunctionsOfOneGroupAreNoProblem)
{
  /* One folder under ten thousand names, which saves making seventy thousand files. */
  fake.pci ("0000:00:00.0").group (1);
  for (unsigned i = 1; i < 10000; i++)
    {
      char name[sizeof "0000:00:00.0"];
      std::snprintf (name, sizeof name, "%04x:%02x:%02x.%x", i >> 16 & 0xff, i >> 8 & 0xff,
                     i >> 3 & 31, i & 7);
      std::filesystem::create_directory_symlink (
          "0000:00:00.0", std::string (fake.root ()) + "/sys/bus/pci/devices/" + name);
    }
  read ();

  ASSERT_EQ (vp_inventory_get_functions (inventory)->len, 10000u);
  g_autoptr (GPtrArray) group = vp_inventory_get_group (inventory, 1);
  EXPECT_EQ (group->len, 10000u);
  for (guint i = 0; i < group->len; i++)
    {
      const auto *function = static_cast<const VpPciFunction *> (group->pdata[i]);
      ASSERT_EQ (vp_inventory_find (inventory, &function->address), function);
    }
}

TEST_F (Inventory, FreeingNothingIsFine) { vp_inventory_free (nullptr); }

} // namespace
