#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/blueprint.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/run-dir.h"
#include "qmp/message.h"

#include "tests/support/fake-passt.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/golden.h"
#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"
#include "tests/support/unix-socket.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace
{

using Options = std::vector<std::pair<const char *, const char *>>;

/* A host with a GPU, a network card, a card of conventional PCI, and a GPU with sound in one group
 * that the host still uses. */
void
furnish (FakeSysfs &host)
{
  host.pci ("0000:40:00.0")
      .ids (0x8086, 0x352a)
      .class_code (0x060400)
      .driver ("pcieport")
      .group (43);
  host.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200).bars (GPU);
  host.pci ("0000:41:00.0").driver ("vfio-pci").group (40);
  host.pci ("0000:42:00.0").bars (NIC_WITH_IO).driver ("vfio-pci").group (41);
  host.pci ("0000:43:00.0").pcie (false).class_code (0x040300).bars (EDU);
  host.pci ("0000:43:00.0").driver ("vfio-pci").group (42);
  host.pci ("0000:44:00.0").class_code (0x030000).bars (NVME).driver ("nvidia").group (43);
  host.pci ("0000:44:00.1").class_code (0x040300).bars (EDU).driver ("snd_hda_intel").group (43);
  host.pci ("0000:45:00.0").bars (NVME).driver ("nvme");
  host.add_group_node (40).add_group_node (41).add_group_node (42);
  host.write ("proc/cpuinfo", "flags\t\t: fpu\n");
}

VpBlueprint *
build (const FakeSysfs &host,
       const Options &options,
       std::vector<const char *> args,
       GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  const bool has_qemu = std::any_of (options.begin (), options.end (), [] (const auto &option) {
    return strcmp (option.first, "qemu") == 0;
  });

  if ((!has_qemu && !vp_config_set (config, "qemu", "/bin/true", error)) ||
      !vp_config_set (config, "firmware-version", "1.16.2", error) ||
      !vp_config_set (config, "name", "vm", error))
    return nullptr;
  for (const auto &option : options)
    if (!vp_config_set (config, option.first, option.second, error))
      return nullptr;
  args.push_back (nullptr);
  if (!vp_config_set_qemu_args (config, const_cast<char **> (args.data ()), error))
    return nullptr;
  return vp_blueprint_new (g_steal_pointer (&config), host.root (), error);
}

class Blueprint : public testing::Test
{
protected:
  FakeSysfs host_;

  Blueprint () { furnish (host_); }

  VpBlueprint *
  must_build (const Options &options, const std::vector<const char *> &args = {})
  {
    g_autoptr (GError) error = nullptr;
    VpBlueprint *blueprint = build (host_, options, args, &error);
    EXPECT_NE (blueprint, nullptr) << error->message;
    return blueprint;
  }
  static std::vector<std::string>
  ids_of (const VpBlueprint *blueprint)
  {
    std::vector<std::string> ids;
    for (guint i = 0; i < blueprint->plan->devices->len; i++)
      ids.push_back (device_at (blueprint->plan, i)->id);
    return ids;
  }
};

using Ids = std::vector<std::string>;

TEST_F (Blueprint, WithoutDevices)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({});

  EXPECT_EQ (blueprint->plan->devices->len, 0u);
  EXPECT_EQ (blueprint->plan->ports->len, 4u);
  EXPECT_EQ (blueprint->accel, VP_ACCEL_TCG);
  EXPECT_STREQ (blueprint->accel_reason,
                "/dev/kvm: No such file or directory, and the CPU shows neither vmx nor svm");
  EXPECT_STREQ (blueprint->argv[0], "/bin/true");
}

TEST_F (Blueprint, ResolvesEveryKindOfReference)
{
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ { "device", "/dev/vfio/40" }, { "device", "42:00.0" }, { "device", "rng" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-41-00.0", "vfio-42-00.0", "virtio-rng-pci0" }));
  EXPECT_STREQ (device_at (blueprint->plan, 0)->ref, "/dev/vfio/40");
  EXPECT_STREQ (device_at (blueprint->plan, 1)->ref, "42:00.0") << "as typed";
  ASSERT_EQ (blueprint->specs->len, 3u);
  EXPECT_EQ (blueprint->specs->pdata[2], blueprint->config->devices->pdata[2]);
}

TEST_F (Blueprint, WhatIsBehindADeviceIsOnTheCommandLineToo)
{
  const FakePasst passt;
  TempFolder folder;
  const std::string disk = "disk," + folder.write ("d", "");
  const std::string cold_disk = disk + ",plug=cold";

  host_.write ("dev/vhost-net", "");
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "nic,tap,ifname=t0,plug=cold" },
                                                    { "device", "nic,user" },
                                                    { "device", "nic,passt,plug=cold" },
                                                    { "device", cold_disk.c_str () } });
  g_autofree char *argv = g_strjoinv (" ", blueprint->argv);

  EXPECT_EQ (ids_of (blueprint),
             (Ids{ "virtio-net-pci0", "virtio-net-pci1", "virtio-net-pci2", "virtio-blk-pci0" }));
  EXPECT_STREQ (device_at (blueprint->plan, 0)->ref, "nic,tap");
  EXPECT_STREQ (device_at (blueprint->plan, 3)->ref, disk.c_str ());
  ASSERT_EQ (blueprint->cold->len, 3u) << "a hot one is not among them";
  EXPECT_NE (strstr (argv, R"("ifname":"t0","script":"no","downscript":"no","vhost":true,)"
                           R"("vhostfd":"5"})"),
             nullptr)
      << argv;
  EXPECT_NE (strstr (argv, R"({"type":"socket","id":"virtio-net-pci2","fd":"6"})"), nullptr)
      << argv;
  EXPECT_LT (strstr (argv, "-blockdev"), strstr (argv, "virtio-blk-pci")) << argv;
  EXPECT_EQ (strstr (argv, "virtio-net-pci1"), nullptr) << argv;
}

