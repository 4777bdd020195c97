#include "devices/pci-function.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <string>

namespace
{

/* Called after each read of an attribute: a device may go at any moment. */
std::function<void (const std::string &path)> after_read;

} // namespace

extern "C"
{
  char *__real_vp_sysfs_read (VpSysfs *self, const char *path, GError **error);

  char *
  __wrap_vp_sysfs_read (VpSysfs *self, const char *path, GError **error)
  {
    char *text = __real_vp_sysfs_read (self, path, error);

    if (after_read)
      after_read (path);
    return text;
  }
}

namespace
{

constexpr uint64_t GiB = UINT64_C (1) << 30;

const char BDF[] = "0000:41:00.0";
const VpPciAddress ADDRESS = { 0, 0x41, 0, 0 };

class PciFunction : public testing::Test
{
protected:
  FakeSysfs fake;
  FakeSysfs::Pci device = fake.pci (BDF);
  VpSysfs *sysfs = vp_sysfs_open (fake.root (), nullptr);
  VpPciFunction *function = nullptr;

  void
  TearDown () override
  {
    after_read = nullptr;
    vp_pci_function_free (function);
    vp_sysfs_free (sysfs);
  }

  /* Fails the test when the function is not there. */
  void
  read ()
  {
    vp_pci_function_free (function);
    function = vp_pci_function_read (sysfs, &ADDRESS);
    ASSERT_NE (function, nullptr);
  }
};

TEST_F (PciFunction, ReadsAllThatIsToKnowAboutAFunction)
{
  device.ids (0x10de, 0x20b5)
      .class_code (0x030200)
      .numa_node (1)
      .bars ({ { 0, FakeBar::MEM32, 16 << 20, 0xb4000000 },
               { 1, FakeBar::MEM64_PREF, 64 * GiB, 0x382000000000 },
               { 3, FakeBar::MEM64_PREF, 32 << 20 } })
      .driver ("vfio-pci")
      .group (40)
      .cdev (3);
  read ();

  EXPECT_EQ (vp_pci_address_compare (&function->address, &ADDRESS), 0);
  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->vendor, 0x10de);
  EXPECT_EQ (function->device, 0x20b5);
  EXPECT_EQ (function->class_code, 0x030200u);
  EXPECT_STREQ (function->driver, "vfio-pci");
  EXPECT_EQ (function->group, 40);
  EXPECT_EQ (function->cdev, 3);
  EXPECT_EQ (function->numa_node, 1);
  EXPECT_TRUE (function->pcie);
  EXPECT_FALSE (function->is_virtual);
  EXPECT_EQ (function->n_virtual_functions, 0u);
  ASSERT_EQ (function->n_bars, 3u);
  EXPECT_EQ (function->bars[1].start, 0x382000000000u);
  EXPECT_EQ (vp_pci_function_largest_bar (function), &function->bars[1]);
  EXPECT_TRUE (vp_pci_function_is_large (function, 64 * GiB));
  EXPECT_FALSE (vp_pci_function_is_large (function, 64 * GiB + 1));
}

TEST_F (PciFunction, WhatAFunctionDoesNotHaveReadsAsAbsent)
{
  device.pcie (false);
  read ();

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->driver, nullptr);
  EXPECT_EQ (function->group, -1);
  EXPECT_EQ (function->cdev, -1);
  EXPECT_EQ (function->numa_node, -1);
  EXPECT_FALSE (function->pcie);
  EXPECT_EQ (function->n_bars, 0u);
  EXPECT_EQ (vp_pci_function_largest_bar (function), nullptr);
  EXPECT_FALSE (vp_pci_function_is_large (function, 1));
}

TEST_F (PciFunction, WithoutConfigOrNumaNodeItIsConventionalAndNowhere)
{
  device.remove_attribute ("config").remove_attribute ("numa_node");
  read ();

  EXPECT_FALSE (function->pcie);
  EXPECT_EQ (function->numa_node, -1);
  EXPECT_EQ (function->problem, nullptr);
}

TEST_F (PciFunction, TheLargestBarIsOf64BitsAndTheFirstOfEquals)
{
  device.bars ({ { 0, FakeBar::MEM32, 1 << 30 },
                 { 1, FakeBar::MEM64_PREF, 256 << 20 },
                 { 3, FakeBar::MEM64, 256 << 20 },
                 { 5, FakeBar::IO, 256 } });
  read ();

  const VpBar *largest = vp_pci_function_largest_bar (function);
  ASSERT_NE (largest, nullptr);
  EXPECT_EQ (largest->index, 1u);
  EXPECT_FALSE (vp_pci_function_is_large (function, 1 << 30));
}

