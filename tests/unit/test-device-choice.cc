#include "devices/error.h"
#include "launcher/config/device-spec.h"
#include "launcher/error.h"
#include "launcher/wrapper/device-choice.h"

#include "tests/support/fake-sysfs.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace
{

constexpr uint64_t GiB = UINT64_C (1) << 30;
const char UUID[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

using Lines = std::vector<std::string>;

/* A host with two GPUs that have a sound function each, two network cards, one of them with a
 * driver of the host, and a GPU that the host uses:
 *
 *   41:00.0, .1  group 40  large, sound; vfio-pci
 *   42:00.0, .1  group 41  large, sound; vfio-pci
 *   43:00.0      group 42  network; vfio-pci
 *   44:00.0      group 43  network; e1000e
 *   45:00.0      group 44  large; nouveau
 *   00:1c.0      group 40  bridge; pcieport
 */
class DeviceChoice : public testing::Test
{
protected:
  FakeSysfs host;
  std::vector<std::string> environment;
  Lines callers;
  std::string sandbox = "sandbox-1";
  std::map<int, std::string> held; /* group -> by whom */
  Lines claims;                    /* in their order, "40!" when it was named */
  Lines notes;
  GPtrArray *rules = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_device_rule_free);
  GError *error = nullptr;

  DeviceChoice ()
  {
    add_gpu ("0000:41:00.", 40, "vfio-pci");
    add_gpu ("0000:42:00.", 41, "vfio-pci");
    host.pci ("0000:43:00.0").driver ("vfio-pci").group (42);
    host.pci ("0000:44:00.0").driver ("e1000e").group (43);
    host.pci ("0000:45:00.0").ids (0x10de, 0x20b5).class_code (0x030200).group (44);
    host.pci ("0000:45:00.0").bars ({ { 1, FakeBar::MEM64_PREF, 64 * GiB } }).driver ("nouveau");
    host.pci ("0000:00:1c.0").class_code (0x060400).driver ("pcieport").group (40);
  }
  ~DeviceChoice () override
  {
    g_ptr_array_unref (rules);
    g_clear_error (&error);
  }

  void
  add_gpu (const std::string &slot, int group, const char *driver)
  {
    host.pci (slot + "0").ids (0x10de, 0x20b5).class_code (0x030200).group (group);
    host.pci (slot + "0").bars ({ { 1, FakeBar::MEM64_PREF, 64 * GiB } }).driver (driver);
    host.pci (slot + "1").ids (0x10de, 0x1aef).class_code (0x040300).group (group).driver (driver);
  }
  /* The next rule; set its members. */
  VpDeviceRule *
  rule ()
  {
    const std::string where = "rule " + std::to_string (rules->len + 1);
    VpDeviceRule *made = vp_device_rule_new (where.c_str ());
    g_ptr_array_add (rules, made);
    return made;
  }
  VpDeviceRule *
  large_rule (guint count)
  {
    VpDeviceRule *made = rule ();
    made->large = VP_RULE_LARGE_YES;
    made->count = count;
    return made;
  }
  VpDeviceRule *
  named_rule (const std::vector<const char *> &names)
  {
    VpDeviceRule *made = rule ();
    for (const char *name : names)
      {
        VpDeviceRef ref;
        if (!vp_device_ref_parse (name, &ref, nullptr))
          std::abort ();
        g_array_append_val (ref.kind == VP_DEVICE_REF_GROUP ? made->groups : made->addresses, ref);
      }
    return made;
  }
  VpDeviceRule *
  spec_rule (const char *text)
  {
    VpDeviceRule *made = rule ();
    made->spec = vp_device_spec_parse (text, nullptr);
    if (made->spec == nullptr)
      std::abort ();
    return made;
  }
  static void
  set_globs (char ***globs, const char *glob)
  {
    g_strfreev (*globs);
    *globs = g_strsplit (glob, " ", -1);
  }

  static gboolean
  claim (int group, gboolean is_named, gpointer user_data, GError **error)
  {
    auto *self = static_cast<DeviceChoice *> (user_data);
    self->claims.push_back (std::to_string (group) + (is_named ? "!" : ""));
    if (self->held.count (group) == 0)
      return TRUE;
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d: VM %s has it", group,
                 self->held[group].c_str ());
    return FALSE;
  }
  static void
  append (Lines *lines, const GPtrArray *array)
  {
    for (guint i = 0; i < array->len; i++)
      lines->push_back (static_cast<char *> (array->pdata[i]));
  }

  /* "SPEC < REASON", or the error. */
  Lines
  choose ()
  {
    std::vector<const char *> variables;
    for (const std::string &variable : environment)
      variables.push_back (variable.c_str ());
    variables.push_back (nullptr);
    g_autoptr (VpDeviceEnvironment) named =
        vp_device_environment_parse (variables.data (), nullptr);
    g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), nullptr);
    g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, nullptr);
    g_autoptr (GPtrArray) of_caller = g_ptr_array_new ();
    for (std::string &caller : callers)
      g_ptr_array_add (of_caller, caller.data ());

    VpDeviceChoiceInput input = {};
    input.inventory = inventory;
    input.sandbox = sandbox.c_str ();
    input.environment = named;
    input.rules = rules;
    input.callers = of_caller;
    input.large_bar = 4 * GiB;
    input.claim = claim;
    input.claim_data = this;
    g_clear_error (&error);
    claims.clear ();
    notes.clear ();
    g_autoptr (VpDeviceChoice) choice = vp_device_choice_make (&input, &error);
    if (choice == nullptr)
      return { error->message };

    Lines lines;
    EXPECT_EQ (choice->specs->len, choice->reasons->len);
    for (guint i = 0; i < choice->specs->len; i++)
      lines.push_back (std::string (static_cast<VpDeviceSpec *> (choice->specs->pdata[i])->text) +
                       " < " + static_cast<char *> (choice->reasons->pdata[i]));
    append (&notes, choice->notes);
    return lines;
  }
};