TEST_F (Blueprint, ADeviceThatIsNamedTwiceIsOneDevice)
{
  for (const char *again : { "/dev/vfio/40", "/dev/vfio/devices/vfio3", "0000:41:00.0", "41:00.0" })
    {
      host_.pci ("0000:41:00.0").cdev (3);
      g_autoptr (VpBlueprint) blueprint =
          must_build ({ { "device", "41:00.0" }, { "device", again }, { "device", "42:00.0" } });

      EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-41-00.0", "vfio-42-00.0" })) << again;
      EXPECT_EQ (blueprint->specs->len, 2u);
    }
}

TEST_F (Blueprint, WhoSaysMoreOfADeviceIsHeard)
{
  for (const bool group_first : { true, false })
    {
      const char *group = "/dev/vfio/43", *one = "44:00.1,bind=on,id=sound,plug=cold";
      host_.pci ("0000:44:00.0").driver ("vfio-pci");
      host_.add_group_node (43);
      g_autoptr (VpBlueprint) blueprint = must_build (
          { { "device", group_first ? group : one }, { "device", group_first ? one : group } });

      EXPECT_EQ (std::set<std::string> ({ "vfio-44-00.0", "sound" }),
                 std::set<std::string> (
                     { device_at (blueprint->plan, 0)->id, device_at (blueprint->plan, 1)->id }));
      EXPECT_EQ (blueprint->plan->devices->len, 2u);
      EXPECT_EQ (device_at (blueprint->plan, 0)->plug, VP_PLUG_COLD);
    }
}

TEST_F (Blueprint, AMediatedDeviceIsColdUnlessAskedForAsHot)
{
  const char *uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
  host_.add_mdev (uuid, "0000:41:00.0");
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ { "device", "83B8F4F2-509f-382f-3c1e-e6bfe0fa1001" },
                    { "device", uuid },
                    { "spare", "0" } });
  g_autoptr (VpBlueprint) hot =
      must_build ({ { "device", (std::string (uuid) + ",plug=hot,id=vgpu").c_str () } });
  g_autofree char *command = g_strjoinv ("\n", blueprint->argv);

  EXPECT_EQ (ids_of (blueprint), (Ids{ std::string ("mdev-") + uuid }));
  EXPECT_EQ (device_at (blueprint->plan, 0)->plug, VP_PLUG_COLD);
  EXPECT_NE (strstr (command, "{\"driver\":\"vfio-pci\",\"id\":\"mdev-83b8f4f2-509f-382f-3c1e-"
                              "e6bfe0fa1001\",\"bus\":\"port1\",\"addr\":\"00.0\",\"sysfsdev\":"
                              "\"/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\"}"),
             nullptr)
      << command;
  EXPECT_EQ (ids_of (hot), (Ids{ "vgpu" }));
  EXPECT_EQ (device_at (hot->plan, 0)->plug, VP_PLUG_HOT);
}

