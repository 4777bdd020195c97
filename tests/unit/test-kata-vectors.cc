#include "devices/attach-count.h"
#include "devices/device-ref.h"
#include "devices/error.h"
#include "devices/inventory.h"
#include "launcher/config/host-size.h"
#include "launcher/config/kata-settings.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

/* The inputs of kata's own tests of its VFIO code, and what vmplug makes of them. Where it differs
 * on purpose, the row says why. */

namespace
{

constexpr guint64 GiB = G_GUINT64_CONSTANT (1) << 30;

/* TestIsVFIO, TestIOMMUFDID, TestGetVFIODetails: what names a device. */

struct RefRow
{
  const char *name;
  const char *text;
  int kind; /* -1: none */
  guint number = 0;
};

void
PrintTo (const RefRow &row, std::ostream *out)
{
  *out << row.name;
}

const RefRow refs[] = {
  { "group_16", "/dev/vfio/16", VP_DEVICE_REF_GROUP, 16 },
  { "group_1", "/dev/vfio/1", VP_DEVICE_REF_GROUP, 1 },
  { "cdev", "/dev/vfio/devices/vfio0", VP_DEVICE_REF_CDEV, 0 },
  { "cdev_99", "/dev/vfio/devices/vfio99", VP_DEVICE_REF_CDEV, 99 },
  { "folder_with_slash", "/dev/vfio/", -1 },
  { "folder", "/dev/vfio", -1 },
  { "cut", "/dev/vf", -1 },
  { "dev", "/dev", -1 },
  { "control_node", "/dev/vfio/vfio", -1 },
  { "below_the_control_node", "/dev/vfio/vfio/12", -1 },
  { "no_number", "/dev/vfio/invalid", -1 },
  { "elsewhere", "/dev/other/42", -1 },
  { "address", "0000:02:10.0", VP_DEVICE_REF_PCI },
  { "address_without_colon", "0000:0210.0", -1 },
  { "uuid_cut", "f79944e4-5a3d-11e8-99ce-", -1 },
  { "uuid_shorter", "f79944e4-5a3d-11e8-99ce", -1 },
  { "word", "test", -1 },
  { "nothing", "", -1 },
};

class KataRef : public testing::TestWithParam<RefRow>
{
};

TEST_P (KataRef, IsADeviceOrIsNone)
{
  VpDeviceRef ref;
  const gboolean ok = vp_device_ref_parse (GetParam ().text, &ref, nullptr);

  ASSERT_EQ (static_cast<bool> (ok), GetParam ().kind >= 0);
  if (ok)
    {
      EXPECT_EQ (ref.kind, GetParam ().kind);
      EXPECT_EQ (ref.number, GetParam ().number);
      g_autofree char *again = vp_device_ref_to_string (&ref);
      EXPECT_STREQ (again, GetParam ().text);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, KataRef, testing::ValuesIn (refs), name_of_row<RefRow>);

/* TestIsLargeBarSpace: the file "resource" of a function. */

struct LargeRow
{
  const char *name;
  const char *resource;
  int large;       /* -1: the function is refused */
  const char *why; /* where that is not what kata 2 said */
};

void
PrintTo (const LargeRow &row, std::ostream *out)
{
  *out << row.name;
}

const LargeRow larges[] = {
  { "empty", "", -1, "kata: not large; but a function without a table is not understood" },
  { "blanks", " \t\n\n  ", -1, "the same" },
  { "words", "abc zyx", -1, "the same" },
  { "no_end", "0x00015\n0x0013", -1, "the same" },
  { "small", "0xc6000000 0xc6ffffff 0x40200", 0, nullptr },
  { "reversed", "0xc6ffffff 0xc6000000 0x40200", -1, "kata: not large; the kernel never says so" },
  { "sixteen", "0x383800000000 0x383bffffffff 0x14220c", 1, nullptr },
  { "sixteen_without_flags", "0x383800000000 0x383bffffffff", -1,
    "kata: large; but the flags say whether it is a BAR of 64 bits" },
  { "four", "0x100000000 0x1ffffffff 0x14220c", 1, "kata: not large, for it takes 5 GiB" },
  { "two", "0x100000000 0x17fffffff 0x14220c", 0, nullptr },
  { "eight", "0x200000000 0x3ffffffff 0x14220c", 1, nullptr },
  { "eight_of_rom", "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0x200000000 0x3ffffffff 0x46200", 0,
    "kata: large, for it counts every line; a ROM needs no window at boot" },
};

class KataLarge : public testing::TestWithParam<LargeRow>
{
};

TEST_P (KataLarge, IsDecidedByTheBars)
{
  FakeSysfs fake;
  /* Kata's vectors are the first line; the kernel writes one for each BAR and the ROM. */
  std::string resource = GetParam ().resource;
  while (!resource.empty () && std::count (resource.begin (), resource.end (), '\n') < 7)
    resource += resource.back () == '\n' ? "0x0 0x0 0x0\n" : "\n";
  fake.pci ("0000:41:00.0").attribute ("resource", resource);
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), nullptr);
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, nullptr);
  ASSERT_NE (inventory, nullptr);
  VpPciAddress address;
  ASSERT_TRUE (vp_pci_address_parse ("0000:41:00.0", &address, nullptr));
  const VpPciFunction *function = vp_inventory_find (inventory, &address);
  ASSERT_NE (function, nullptr);

  EXPECT_EQ (static_cast<bool> (vp_pci_function_is_large (function, 4 * GiB)),
             GetParam ().large == 1);
  if (GetParam ().large < 0)
    {
      EXPECT_EQ (function->n_bars, 0u) << GetParam ().why;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, KataLarge, testing::ValuesIn (larges), name_of_row<LargeRow>);