TEST_F (PciFunction, TheExpansionRomIsNoBar)
{
  device.bars ({ { 0, FakeBar::MEM32, 1 << 20 } }).rom (256 << 10);
  read ();

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->n_bars, 1u);
  EXPECT_EQ (function->rom_size, 256u << 10);

  device.rom_line ("0x00000000000c0000 0x00000000000dffff 0x0000000000000212");
  read ();

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->rom_size, 0u) << "the boot display's, in the host's RAM";

  device.rom_line ("0xc0000 0xdfffe 0x40200");
  read ();

  EXPECT_EQ (std::string (function->problem).rfind ("resource: line 7, ", 0), 0u)
      << function->problem;
  EXPECT_EQ (function->rom_size, 0u);
  EXPECT_EQ (function->n_bars, 0u) << "half a file is none";
}

TEST_F (PciFunction, AResizableBarSaysHowLargeItCanBe)
{
  device
      .bars ({ { 0, FakeBar::MEM64_PREF, 256 << 20 },
               { 2, FakeBar::MEM32, 64 << 20 },
               { 4, FakeBar::MEM64, 32 << 20 } })
      .resizable (0, 0xff00)
      .resizable (2, 0x40);
  read ();

  ASSERT_EQ (function->n_bars, 3u);
  EXPECT_EQ (function->bars[0].size, 256u << 20);
  EXPECT_EQ (function->bars[0].max_size, 32 * GiB);
  EXPECT_EQ (function->bars[1].max_size, 64u << 20);
  EXPECT_EQ (function->bars[2].max_size, 32u << 20);
  EXPECT_FALSE (vp_pci_function_is_large (function, 1 * GiB)) << "what it can be is not what it is";
}

TEST_F (PciFunction, SizesThatMakeNoSenseOrMayNotBeReadAreNoProblem)
{
  device.bars ({ { 0, FakeBar::MEM64_PREF, 256 << 20 }, { 2, FakeBar::IO, 32 } })
      .resizable (2, 0xff00);
  for (const std::string &text : { std::string (), std::string ("0xff00\n"),
                                   std::string (100000, 'f'), std::string (17, '\0') })
    {
      device.attribute ("resource0_resize", text);
      read ();

      EXPECT_EQ (function->problem, nullptr) << function->problem;
      EXPECT_EQ (function->bars[0].max_size, 256u << 20);
      EXPECT_EQ (function->bars[1].max_size, 32u);
    }

  device.remove_attribute ("resource0_resize").attribute ("resource0_resize/folder", "");
  read ();

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->bars[0].max_size, 256u << 20);
}

TEST_F (PciFunction, SizesThatOnlyRootMayReadAreNoProblem)
{
  device.bars ({ { 0, FakeBar::MEM64_PREF, 256 << 20 } }).resizable (0, 0xff00);
  std::filesystem::permissions (fake.root (), std::filesystem::perms (0755));
  std::filesystem::permissions (fake.root () + ("/" + device.folder ().string ()) +
                                    "/resource0_resize",
                                std::filesystem::perms::none);

  /* Root may read everything, so it is somebody else for a moment. */
  const bool is_root = geteuid () == 0;
  if (is_root)
    {
      ASSERT_EQ (seteuid (65534), 0);
    }
  read ();
  if (is_root)
    {
      ASSERT_EQ (seteuid (0), 0);
    }

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->bars[0].max_size, 256u << 20);
}

TEST_F (PciFunction, AGroupLinkThatIsNoNumberIsNoGroup)
{
  for (const std::string name : { "4294967297", "2147483648", "-7", "7x", "groups" })
    {
      fake.link (device.folder () / "iommu_group", "sys/kernel/iommu_groups/" + name);
      read ();

      EXPECT_EQ (function->group, -1) << name;
    }
}

TEST_F (PciFunction, ACdevIsFoundAmongOtherNames)
{
  device.attribute ("vfio-dev/power", "")
      .attribute ("vfio-dev/vfio", "")
      .attribute ("vfio-dev/vfio4294967297", "")
      .cdev (12);
  read ();

  EXPECT_EQ (function->cdev, 12);
}