TEST_F (Blueprint, AVfioUserDeviceIsColdUnlessAskedForAsHot)
{
  TempFolder folder;
  const std::string qemu = folder.write ("qemu", "#!/bin/sh\necho '  socket=<SocketAddress>'\n");
  std::filesystem::permissions (qemu, std::filesystem::perms::owner_all);
  const UnixSocket one (folder.path ("one")), other (folder.path ("other"));
  const std::string first = "vfio-user,socket=" + one.path ();
  const std::string second = "vfio-user,socket=" + other.path () + ",plug=hot";
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;
  for (const std::string &spec : { first, second, first })
    ASSERT_TRUE (vp_config_set (config, "device", spec.c_str (), &error)) << error->message;
  ASSERT_TRUE (vp_config_set (config, "qemu", qemu.c_str (), &error)) << error->message;
  g_autoptr (VpBlueprint) blueprint =
      vp_blueprint_new (g_steal_pointer (&config), host_.root (), &error);

  ASSERT_NE (blueprint, nullptr) << error->message;
  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-user-pci0", "vfio-user-pci1" }))
      << "one that is named twice is one";
  EXPECT_EQ (device_at (blueprint->plan, 0)->plug, VP_PLUG_COLD);
  EXPECT_EQ (device_at (blueprint->plan, 0)->ref, one.path ());
  EXPECT_STREQ (device_at (blueprint->plan, 0)->reason,
                "vfio-user device, whose BARs are known only to who connects: placed before boot");
  EXPECT_EQ (device_at (blueprint->plan, 1)->plug, VP_PLUG_HOT);
  EXPECT_STREQ (device_at (blueprint->plan, 1)->reason,
                "plug=hot was asked for: its BARs are not known, and no window is prepared "
                "(--spare-window)");
}

TEST_F (Blueprint, NumaNodesThatTheHostLacksAreToldOf)
{
  g_autoptr (VpBlueprint) one = must_build ({ { "numa", "2" } });
  EXPECT_EQ (
      warnings_of (one->plan),
      (Ids{ "--numa 2: the host has 1 NUMA node, so that the memory of the guest's others is "
            "anywhere" }));

  host_.write ("sys/devices/system/node/node0/cpulist", "0\n");
  host_.write ("sys/devices/system/node/node1/cpulist", "1\n");
  host_.pci ("0000:41:00.0").numa_node (1);
  g_autoptr (VpBlueprint) two = must_build ({ { "numa", "2" }, { "device", "41:00.0" } });
  EXPECT_EQ (warnings_of (two->plan), Ids{});
  EXPECT_STREQ (device_at (two->plan, 0)->port, "port193");
  EXPECT_STREQ (port_at (two->plan, two->plan->ports->len - 1)->bus, "numa1");
}

TEST_F (Blueprint, AnIdIsGoodForAGroupOfOne)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "/dev/vfio/40,id=gpu" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "gpu" }));
}

TEST_F (Blueprint, AGroupThatIsBoundTogetherIsViable)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "/dev/vfio/43,bind=on" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-44-00.0", "vfio-44-00.1" })) << "not the bridge";
  EXPECT_EQ (blueprint->specs->pdata[0], blueprint->specs->pdata[1]);
}

TEST_F (Blueprint, AGroupMayBeBoundDeviceByDevice)
{
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ { "device", "44:00.0,bind=on" }, { "device", "44:00.1,bind=on,plug=cold" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-44-00.0", "vfio-44-00.1" }));
}

TEST_F (Blueprint, AnUnboundSiblingDoesNoHarm)
{
  host_.pci ("0000:44:00.1").driver ("");
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "44:00.0,bind=on" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-44-00.0" }));
}

TEST_F (Blueprint, ASiblingWithAStubDoesNoHarm)
{
  host_.pci ("0000:44:00.1").driver ("pci-stub");
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "44:00.0,bind=on" } });

  EXPECT_EQ (ids_of (blueprint), (Ids{ "vfio-44-00.0" }));
}

TEST_F (Blueprint, ANodeThatDoesNotExistYetIsNotMissed)
{
  /* Group 43 has no node before its devices are bound. */
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ { "device", "44:00.0,bind=on" }, { "device", "44:00.1,bind=on" } });

  EXPECT_NE (blueprint, nullptr);
}

TEST_F (Blueprint, WhatTheHostLivesOnCanBeForced)
{
  host_.pci ("0000:44:00.0").attribute ("boot_vga", "1\n");
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ { "device", "44:00.0,bind=on,force=on" }, { "device", "44:00.1,bind=on" } });

  EXPECT_NE (blueprint, nullptr);
}

TEST_F (Blueprint, WhatIsBoundAlreadyTheHostDoesNotLiveOn)
{
  host_.pci ("0000:41:00.0").attribute ("boot_vga", "1\n");
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "41:00.0,bind=on" } });

  EXPECT_NE (blueprint, nullptr);
}

TEST_F (Blueprint, WhatAnotherVmHasIsNamedWithIt)
{
  g_autofree char *base = vp_run_dir_base (host_.root ());
  g_autoptr (GError) error = nullptr;
  VpGroupLock *lock = vp_group_lock_take (base, 41, "first", nullptr);

  ASSERT_NE (lock, nullptr);
  EXPECT_EQ (build (host_, { { "device", "42:00.0" } }, {}, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (error->message, "group 41: VM first has it");

  vp_group_lock_release (lock);
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "device", "42:00.0" } });
}