TEST_F (DeviceChoice, WithoutRulesTakesNothing)
{
  EXPECT_EQ (choose (), Lines ());
  EXPECT_EQ (claims, Lines ());
}

TEST_F (DeviceChoice, LargeTakesEveryFreeOneWithItsGroup)
{
  large_rule (0);

  EXPECT_EQ (
      choose (),
      (Lines{ "0000:41:00.0 < rule 1", "0000:41:00.1 < rule 1, with 0000:41:00.0 of group 40",
              "0000:42:00.0 < rule 1", "0000:42:00.1 < rule 1, with 0000:42:00.0 of group 41" }));
  EXPECT_EQ (claims, (Lines{ "40", "41" })) << "each once, and none is waited for";
  EXPECT_EQ (notes, (Lines{ "rule 1: 0000:45:00.0 passed over: 0000:45:00.0 is driven by nouveau, "
                            "not by vfio-pci" }));
}

TEST_F (DeviceChoice, CountIsOfThoseThatTheRuleIsAbout)
{
  large_rule (1);

  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1",
                                "0000:41:00.1 < rule 1, with 0000:41:00.0 of group 40" }));
  EXPECT_EQ (claims, (Lines{ "40" })) << "no more is taken from the others than is needed";
}

TEST_F (DeviceChoice, ABusyGroupIsPassedOver)
{
  large_rule (1)->plug = VP_PLUG_COLD;
  held[40] = "other";

  EXPECT_EQ (choose (),
             (Lines{ "0000:42:00.0,plug=cold < rule 1",
                     "0000:42:00.1,plug=cold < rule 1, with 0000:42:00.0 of group 41" }));
  EXPECT_EQ (notes, (Lines{ "rule 1: 0000:41:00.0 passed over: group 40: VM other has it" }));
}

TEST_F (DeviceChoice, NothingFreeIsNoError)
{
  large_rule (1);
  held[40] = held[41] = "other";

  EXPECT_EQ (choose (), Lines ());
  ASSERT_EQ (notes.size (), 4U);
  EXPECT_EQ (notes[3], "rule 1: no device that it is about is bound to vfio-pci and free");
}

TEST_F (DeviceChoice, TwoRulesTakeTwoDevices)
{
  large_rule (1);
  large_rule (1)->plug = VP_PLUG_HOT;

  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1",
                                "0000:41:00.1 < rule 1, with 0000:41:00.0 of group 40",
                                "0000:42:00.0,plug=hot < rule 2",
                                "0000:42:00.1,plug=hot < rule 2, with 0000:42:00.0 of group 41" }));
}

TEST_F (DeviceChoice, ByClassAndIdAndDriver)
{
  VpDeviceRule *network = rule ();
  set_globs (&network->classes, "02*");
  set_globs (&network->drivers, "*vfio*");
  set_globs (&network->ids, "10de:* 8086:10d3");

  EXPECT_EQ (choose (), (Lines{ "0000:43:00.0 < rule 1" }));
}

TEST_F (DeviceChoice, OnlyOfItsSandbox)
{
  large_rule (0)->sandbox = g_strdup ("sandbox-2*");
  named_rule ({ "0000:99:00.0" })->sandbox = g_strdup ("vm*");

  EXPECT_EQ (choose (), Lines ());
  EXPECT_EQ (claims, Lines ());
  sandbox = "sandbox-22";
  EXPECT_EQ (choose ().size (), 4U);
}