/* TestCheckIgnorePCIClass: what of a group is given to the VM. An NVSwitch (0680) and an audio
 * function (0403) are, host and PCI bridges are not. */

struct ClassRow
{
  const char *name;
  guint code;
  bool is_given;
};

class KataClass : public testing::TestWithParam<ClassRow>
{
};

TEST_P (KataClass, BridgesOfAGroupStayWithTheHost)
{
  FakeSysfs fake;
  fake.pci ("0000:41:00.0").class_code (GetParam ().code).group (40);
  fake.pci ("0000:41:00.1").class_code (0x030200).group (40);
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), nullptr);
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, nullptr);
  VpDeviceRef ref;
  ASSERT_TRUE (vp_device_ref_parse ("/dev/vfio/40", &ref, nullptr));
  g_autoptr (GPtrArray) functions = vp_inventory_resolve (inventory, &ref, nullptr);

  ASSERT_NE (functions, nullptr);
  EXPECT_EQ (functions->len, GetParam ().is_given ? 2u : 1u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          KataClass,
                          testing::Values (ClassRow{ "host_bridge", 0x060000, false },
                                           ClassRow{ "pci_bridge", 0x060400, false },
                                           ClassRow{ "nvswitch", 0x068000, true },
                                           ClassRow{ "gpu", 0x030200, true },
                                           ClassRow{ "audio", 0x040300, true },
                                           ClassRow{ "serial", 0x070002, true }),
                          name_of_row<ClassRow>);

/* TestAttachVFIODevice: 256 bytes of configuration space, or fewer, are no PCI Express. */
TEST (KataPcie, IsSeenFromTheSizeOfTheConfigurationSpace)
{
  for (const auto &[bytes, pcie] : { std::pair (0, false), { 256, false }, { 4096, true } })
    {
      FakeSysfs fake;
      fake.pci ("0000:00:1c.0").attribute ("config", std::string (bytes, '\0'));
      g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), nullptr);
      g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, nullptr);
      const GPtrArray *functions = vp_inventory_get_functions (inventory);

      ASSERT_EQ (functions->len, 1u);
      EXPECT_EQ (static_cast<bool> (static_cast<VpPciFunction *> (functions->pdata[0])->pcie), pcie)
          << bytes;
    }
}