TEST_F (PciFunction, AVirtualFunctionKnowsItsParentAndTheParentItsNumber)
{
  fake.pci ("0000:02:00.0");
  fake.pci ("0000:02:10.0").virtual_of ("0000:02:00.0");
  device.virtual_of ("0000:02:00.0");
  read ();

  const VpPciAddress parent = { 0, 2, 0, 0 };
  EXPECT_TRUE (function->is_virtual);
  EXPECT_EQ (vp_pci_address_compare (&function->physical_function, &parent), 0);
  EXPECT_EQ (function->n_virtual_functions, 0u);

  g_autoptr (VpPciFunction) physical = vp_pci_function_read (sysfs, &parent);
  ASSERT_NE (physical, nullptr);
  EXPECT_FALSE (physical->is_virtual);
  EXPECT_EQ (physical->n_virtual_functions, 2u);
}

TEST_F (PciFunction, GoneBeforeItIsReadItIsNone)
{
  fake.remove_pci (BDF, true);
  EXPECT_EQ (vp_pci_function_read (sysfs, &ADDRESS), nullptr);

  fake.remove_pci (BDF);
  EXPECT_EQ (vp_pci_function_read (sysfs, &ADDRESS), nullptr);
}

TEST_F (PciFunction, GoneBetweenTwoReadsItIsNone)
{
  for (const std::string last : { "class", "vendor", "device", "resource", "sriov_numvfs" })
    {
      fake.pci (BDF);
      after_read = [this, last] (const std::string &path) {
        if (path == last)
          fake.remove_pci (BDF, true);
      };

      EXPECT_EQ (vp_pci_function_read (sysfs, &ADDRESS), nullptr) << last;
      fake.remove_pci (BDF);
    }
}

struct Garbage
{
  const char *name;
  const char *attribute;
  std::string text;
  const char *problem;
};

/* Or GoogleTest prints the bytes of a row, 64 KiB of them. */
void
PrintTo (const Garbage &row, std::ostream *out)
{
  *out << row.name;
}

const std::string HUGE_TEXT (64 * 1024 + 1, '1');
const std::string BINARY = std::string ("\x7f\x45\0\xff", 4) + std::string (4092, '\0');

const Garbage garbage[] = {
  { "class_empty", "class", "", "class: \"\" is not 0x and 6 hexadecimal digits" },
  { "class_truncated", "class", "0x03", "class: \"0x03\" is not" },
  { "class_longer", "class", "0x0302000\n", "class: \"0x0302000\" is not" },
  { "class_word", "class", "display\n", "class: \"display\" is not" },
  { "class_no_prefix", "class", "03020000\n", "class: \"03020000\" is not" },
  { "class_prefix_twice", "class", "0x0x1234\n", "class: \"0x0x1234\" is not" },
  { "class_sign", "class", "0x-30200\n", "class: \"0x-30200\" is not" },
  { "class_blank", "class", "0x 30200\n", "class: \"0x 30200\" is not" },
  { "class_escape", "class", "\x1b[2J0200\n", "class: \"\\033[2J0200\" is not" },
  { "vendor_truncated", "vendor", "0x10", "vendor: \"0x10\" is not 0x and 4 hexadecimal digits" },
  { "device_word", "device", "0xgggg\n", "device: \"0xgggg\" is not" },
  { "resource_truncated", "resource", "0x00000000", "resource: line 1, \"0x00000000\": not" },
  { "resource_empty", "resource", "", "resource: line 1 is missing" },
  { "resource_words", "resource", "abc zyx\n", "resource: line 1, \"abc zyx\": not" },
  { "sriov_word", "sriov_numvfs", "many\n", "sriov_numvfs: \"many\" is not a number" },
  { "sriov_negative", "sriov_numvfs", "-1\n", "sriov_numvfs: \"-1\" is not a number" },
  { "sriov_empty", "sriov_numvfs", "", "sriov_numvfs: \"\" is not a number" },
  { "sriov_too_many", "sriov_numvfs", "4294967296\n", "sriov_numvfs: \"4294967296\" is not" },
  { "sriov_two_lines", "sriov_numvfs", "1\n2\n", "sriov_numvfs: \"1\\n2\" is not a number" },
  { "vendor_empty", "vendor", "", "vendor: \"\" is not" },
  { "vendor_two_lines", "vendor", "0x8086\n0x8086\n", "vendor: \"0x8086\\n0x8086\" is not" },
  { "class_binary", "class", BINARY, "/class: not text: it holds a NUL byte" },
  { "vendor_binary", "vendor", BINARY, "/vendor: not text: it holds a NUL byte" },
  { "resource_binary", "resource", BINARY, "/resource: not text: it holds a NUL byte" },
  { "sriov_binary", "sriov_numvfs", BINARY, "/sriov_numvfs: not text: it holds a NUL byte" },
  { "class_huge", "class", HUGE_TEXT, "/class: longer than 64 KiB" },
  { "vendor_huge", "vendor", HUGE_TEXT, "/vendor: longer than 64 KiB" },
  { "resource_huge", "resource", HUGE_TEXT, "/resource: longer than 64 KiB" },
  { "sriov_huge", "sriov_numvfs", HUGE_TEXT, "/sriov_numvfs: longer than 64 KiB" },
  { "resource_of_64_kib", "resource", std::string (64 * 1024, '\n'),
    "resource: line 1, \"\": not" },
  { "resource_all_of_memory", "resource", "0x0 0xffffffffffffffff 0x14220c\n",
    "resource: line 1, \"0x0 0xffffffffffffffff 0x14220c\": its size is no power of two" },
  { "resource_half_of_memory", "resource",
    "0x8000000000000000 0xffffffffffffffff 0x14220c\n" + std::string (5, '\n'),
    "resource: line 1, \"0x8000000000000000 0xffffffffffffffff 0x14220c\": its size" },
  { "resource_backwards", "resource", "0xffffffffffffffff 0x0 0x14220c\n",
    "resource: line 1, \"0xffffffffffffffff 0x0 0x14220c\": ends before it starts" },
};