TEST_F (DeviceChoice, NamedDevicesComeFirstAndAreWaitedFor)
{
  large_rule (1);
  named_rule ({ "0000:43:00.0", "/dev/vfio/42" });
  named_rule ({ "0000:41:00.1" })->plug = VP_PLUG_COLD;
  environment = { "PCIDEVICE_X=0000:43:00.0" };

  EXPECT_EQ (choose (), (Lines{ "0000:43:00.0 < PCIDEVICE_X", "0000:41:00.1,plug=cold < rule 3",
                                "0000:41:00.0,plug=cold < rule 3, with 0000:41:00.1 of group 40",
                                "0000:42:00.0 < rule 1",
                                "0000:42:00.1 < rule 1, with 0000:42:00.0 of group 41" }));
  EXPECT_EQ (claims, (Lines{ "42!", "40!", "41" }));
}

TEST_F (DeviceChoice, ANamedGroupIsAllOfItsEndpoints)
{
  named_rule ({ "/dev/vfio/40" });

  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1", "0000:41:00.1 < rule 1" }))
      << "the bridge is none";
}

TEST_F (DeviceChoice, OtherConditionsNarrowNamedDevices)
{
  named_rule ({ "0000:43:00.0", "0000:41:00.0", "0000:42:00.0" })->large = VP_RULE_LARGE_YES;
  static_cast<VpDeviceRule *> (rules->pdata[0])->count = 1;

  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1",
                                "0000:41:00.1 < rule 1, with 0000:41:00.0 of group 40" }));
}

TEST_F (DeviceChoice, ANamedDeviceThatIsBusyIsAnError)
{
  named_rule ({ "0000:41:00.0" });
  held[40] = "sandbox-2";

  EXPECT_EQ (choose (), (Lines{ "rule 1: 0000:41:00.0: group 40: VM sandbox-2 has it" }));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
}

TEST_F (DeviceChoice, ANamedDeviceThatIsMissingIsAnError)
{
  named_rule ({ "0000:99:00.0" });

  EXPECT_EQ (choose (), (Lines{ "rule 1: 0000:99:00.0: the host has no such device" }));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
}

TEST_F (DeviceChoice, ANamedGroupThatIsMissingIsAnError)
{
  environment = { "VMPLUG_DEVICES=/dev/vfio/7" };

  EXPECT_EQ (choose (), (Lines{ "VMPLUG_DEVICES: IOMMU group 7: the host has no such group" }));
}

TEST_F (DeviceChoice, ANamedDeviceOfAnotherDriverIsAnErrorUnlessItMayBeBound)
{
  VpDeviceRule *by_address = named_rule ({ "0000:44:00.0" });

  EXPECT_EQ (choose (), (Lines{ "rule 1: 0000:44:00.0 is driven by e1000e, not by vfio-pci" }));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND));
  EXPECT_EQ (claims, Lines ()) << "what is no use is not taken from others";
  by_address->bind = TRUE;
  EXPECT_EQ (choose (), (Lines{ "0000:44:00.0,bind=on < rule 1" }));
}

TEST_F (DeviceChoice, AGroupIsBoundAsAWhole)
{
  host.pci ("0000:42:00.1").driver ("snd_hda_intel");
  environment = { "VMPLUG_DEVICES=42:00.0,id=gpu,rombar=off" };

  EXPECT_EQ (choose (), (Lines{ "VMPLUG_DEVICES: group 41 is not viable: 0000:42:00.1 is driven by "
                                "snd_hda_intel" }));
  environment = { "VMPLUG_DEVICES=42:00.0,id=gpu,rombar=off,bind=on" };
  EXPECT_EQ (choose (), (Lines{ "0000:42:00.0,id=gpu,rombar=off,bind=on < VMPLUG_DEVICES",
                                "0000:42:00.1,bind=on < VMPLUG_DEVICES, with 0000:42:00.0 of group "
                                "41" }));
}

TEST_F (DeviceChoice, APickedGroupMustBeViable)
{
  host.pci ("0000:41:00.1").driver ("snd_hda_intel");
  large_rule (1);

  EXPECT_EQ (choose ()[0], "0000:42:00.0 < rule 1");
  EXPECT_EQ (notes[0], "rule 1: 0000:41:00.0 passed over: group 40 is not viable: 0000:41:00.1 is "
                       "driven by snd_hda_intel");
}