/* TestBumpAttachCount, TestAttachDetachDevice */
TEST (KataAttachCount, OnlyTheFirstAndTheLastDoAnything)
{
  guint count = 0;
  gboolean is_last;

  EXPECT_TRUE (vp_attach_count_up (&count, nullptr));
  EXPECT_TRUE (vp_attach_count_up (&count, nullptr));
  EXPECT_EQ (count, 2u);
  EXPECT_TRUE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_FALSE (is_last);
  EXPECT_TRUE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_TRUE (is_last);
  EXPECT_FALSE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_EQ (count, 0u);

  count = VP_ATTACH_COUNT_MAX;
  EXPECT_FALSE (vp_attach_count_up (&count, nullptr));
  EXPECT_EQ (count, VP_ATTACH_COUNT_MAX);
  EXPECT_TRUE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_EQ (count, VP_ATTACH_COUNT_MAX - 1);
}

/* machine_accelerators and cpu_features */
TEST (KataLists, EmptyPartsAndBlanksGo)
{
  const struct
  {
    const char *text, *joined;
  } rows[] = {
    { "abc", "abc" }, { ", , abc , ,", "abc" }, { ",, abc ,,, 123 ,,", "abc,123" }, { "", "" },
    { " , ", "" },    { "pmu=off", "pmu=off" }
  };

  for (const auto &row : rows)
    {
      g_autofree char *joined = vp_kata_key_join (row.text);
      EXPECT_STREQ (joined, row.joined) << row.text;
    }
}

TEST (KataSandbox, IsCoveredOrNot)
{
  EXPECT_TRUE (vp_kata_key_sandbox_is_covered ("on,obsolete=deny,spawn=deny,resourcecontrol=deny"));
  EXPECT_TRUE (vp_kata_key_sandbox_is_covered ("on"));
  EXPECT_TRUE (vp_kata_key_sandbox_is_covered ("on,elevateprivileges=children"));
  EXPECT_FALSE (vp_kata_key_sandbox_is_covered ("on,network=deny"));
  EXPECT_FALSE (vp_kata_key_sandbox_is_covered ("off")) << "nobody is to believe that it is off";
}

/* TestVfioCheckQemu: cold_plug_vfio, hot_plug_vfio */
TEST (KataPorts, ColdAndHotExcludeEachOther)
{
  static const char *const ports[] = { "no-port", "root-port", "switch-port", "bridge-port" };
  const VpHostSize host = { 4, 1, 8 * GiB };

  for (const char *cold : ports)
    for (const char *hot : ports)
      {
        const std::string text = std::string ("[hypervisor.qemu]\ncold_plug_vfio = \"") + cold +
                                 "\"\nhot_plug_vfio = \"" + hot + "\"\n";
        g_autoptr (VpTomlFile) file =
            vp_toml_file_parse ("a", text.c_str (), text.size (), nullptr);
        g_autoptr (VpKataValues) values = vp_kata_values_new ();
        g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
        g_autoptr (GPtrArray) settings = g_ptr_array_new_with_free_func (
            [] (gpointer setting) { vp_setting_free (static_cast<VpSetting *> (setting)); });
        ASSERT_TRUE (vp_kata_values_add_file (values, file, 0, lines, nullptr));

        const bool both = !g_str_equal (cold, "no-port") && !g_str_equal (hot, "no-port");
        EXPECT_EQ (static_cast<bool> (vp_kata_settings_add (values, &host, settings, nullptr)),
                   !both)
            << cold << " " << hot;
      }
}

/* A host as big as "all of it". */
TEST (KataHost, IsCounted)
{
  FakeSysfs fake;
  VpHostSize size;
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), nullptr);

  vp_host_size_read (sysfs, &size);
  EXPECT_EQ (size.n_cpus, 0u);
  EXPECT_EQ (size.memory, 0u);

  fake.write ("sys/devices/system/cpu/online", "0-3,8\n");
  fake.write ("sys/devices/system/node/online", "0\n");
  fake.write ("proc/meminfo", "MemTotal:        1048576 kB\n");
  vp_host_size_read (sysfs, &size);
  EXPECT_EQ (size.n_cpus, 5u);
  EXPECT_EQ (size.n_nodes, 1u);
  EXPECT_EQ (size.memory, GiB);

  for (const char *bad : { "", "x", "3-1", "0-", "0-99999", "-1", "0,,1" })
    {
      fake.write ("sys/devices/system/cpu/online", bad);
      vp_host_size_read (sysfs, &size);
      EXPECT_EQ (size.n_cpus, 0u) << bad;
    }
}

} // namespace