class PciFunctionGarbage : public PciFunction, public testing::WithParamInterface<Garbage>
{
};

TEST_P (PciFunctionGarbage, BecomesItsProblem)
{
  const Garbage &row = GetParam ();
  device.driver ("vfio-pci").group (40);
  device.attribute (row.attribute, row.text);
  read ();

  ASSERT_NE (function->problem, nullptr);
  EXPECT_NE (std::string (function->problem).find (row.problem), std::string::npos)
      << function->problem;
  EXPECT_LT (strlen (function->problem), 300u);
  EXPECT_EQ (function->group, 40) << "the rest is still read";
  EXPECT_EQ (function->n_bars, 0u);
  EXPECT_EQ (function->n_virtual_functions, 0u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          PciFunctionGarbage,
                          testing::ValuesIn (garbage),
                          name_of_row<Garbage>);

TEST_F (PciFunction, AFileThatItMustHaveAndCannotBeReadIsAProblem)
{
  for (const std::string name : { "class", "vendor", "device", "resource" })
    {
      fake.remove_pci (BDF);
      fake.pci (BDF).remove_attribute (name);
      read ();
      EXPECT_NE (std::string (function->problem).find ("/" + name + ": No such file"),
                 std::string::npos)
          << function->problem;

      fake.pci (BDF).attribute (name + "/file", "");
      read ();
      EXPECT_NE (std::string (function->problem).find ("/" + name + ": Is a directory"),
                 std::string::npos)
          << function->problem;

      fake.pci (BDF).remove_attribute (name);
      fake.link (device.folder () / name, "sys/nowhere");
      read ();
      EXPECT_NE (std::string (function->problem).find ("/" + name + ": No such file"),
                 std::string::npos)
          << function->problem;
    }
}

TEST_F (PciFunction, AFolderOfVirtualFunctionsIsAProblemAndADanglingLinkIsNone)
{
  device.attribute ("sriov_numvfs/file", "");
  read ();
  ASSERT_NE (function->problem, nullptr);
  EXPECT_NE (strstr (function->problem, "/sriov_numvfs: Is a directory"), nullptr);

  device.remove_attribute ("sriov_numvfs");
  fake.link (device.folder () / "sriov_numvfs", "sys/nowhere");
  read ();
  EXPECT_EQ (function->problem, nullptr) << function->problem;
}

/* They are hints: the device is as assignable without them. */
TEST_F (PciFunction, GarbageInWhatIsOnlyAHintIsAbsence)
{
  for (const std::string &text : { std::string (), std::string ("many\n"), std::string ("-7\n"),
                                   std::string ("4294967296\n"), HUGE_TEXT, BINARY })
    {
      device.attribute ("numa_node", text);
      read ();
      EXPECT_EQ (function->numa_node, -1);
      EXPECT_EQ (function->problem, nullptr) << function->problem;
    }

  device.remove_attribute ("numa_node").attribute ("numa_node/file", "");
  read ();
  EXPECT_EQ (function->numa_node, -1);
  EXPECT_EQ (function->problem, nullptr) << function->problem;
}

TEST_F (PciFunction, OnlyTheSizeOfTheConfigurationCounts)
{
  const struct
  {
    std::string text;
    gboolean pcie;
  } rows[] = {
    { "", FALSE },
    { std::string (64, '\xff'), FALSE }, /* cut */
    { std::string (256, '\xff'), FALSE },
    { std::string (4096, '\xff'), TRUE },
    { HUGE_TEXT, TRUE },
  };

  for (const auto &row : rows)
    {
      device.attribute ("config", row.text);
      read ();
      EXPECT_EQ (function->pcie, row.pcie) << row.text.size ();
      EXPECT_EQ (function->problem, nullptr) << function->problem;
    }

  device.remove_attribute ("config").attribute ("config/file", "");
  read ();
  EXPECT_FALSE (function->pcie);
}

TEST_F (PciFunction, LinksThatAreNoLinksAreAbsent)
{
  device.attribute ("driver", "vfio-pci\n").attribute ("iommu_group", "40\n");
  device.attribute ("physfn", "0000:02:00.0\n").attribute ("vfio-dev", "vfio3\n");
  read ();

  EXPECT_EQ (function->problem, nullptr) << function->problem;
  EXPECT_EQ (function->driver, nullptr);
  EXPECT_EQ (function->group, -1);
  EXPECT_EQ (function->cdev, -1);
  EXPECT_FALSE (function->is_virtual);
}

TEST_F (PciFunction, AFolderThatCannotBeOpenedIsAProblem)
{
  fake.remove_pci (BDF);
  fake.link ("sys/bus/pci/devices/" + std::string (BDF),
             "sys/bus/pci/devices/" + std::string (BDF));
  read ();

  EXPECT_NE (strstr (function->problem, "/sys/bus/pci/devices/0000:41:00.0: Too many levels"),
             nullptr)
      << function->problem;
  EXPECT_EQ (vp_pci_address_compare (&function->address, &ADDRESS), 0);
  EXPECT_EQ (function->group, -1);
  EXPECT_EQ (function->cdev, -1);
}

TEST_F (PciFunction, AFileInPlaceOfTheFolderIsNoFunction)
{
  fake.remove_pci (BDF);
  fake.write ("sys/bus/pci/devices/" + std::string (BDF), "");

  EXPECT_EQ (vp_pci_function_read (sysfs, &ADDRESS), nullptr);
}

TEST_F (PciFunction, OnlyTheFirstProblemIsTold)
{
  device.attribute ("class", "x").attribute ("vendor", "y");
  read ();

  EXPECT_STREQ (function->problem, "class: \"x\" is not 0x and 6 hexadecimal digits");
}

TEST_F (PciFunction, AParentThatIsNoAddressIsAProblem)
{
  fake.link (device.folder () / "physfn", "sys/devices/rubbish");
  read ();

  EXPECT_FALSE (function->is_virtual);
  EXPECT_STREQ (function->problem, "physfn: \"rubbish\" is not a PCI address");
}

struct ClassRow
{
  const char *name;
  unsigned code;
  bool is_bridge;
};

/* Kata's vectors, and what its bit mask used to take for a bridge. */
const ClassRow classes[] = {
  { "host_bridge", 0x060000, true },
  { "pci_bridge", 0x060400, true },
  { "subtractive_bridge", 0x060401, true },
  { "isa_bridge", 0x060100, false },
  { "nvswitch", 0x068000, false },
  { "gpu", 0x030200, false },
  { "audio", 0x040300, false },
  { "serial", 0x070002, false },
  { "communication", 0x078000, false },
  { "bridge_as_interface", 0x020604, false },
};

class PciFunctionClass : public PciFunction, public testing::WithParamInterface<ClassRow>
{
};

TEST_P (PciFunctionClass, BridgesAreExactlyTwoClasses)
{
  device.class_code (GetParam ().code);
  read ();

  EXPECT_EQ (vp_pci_function_is_bridge (function), GetParam ().is_bridge);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          PciFunctionClass,
                          testing::ValuesIn (classes),
                          name_of_row<ClassRow>);

TEST_F (PciFunction, FreeingNothingIsFine) { vp_pci_function_free (nullptr); }

} // namespace