TEST_F (DeviceChoice, AMateWithoutDriverStaysBehind)
{
  host.pci ("0000:41:00.1").driver ("");
  large_rule (1);

  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1" }));
  EXPECT_EQ (notes, (Lines{ "rule 1: left out of group 40: 0000:41:00.1 has no driver: it is not "
                            "bound to vfio-pci" }));
}

TEST_F (DeviceChoice, AGroupWithTooManyIsPassedOver)
{
  host.pci ("0000:41:00.1").class_code (0x030200).bars ({ { 0, FakeBar::MEM64_PREF, 16 * GiB } });
  large_rule (1);

  EXPECT_EQ (choose ()[0], "0000:42:00.0 < rule 1");
  EXPECT_EQ (notes[0], "rule 1: 0000:41:00.0 passed over: group 40 has 2 such devices, and only 1 "
                       "are wanted");
  static_cast<VpDeviceRule *> (rules->pdata[0])->count = 2;
  EXPECT_EQ (choose (), (Lines{ "0000:41:00.0 < rule 1", "0000:41:00.1 < rule 1" }));
}

TEST_F (DeviceChoice, ADeviceByItsNodeBringsItsMatesByTheirs)
{
  host.pci ("0000:41:00.0").cdev (3);
  host.pci ("0000:41:00.1").cdev (4);
  spec_rule ("/dev/vfio/devices/vfio3,iommufd=on");

  EXPECT_EQ (choose (), (Lines{ "/dev/vfio/devices/vfio3,iommufd=on < rule 1",
                                "/dev/vfio/devices/vfio4,iommufd=on < rule 1, with 0000:41:00.0 of "
                                "group 40" }));
}

TEST_F (DeviceChoice, WhatIsNoHostFunctionGoesThrough)
{
  host.add_mdev (UUID, "0000:43:00.0");
  spec_rule ("rng");
  spec_rule ("rng");
  environment = { std::string ("MDEV_PCI_RESOURCE_A=") + UUID,
                  std::string ("VMPLUG_DEVICES=") + UUID + ",plug=cold" };

  EXPECT_EQ (choose (), (Lines{ std::string (UUID) + ",plug=cold < VMPLUG_DEVICES", "rng < rule 1",
                                "rng < rule 2" }));
  EXPECT_EQ (claims, Lines ());
}

TEST_F (DeviceChoice, AMediatedDeviceThatIsMissingIsAnError)
{
  environment = { std::string ("MDEV_PCI_RESOURCE_A=") + UUID };

  EXPECT_EQ (choose (), (Lines{ std::string ("MDEV_PCI_RESOURCE_A: mediated device ") + UUID +
                                ": the host has no such device" }));
}

TEST_F (DeviceChoice, OneNameForSeveralDevicesIsAnError)
{
  spec_rule ("/dev/vfio/40,id=gpu");

  EXPECT_NE (choose ()[0].find ("rule 1: \"/dev/vfio/40,id=gpu\" stands for 2 devices"),
             std::string::npos);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
}

TEST_F (DeviceChoice, WhatTheCallerHasIsNotGivenTwice)
{
  host.add_mdev (UUID, "0000:43:00.0");
  callers = { "0000:41:00.0",
              std::string ("/sys/bus/mdev/devices/") + UUID,
              "/sys/bus/pci/devices/0000:43:00.0",
              "nonsense",
              "",
              "0000:99:00.0" };
  environment = { "PCIDEVICE_A=0000:41:00.0,0000:43:00.0",
                  std::string ("MDEV_PCI_RESOURCE_A=") + UUID };
  large_rule (1);

  EXPECT_EQ (choose (), (Lines{ "0000:42:00.0 < rule 1",
                                "0000:42:00.1 < rule 1, with 0000:42:00.0 of group 41" }));
  EXPECT_EQ (claims, (Lines{ "40!", "42!", "41" })) << "its groups are the VM's, too";
}

TEST_F (DeviceChoice, WhatTheCallerCannotHaveIsForQemuToSay)
{
  callers = { "43:00.0" };
  held[42] = "other";

  EXPECT_EQ (choose (), Lines ());
  EXPECT_EQ (notes, (Lines{ "43:00.0, of the caller's command line: group 42: VM other has it" }));
}

TEST_F (DeviceChoice, IsTheSameInWhateverOrderTheHostWasMade)
{
  large_rule (0);
  named_rule ({ "0000:43:00.0" });
  const Lines first = choose ();

  for (const char *address : { "0000:42:00.1", "0000:41:00.1" })
    {
      host.remove_pci (address);
      host.pci (address).ids (0x10de, 0x1aef).class_code (0x040300).driver ("vfio-pci");
      host.pci (address).group (address[6] == '2' ? 41 : 40);
    }
  EXPECT_EQ (choose (), first);
}

} // namespace