struct Bad
{
  const char *name;
  Options options;
  GQuark domain;
  int code;
  const char *why;
  std::function<void (FakeSysfs &)> change = [] (FakeSysfs &) {};
};

const Bad bad[] = {
  { "no_such_device",
    { { "device", "77:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_FOUND,
    "0000:77:00.0" },
  { "no_such_group",
    { { "device", "/dev/vfio/77" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_FOUND,
    "group 77" },
  { "no_iommu",
    { { "device", "45:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NO_IOMMU,
    "0000:45:00.0" },
  { "in_use_by_the_host",
    { { "device", "/dev/vfio/43,bind=on" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_IN_USE,
    "0000:44:00.0: the host lives on it: it is the screen",
    [] (FakeSysfs &host) { host.pci ("0000:44:00.0").attribute ("boot_vga", "1\n"); } },
  { "not_bound",
    { { "device", "44:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_BOUND,
    "nvidia" },
  { "sibling_in_use",
    { { "device", "44:00.0,bind=on" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_VIABLE,
    "0000:44:00.1" },
  { "bridge",
    { { "device", "40:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_ASSIGNABLE,
    "bridge" },
  { "one_id_for_two",
    { { "device", "/dev/vfio/43,bind=on,id=x" } },
    VP_ERROR,
    VP_ERROR_USAGE,
    "cannot all be called x" },
  { "same_device_with_different_options",
    { { "device", "41:00.0,id=a" }, { "device", "/dev/vfio/40,id=b" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_DUPLICATE,
    "41:00.0 and /dev/vfio/40 are one device, asked for with different options: \"id=a\" and "
    "\"id=b\"" },
  { "no_such_mediated_device",
    { { "device", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_FOUND,
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" },
  { "mediated_device_without_a_node",
    { { "device", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_BOUND,
    "/dev/vfio/91",
    [] (FakeSysfs &host) {
      host.add_mdev ("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "0000:41:00.0", 91);
      std::filesystem::remove (std::string (host.root ()) + "/dev/vfio/91");
    } },
  { "no_such_socket",
    { { "device", "vfio-user,socket=/nonexistent/sock" } },
    VP_ERROR,
    VP_ERROR_HOST,
    "vfio-user /nonexistent/sock: No such file or directory: start its server first" },
  { "one_socket_with_different_options",
    { { "device", "vfio-user,socket=/s,id=a" }, { "device", "vfio-user,id=b,socket=/s" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_DUPLICATE,
    "/s and /s are one device" },
  { "same_id_twice",
    { { "device", "41:00.0,id=x" }, { "device", "42:00.0,id=x" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_DUPLICATE,
    "\"x\"" },
  { "no_node",
    { { "device", "41:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_BOUND,
    "/dev/vfio/50",
    [] (FakeSysfs &host) { host.pci ("0000:41:00.0").group (50); } },
  { "files_that_make_no_sense",
    { { "device", "41:00.0" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_ASSIGNABLE,
    "0000:41:00.0",
    [] (FakeSysfs &host) { host.pci ("0000:41:00.0").attribute ("resource", "garbage\n"); } },
  { "a_sibling_with_another_driver",
    { { "device", "/dev/vfio/43,bind=on" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NOT_VIABLE,
    "0000:40:00.0",
    [] (FakeSysfs &host) { host.pci ("0000:40:00.0").driver ("shpchp"); } },
  { "too_many_own_devices", Options (20, { "nic", "user" }), VP_ERROR, VP_ERROR_USAGE,
    "has room for" },
  { "large_and_hot_on_pc",
    { { "machine", "pc" }, { "device", "41:00.0,plug=hot" } },
    VP_DEVICE_ERROR,
    VP_DEVICE_ERROR_NO_SLOT,
    "0000:41:00.0" },
  { "kvm_by_name", { { "accel", "kvm" } }, VP_ERROR, VP_ERROR_HOST, "--accel kvm: /dev/kvm" },
  { "missing_disk", { { "disk", "/nonexistent/x" } }, VP_ERROR, VP_ERROR_HOST, "/nonexistent/x" },
};

class BlueprintBad : public testing::TestWithParam<Bad>
{
};

TEST_P (BlueprintBad, IsRefusedAndSaysWhy)
{
  const Bad &row = GetParam ();
  FakeSysfs host;
  g_autoptr (GError) error = nullptr;

  furnish (host);
  row.change (host);
  g_autoptr (VpBlueprint) blueprint = build (host, row.options, {}, &error);
  ASSERT_EQ (blueprint, nullptr);
  EXPECT_TRUE (g_error_matches (error, row.domain, row.code)) << error->message;
  EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, BlueprintBad, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (BlueprintHost, WithoutPciIsRefused)
{
  FakeSysfs host;
  g_autoptr (GError) error = nullptr;

  std::filesystem::remove_all (std::string (host.root ()) + "/sys/bus/pci");
  g_autoptr (VpBlueprint) blueprint = build (host, {}, {}, &error);
  EXPECT_EQ (blueprint, nullptr);
  EXPECT_NE (error, nullptr);
}

TEST (BlueprintHost, ThatIsNotThereIsRefused)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  vp_config_set (config, "qemu", "/bin/true", nullptr);
  g_autoptr (VpBlueprint) blueprint =
      vp_blueprint_new (g_steal_pointer (&config), "/nonexistent", &error);
  EXPECT_EQ (blueprint, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND))
      << error->message;
}

/* QEMU makes key=value devices before ours. */

struct ArgsRow
{
  const char *name;
  std::vector<const char *> args;
  bool warns;
};

const ArgsRow args_rows[] = {
  { "nothing", {}, false },
  { "pci_device", { "-device", "virtio-balloon" }, true },
  { "two_dashes", { "--device", "virtio-balloon" }, true },
  { "json", { "-device", "{\"driver\":\"virtio-balloon\"}" }, false },
  { "with_address", { "-device", "virtio-balloon,addr=0x10" }, false },
  { "on_another_bus", { "-device", "usb-kbd,bus=usb.0" }, false },
  { "not_pci", { "-device", "isa-debug-exit,iobase=0xf4" }, false },
  { "value_is_missing", { "-device" }, false },
};

class BlueprintArgs : public testing::TestWithParam<ArgsRow>
{
};

TEST_P (BlueprintArgs, WarnsOfWhatTakesAPortsPlace)
{
  FakeSysfs host;
  g_autoptr (GError) error = nullptr;

  furnish (host);
  g_autoptr (VpBlueprint) blueprint = build (host, {}, GetParam ().args, &error);
  ASSERT_NE (blueprint, nullptr) << error->message;
  EXPECT_EQ (blueprint->plan->warnings->len, GetParam ().warns ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          BlueprintArgs,
                          testing::ValuesIn (args_rows),
                          name_of_row<ArgsRow>);

/* What plan prints. */

const Options everything = {
  { "device", "/dev/vfio/40" },         { "device", "42:00.0,plug=cold" },
  { "device", "43:00.0,id=snd" },       { "device", "rng" },
  { "device", "/dev/vfio/43,bind=on" }, { "nic", "user" },
  { "nic", "tap,ifname=tap0" },         { "spare", "2" },
};

std::set<std::string>
keys_of (JsonObject *object)
{
  std::set<std::string> keys;
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != nullptr; l = l->next)
    keys.insert (static_cast<char *> (l->data));
  return keys;
}

void
expect_keys (JsonObject *object, const std::set<std::string> &wanted)
{
  const auto keys = keys_of (object);
  for (const std::string &key : wanted)
    EXPECT_EQ (keys.count (key), 1u) << "the contract promises " << key;
}

TEST_F (Blueprint, JsonHasTheKeysOfTheContract)
{
  g_autoptr (VpBlueprint) blueprint = must_build (everything);
  g_autoptr (JsonObject) json = vp_blueprint_to_json (blueprint);

  expect_keys (json, { "machine", "firmware", "ports", "devices", "warnings", "command" });
  EXPECT_STREQ (vp_qmp_message_get_string (json, "machine"), "q35");
  EXPECT_STREQ (vp_qmp_message_get_string (json, "firmware"), "seabios");

  JsonArray *ports = vp_qmp_message_get_array (json, "ports");
  ASSERT_EQ (json_array_get_length (ports), blueprint->plan->ports->len);
  for (guint i = 0; i < json_array_get_length (ports); i++)
    {
      JsonObject *port = json_array_get_object_element (ports, i);
      expect_keys (port, { "id", "address", "chassis", "slot", "use", "reserve" });
      expect_keys (vp_qmp_message_get_object (port, "reserve"), { "io", "mem", "pref64" });
    }

  JsonArray *devices = vp_qmp_message_get_array (json, "devices");
  ASSERT_EQ (json_array_get_length (devices), 6u);
  for (guint i = 0; i < json_array_get_length (devices); i++)
    expect_keys (json_array_get_object_element (devices, i),
                 { "ref", "address", "id", "plug", "bus", "guest_address", "reason" });

  JsonObject *gpu = json_array_get_object_element (devices, 0);
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "ref"), "/dev/vfio/40");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "address"), "0000:41:00.0");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "plug"), "cold");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "guest_address"), "00.0");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "guest_path"), "01/00");
  JsonObject *rng = json_array_get_object_element (devices, 3);
  EXPECT_TRUE (json_object_get_null_member (rng, "address"));

  JsonArray *command = vp_qmp_message_get_array (json, "command");
  ASSERT_EQ (json_array_get_length (command), g_strv_length (blueprint->argv));
  for (guint i = 0; i < json_array_get_length (command); i++)
    EXPECT_STREQ (json_array_get_string_element (command, i), blueprint->argv[i]);
}

TEST_F (Blueprint, JsonHasTheSlotNumberThatTheGuestSees)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({ { "spare", "16" } });
  g_autoptr (JsonObject) json = vp_blueprint_to_json (blueprint);
  JsonArray *ports = vp_qmp_message_get_array (json, "ports");
  bool found = false;

  for (guint i = 0; i < json_array_get_length (ports); i++)
    {
      JsonObject *port = json_array_get_object_element (ports, i);
      if (g_str_equal (vp_qmp_message_get_string (port, "address"), "01.1"))
        {
          found = true;
          EXPECT_EQ (vp_qmp_message_get_int (port, "chassis", -1), 16);
          EXPECT_EQ (vp_qmp_message_get_int (port, "slot", -1), 16);
        }
    }
  EXPECT_TRUE (found);
}

TEST_F (Blueprint, TextIsAsRecorded)
{
  g_autoptr (VpBlueprint) blueprint = must_build (everything, { "-device", "virtio-balloon" });
  g_autofree char *text = vp_blueprint_to_text (blueprint, FALSE);

  expect_golden ("plan-text/q35.txt", text);
}

TEST_F (Blueprint, TextOfPcIsAsRecorded)
{
  g_autoptr (VpBlueprint) blueprint = must_build (
      { { "machine", "pc" }, { "device", "41:00.0" }, { "device", "rng" }, { "spare", "1" } });
  g_autofree char *text = vp_blueprint_to_text (blueprint, FALSE);

  expect_golden ("plan-text/pc.txt", text);
}

TEST_F (Blueprint, GraphIsAsRecorded)
{
  g_autoptr (VpBlueprint) blueprint = must_build (everything);
  g_autofree char *dot = vp_blueprint_to_dot (blueprint);

  expect_golden ("plan-dot/q35.dot", dot);
}

TEST_F (Blueprint, GraphOfEveryKindOfPortIsAsRecorded)
{
  for (int i = 0; i < 18; i++)
    {
      char address[16];
      snprintf (address, sizeof address, "0000:%02x:00.0", 0x50 + i);
      host_.pci (address).bars (NVME).driver ("vfio-pci").group (50 + i);
      host_.add_group_node (50 + i);
    }
  Options options = { { "machine", "pc" } };
  std::vector<std::string> groups;
  for (int i = 0; i < 18; i++)
    groups.push_back ("/dev/vfio/" + std::to_string (50 + i));
  for (const std::string &group : groups)
    options.emplace_back ("device", group.c_str ());
  g_autoptr (VpBlueprint) pc = must_build (options);
  g_autofree char *pc_dot = vp_blueprint_to_dot (pc);
  expect_golden ("plan-dot/pc.dot", pc_dot);

  host_.pci ("0000:41:00.0").numa_node (0);
  g_autoptr (VpBlueprint) numa =
      must_build ({ { "numa", "2" }, { "device", "41:00.0" }, { "spare", "1" } });
  g_autofree char *numa_dot = vp_blueprint_to_dot (numa);
  g_autofree char *numa_text = vp_blueprint_to_text (numa, FALSE);
  expect_golden ("plan-dot/numa.dot", numa_dot);
  expect_golden ("plan-text/numa.txt", numa_text);
}

TEST_F (Blueprint, ColourIsAllThatColourAdds)
{
  g_autoptr (VpBlueprint) blueprint = must_build (everything);
  g_autofree char *plain = vp_blueprint_to_text (blueprint, FALSE);
  g_autofree char *colour = vp_blueprint_to_text (blueprint, TRUE);
  g_autoptr (GRegex) escape =
      g_regex_new ("\033\\[[0-9]*m", GRegexCompileFlags (0), GRegexMatchFlags (0), nullptr);
  g_autofree char *bleached =
      g_regex_replace_literal (escape, colour, -1, 0, "", GRegexMatchFlags (0), nullptr);

  EXPECT_EQ (strchr (plain, '\033'), nullptr);
  EXPECT_STRNE (plain, colour);
  EXPECT_STREQ (plain, bleached);
}

/* iommufd */

class BlueprintIommufd : public Blueprint
{
protected:
  TempFolder folder_;
  std::string qemu_;

  BlueprintIommufd ()
  {
    host_.add_iommufd ();
    host_.pci ("0000:41:00.0").cdev (3);
    make_qemu ("echo '  fd=<string>'; echo '  iommufd=<link<iommufd>>'");
  }
  /* A QEMU that says this of its vfio-pci, and how often it was asked. */
  void
  make_qemu (const std::string &script)
  {
    qemu_ = folder_.write ("qemu",
                           "#!/bin/sh\necho >>" + folder_.path ("asked") + "\n" + script + "\n");
    chmod (qemu_.c_str (), 0755);
  }
  size_t
  n_asked () const
  {
    std::ifstream file (folder_.path ("asked"));
    return std::string (std::istreambuf_iterator<char> (file), {}).size ();
  }
  VpBlueprint *
  build_with (Options options, GError **error)
  {
    options.push_back ({ "qemu", qemu_.c_str () });
    options.push_back ({ "spare", "1" });
    return build (host_, options, {}, error);
  }
  /* The lines of the command line that are about it. */
  static std::vector<std::string>
  lines_of (const VpBlueprint *blueprint)
  {
    std::vector<std::string> lines;
    for (char **arg = blueprint->argv; *arg != nullptr; arg++)
      if (strstr (*arg, "iommufd") != nullptr || strstr (*arg, "vfio-pci") != nullptr)
        lines.emplace_back (*arg);
    return lines;
  }
};

const char *const OBJECT = R"({"qom-type":"iommufd","id":"vmplug-iommufd","fd":"5"})";

TEST_F (BlueprintIommufd, ADeviceNamedByItsNodeIsUsedByIt)
{
  g_autoptr (VpBlueprint) blueprint =
      build_with ({ { "device", "/dev/vfio/devices/vfio3,plug=cold" } }, nullptr);

  ASSERT_NE (blueprint, nullptr);
  EXPECT_EQ (
      lines_of (blueprint),
      (Ids{ OBJECT, R"({"driver":"vfio-pci","id":"vfio-41-00.0","bus":"port1","addr":"00.0",)"
                    R"("fd":"6","iommufd":"vmplug-iommufd"})" }));
  EXPECT_TRUE (warnings_of (blueprint->plan).empty ());
  EXPECT_TRUE (blueprint->has_iommufd);
}

TEST_F (BlueprintIommufd, MixedWithADeviceByItsGroup)
{
  g_autoptr (VpBlueprint) blueprint =
      build_with ({ { "device", "42:00.0,plug=cold" },
                    { "device", "/dev/vfio/40,plug=cold,iommufd=on" },
                    { "device", "43:00.0,plug=cold,iommufd=off" } },
                  nullptr);

  ASSERT_NE (blueprint, nullptr);
  const Ids lines = lines_of (blueprint);
  ASSERT_EQ (lines.size (), 4u);
  EXPECT_EQ (lines[0], OBJECT);
  EXPECT_NE (lines[1].find (R"("host":"0000:42:00.0")"), std::string::npos) << lines[1];
  EXPECT_NE (lines[2].find (R"("fd":"6","iommufd":"vmplug-iommufd")"), std::string::npos)
      << lines[2];
  EXPECT_EQ (lines[2].find ("host"), std::string::npos) << lines[2];
  EXPECT_NE (lines[3].find (R"("host":"0000:43:00.0")"), std::string::npos) << lines[3];
}

TEST_F (BlueprintIommufd, IsThereForOneThatComesLater)
{
  g_autoptr (VpBlueprint) blueprint =
      build_with ({ { "device", "41:00.0,plug=hot,iommufd=on" } }, nullptr);

  ASSERT_NE (blueprint, nullptr);
  EXPECT_EQ (lines_of (blueprint), Ids{ OBJECT });
}

TEST_F (BlueprintIommufd, ADeviceThatIsNotBoundYetHasItsNumberAlready)
{
  host_.pci ("0000:42:00.0").driver ("e1000e");
  g_autoptr (VpBlueprint) blueprint =
      build_with ({ { "device", "42:00.0,plug=cold,iommufd=on,bind=on" },
                    { "device", "41:00.0,plug=cold,iommufd=on" } },
                  nullptr);

  ASSERT_NE (blueprint, nullptr);
  EXPECT_EQ (lines_of (blueprint).size (), 3u);
  EXPECT_EQ (n_asked (), 1u) << "two devices, one question";
}

TEST_F (BlueprintIommufd, QemuIsAskedOnlyWhenItIsWanted)
{
  g_autoptr (VpBlueprint) blueprint = build_with (
      { { "device", "41:00.0,plug=cold" }, { "device", "42:00.0,iommufd=off" } }, nullptr);

  ASSERT_NE (blueprint, nullptr);
  EXPECT_EQ (n_asked (), 0u);
  EXPECT_EQ (lines_of (blueprint).size (), 1u);
}

struct IommufdRow
{
  const char *name;
  std::function<void (FakeSysfs &, std::string &)> change; /* of host and of QEMU's answer */
  const char *device;
  const char *why; /* part of it */
};

void
lose_iommu (FakeSysfs &host, std::string &)
{
  std::filesystem::remove (std::string (host.root ()) + "/dev/iommu");
}

void
lose_nodes (FakeSysfs &host, std::string &)
{
  std::filesystem::remove_all (std::string (host.root ()) + "/dev/vfio/devices");
}

void
lose_qemu (FakeSysfs &, std::string &script)
{
  script = "echo nothing";
}

const IommufdRow iommufd_rows[] = {
  { "no_iommu", lose_iommu, "41:00.0,iommufd=on", "/dev/iommu is not there" },
  { "no_nodes", lose_nodes, "41:00.0,iommufd=on", "/dev/vfio/devices/vfio3 is not there" },
  { "no_node", [] (FakeSysfs &, std::string &) {}, "42:00.0,iommufd=on",
    "0000:42:00.0: the kernel has made no VFIO node" },
  { "old_qemu", lose_qemu, "41:00.0,iommufd=on", "its vfio-pci has no iommufd" },
  { "node_no_iommu", lose_iommu, "/dev/vfio/devices/vfio3", "/dev/iommu is not there" },
  { "node_no_nodes", lose_nodes, "/dev/vfio/devices/vfio3",
    "/dev/vfio/devices/vfio3 is not there" },
  { "node_old_qemu", lose_qemu, "/dev/vfio/devices/vfio3", "its vfio-pci has no iommufd" },
};

class BlueprintWithoutIommufd : public BlueprintIommufd,
                                public testing::WithParamInterface<IommufdRow>
{
};

/* Asked for, it is refused; else the group does, and that is told. */
TEST_P (BlueprintWithoutIommufd, SaysWhatIsMissing)
{
  const IommufdRow &row = GetParam ();
  const bool must = strstr (row.device, "iommufd=on") != nullptr;
  std::string script = "echo '  fd=<string>'; echo '  iommufd=<link<iommufd>>'";
  g_autoptr (GError) error = nullptr;

  row.change (host_, script);
  make_qemu (script);
  g_autoptr (VpBlueprint) blueprint =
      build_with ({ { "device", (std::string (row.device) + ",plug=cold").c_str () } }, &error);

  if (must)
    {
      ASSERT_EQ (blueprint, nullptr);
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
      EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
      return;
    }
  ASSERT_NE (blueprint, nullptr) << error->message;
  const Ids warnings = warnings_of (blueprint->plan);
  ASSERT_EQ (warnings.size (), 1u);
  EXPECT_EQ (warnings[0].rfind ("/dev/vfio/devices/vfio3 is used by its group: ", 0), 0u);
  EXPECT_NE (warnings[0].find (row.why), std::string::npos) << warnings[0];
  ASSERT_EQ (lines_of (blueprint).size (), 1u);
  EXPECT_NE (lines_of (blueprint)[0].find (R"("host":"0000:41:00.0")"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          BlueprintWithoutIommufd,
                          testing::ValuesIn (iommufd_rows),
                          name_of_row<IommufdRow>);

TEST_F (BlueprintIommufd, OneGroupIsUsedOneWay)
{
  g_autoptr (GError) error = nullptr;

  host_.pci ("0000:44:00.0").driver ("vfio-pci").cdev (4);
  host_.pci ("0000:44:00.1").driver ("vfio-pci").cdev (5);
  host_.add_group_node (43);
  EXPECT_EQ (build_with ({ { "device", "44:00.0,iommufd=on" }, { "device", "44:00.1" } }, &error),
             nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_STREQ (error->message,
                "0000:44:00.0 and 0000:44:00.1 share IOMMU group 43: iommufd= must be the same for "
                "both");

  g_autoptr (VpBlueprint) whole = build_with ({ { "device", "/dev/vfio/43,iommufd=on" } }, nullptr);
  ASSERT_NE (whole, nullptr);
  EXPECT_EQ (whole->plan->devices->len, 2u);
}

TEST_F (BlueprintIommufd, SomebodyElseHasIt)
{
  g_autoptr (GError) error = nullptr;

  host_.add_open_file (4711, "qemu-system-x86", 9, "/dev/vfio/devices/vfio3");
  EXPECT_EQ (build_with ({ { "device", "41:00.0,iommufd=on" } }, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
}

TEST_F (BlueprintIommufd, ARehearsalNeedsNone)
{
  g_autoptr (VpConfig) config = vp_config_new ();

  lose_iommu (host_, qemu_);
  vp_config_set (config, "qemu", qemu_.c_str (), nullptr);
  vp_config_set (config, "firmware-version", "1.16.2", nullptr);
  vp_config_set (config, "name", "vm", nullptr);
  vp_config_set (config, "device", "41:00.0,iommufd=on", nullptr);
  g_autoptr (VpBlueprint) blueprint =
      vp_blueprint_new_for_rehearsal (g_steal_pointer (&config), host_.root (), nullptr);
  EXPECT_NE (blueprint, nullptr);
  EXPECT_EQ (n_asked (), 0u);
}

} // namespace
