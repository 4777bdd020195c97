#include "launcher/vm/bindings.h"

#include "tests/support/command-run.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

/* An IOMMU group that somebody has open. */
static std::string busy_node;

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (!busy_node.empty () && busy_node == path)
      {
        errno = EBUSY;
        return -1;
      }
    return __real_vp_sysfs_open_file (self, path, flags);
  }
}

namespace
{

/* Group 40 has a bridge, a network card of two functions and nothing else; group 41 a lone one. */
class CommandBind : public testing::Test
{
protected:
  CommandBind ()
  {
    setenv ("VMPLUG_ROOT", host.root (), 1);
    host.add_driver ("vfio-pci");
    host.pci ("0000:40:01.0").class_code (0x060400).driver ("pcieport").group (40);
    for (const char *address : { "0000:41:00.0", "0000:41:00.1", "0000:42:00.0" })
      {
        host.pci (address).driver ("e1000e").group (address == std::string ("0000:42:00.0") ? 41
                                                                                            : 40);
        kernel.set_native_driver (address, "e1000e");
      }
    host.add_group_node (40).add_group_node (41);
  }
  ~CommandBind () override
  {
    unsetenv ("VMPLUG_ROOT");
    busy_node.clear ();
  }

  std::string
  driver (const std::string &address)
  {
    return host.link_name (FakeSysfs::pci_folder (address) / "driver");
  }
  bool
  has_entry (const std::string &address)
  {
    return !host.read ("run/vmplug/bindings/" + address).empty ();
  }
  /* Runs a command that must succeed. */
  std::string
  output (const std::vector<std::string> &words)
  {
    CommandRun run (words);
    EXPECT_EQ (run.wait (), 0) << run.err;
    warnings = run.err;
    return run.out;
  }

  FakeSysfs host;
  FakeKernel kernel{ &host };
  std::string warnings;
};

TEST_F (CommandBind, AGroupAndBack)
{
  EXPECT_EQ (output ({ "bind", "/dev/vfio/40" }), "0000:41:00.0: e1000e -> vfio-pci\n"
                                                  "0000:41:00.1: e1000e -> vfio-pci\n");
  EXPECT_EQ (warnings, "");
  EXPECT_EQ (driver ("0000:40:01.0"), "pcieport");
  EXPECT_EQ (driver ("0000:42:00.0"), "e1000e");
  EXPECT_TRUE (has_entry ("0000:41:00.1"));

  EXPECT_EQ (output ({ "bind", "/dev/vfio/40" }),
             "0000:41:00.0: nothing to do, it has the driver vfio-pci\n"
             "0000:41:00.1: nothing to do, it has the driver vfio-pci\n");

  EXPECT_EQ (output ({ "release", "/dev/vfio/40" }), "0000:41:00.0: vfio-pci -> e1000e\n"
                                                     "0000:41:00.1: vfio-pci -> e1000e\n");
  EXPECT_EQ (driver ("0000:41:00.1"), "e1000e");
  EXPECT_FALSE (has_entry ("0000:41:00.1"));

  EXPECT_EQ (output ({ "release", "/dev/vfio/40" }),
             "0000:41:00.0: nothing to do, it has the driver e1000e\n"
             "0000:41:00.1: nothing to do, it has the driver e1000e\n");
}

TEST_F (CommandBind, ADeviceIsTakenOnceHoweverOftenItIsNamed)
{
  EXPECT_EQ (output ({ "bind", "41:00.1", "/dev/vfio/40", "0000:41:00.1", "42:00.0" }),
             "0000:41:00.1: e1000e -> vfio-pci\n"
             "0000:41:00.0: e1000e -> vfio-pci\n"
             "0000:42:00.0: e1000e -> vfio-pci\n");
}

TEST_F (CommandBind, HalfAGroupIsDoneWithAWarning)
{
  EXPECT_EQ (output ({ "bind", "41:00.0" }), "0000:41:00.0: e1000e -> vfio-pci\n");
  EXPECT_EQ (driver ("0000:41:00.0"), "vfio-pci");
  EXPECT_EQ (warnings, "vmplug: warning: group 40 is not viable: 0000:41:00.1 is driven by e1000e; "
                       "bind what is left of the group, too\n");

  EXPECT_EQ (output ({ "bind", "41:00.1" }), "0000:41:00.1: e1000e -> vfio-pci\n");
  EXPECT_EQ (warnings, "");
}

TEST_F (CommandBind, AllOrNone)
{
  /* 41:00.0 is probed, then 41:00.1 cannot be */
  kernel.refuse ("drivers_probe", VP_DEVICE_ERROR_IO, "Input/output error", 1);
  CommandRun run ({ "bind", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.out, "");
  EXPECT_EQ (run.err.find ("vmplug: 0000:41:00.1: "), 0u) << run.err;
  EXPECT_EQ (driver ("0000:41:00.0"), "e1000e");
  EXPECT_EQ (driver ("0000:41:00.1"), "e1000e");
  EXPECT_FALSE (has_entry ("0000:41:00.0"));
  EXPECT_FALSE (has_entry ("0000:41:00.1"));
}

TEST_F (CommandBind, WhatWasBoundBeforeStaysWhenTheRestFails)
{
  host.pci ("0000:41:00.0").driver ("vfio-pci");
  kernel.refuse ("drivers_probe", VP_DEVICE_ERROR_IO, "Input/output error");
  CommandRun run ({ "bind", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (driver ("0000:41:00.0"), "vfio-pci");
}

TEST_F (CommandBind, WithoutTheDriverNothingIsTouched)
{
  host.remove_driver ("vfio-pci");
  CommandRun run ({ "bind", "42:00.0" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_NE (run.err.find ("run modprobe vfio-pci"), std::string::npos) << run.err;
  EXPECT_EQ (driver ("0000:42:00.0"), "e1000e");
  EXPECT_EQ (host.read (FakeSysfs::pci_folder ("0000:42:00.0") / "driver_override"), "(null)\n");
}

TEST_F (CommandBind, ADeviceThatTheUserBoundGoesToWhoeverTheKernelFinds)
{
  host.pci ("0000:42:00.0").driver ("vfio-pci").attribute ("driver_override", "vfio-pci\n");
  EXPECT_EQ (output ({ "release", "42:00.0" }), "0000:42:00.0: vfio-pci -> e1000e\n");
}

TEST_F (CommandBind, ADeviceWithoutADriver)
{
  host.pci ("0000:42:00.0").driver ("");
  EXPECT_EQ (output ({ "release", "42:00.0" }), "0000:42:00.0: nothing to do, it has no driver\n");
  EXPECT_EQ (output ({ "bind", "42:00.0" }), "0000:42:00.0: no driver -> vfio-pci\n");
  EXPECT_EQ (output ({ "release", "42:00.0" }), "0000:42:00.0: vfio-pci -> no driver\n");
}

TEST_F (CommandBind, WhatIsGoneIsForgotten)
{
  output ({ "bind", "41:00.0", "42:00.0" });
  host.remove_pci ("0000:42:00.0");

  EXPECT_EQ (output ({ "release", "42:00.0", "41:00.0" }),
             "42:00.0: gone, so that nothing is to be given back\n"
             "0000:41:00.0: vfio-pci -> e1000e\n");
  EXPECT_FALSE (has_entry ("0000:42:00.0"));
  EXPECT_EQ (driver ("0000:41:00.0"), "e1000e");
}

TEST_F (CommandBind, WhatAVmHasIsNotReleased)
{
  output ({ "bind", "/dev/vfio/40", "42:00.0" });
  busy_node = "dev/vfio/40";
  CommandRun run ({ "release", "42:00.0", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.out, "");
  for (const char *address : { "0000:41:00.0", "0000:41:00.1", "0000:42:00.0" })
    EXPECT_EQ (driver (address), "vfio-pci");
}

TEST_F (CommandBind, OneThatCannotGoBackKeepsNoOther)
{
  output ({ "bind", "/dev/vfio/40", "42:00.0" });
  kernel.refuse ("41:00.0/driver_override", VP_DEVICE_ERROR_IO, "Input/output error");
  kernel.refuse ("41:00.1/driver_override", VP_DEVICE_ERROR_IO, "Input/output error");
  CommandRun run ({ "release", "/dev/vfio/40", "42:00.0" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.out, "0000:42:00.0: vfio-pci -> e1000e\n");
  EXPECT_NE (run.err.find ("0000:41:00.0: "), std::string::npos) << run.err;
  EXPECT_NE (run.err.find ("0000:41:00.1: "), std::string::npos) << run.err;
  EXPECT_TRUE (has_entry ("0000:41:00.0"));
}

TEST_F (CommandBind, WhatTheHostLivesOnIsTakenByForceOnly)
{
  const std::filesystem::path card = FakeSysfs::pci_folder ("0000:41:00.1") / "net/eth0";
  host.make_folder (card);
  host.link ("sys/class/net/eth0", card);
  host.write ("proc/net/route", "Iface\n"
                                "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");

  CommandRun run ({ "bind", "42:00.0", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.err, "vmplug: 0000:41:00.1: the host lives on it: the default route (IPv4) goes "
                      "over eth0; move the host away from it, or take it all the same (vmplug bind "
                      "--force, force=on)\n");
  EXPECT_EQ (driver ("0000:42:00.0"), "e1000e") << "nothing was changed";

  output ({ "bind", "--force", "/dev/vfio/40" });
  EXPECT_EQ (driver ("0000:41:00.1"), "vfio-pci");
  output ({ "bind", "/dev/vfio/40" });
}

TEST_F (CommandBind, WhatAVmHasJustTakenIsNotReleased)
{
  VpSysfs *sysfs = vp_sysfs_open (host.root (), nullptr);
  VpBindings *vm = vp_bindings_new_for_vm (sysfs, host.root (), "vm1");
  ASSERT_TRUE (vp_bindings_lock_group (vm, 40, nullptr));
  output ({ "bind", "/dev/vfio/40" });
  CommandRun run ({ "release", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.err.find ("vmplug: group 40: VM vm1 has it"), 0u) << run.err;
  EXPECT_EQ (driver ("0000:41:00.0"), "vfio-pci");
  vp_bindings_free (vm);
  vp_sysfs_free (sysfs);
}

struct RefusalRow
{
  const char *name;
  const char *ref;
  int status;
  const char *message;
};
class CommandBindRefusal : public CommandBind, public testing::WithParamInterface<RefusalRow>
{
};
const RefusalRow refusals[] = {
  { "bridge", "40:01.0", 3, "0000:40:01.0" },
  { "no_such_device", "50:00.0", 3, "0000:50:00.0" },
  { "no_such_group", "/dev/vfio/99", 3, "99" },
  { "control_node", "/dev/vfio/vfio", 2, "/dev/vfio/vfio" },
  { "no_group", "43:00.0", 3, "0000:43:00.0 is in no IOMMU group" },
  { "with_virtual_functions", "44:00.0", 3, "0000:44:00.0" },
  { "garbage", "gpu", 2, "\"gpu\" is not a device" },
  { "empty", "", 2, "\"\" is not a device" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          CommandBindRefusal,
                          testing::ValuesIn (refusals),
                          name_of_row<RefusalRow>);

TEST_P (CommandBindRefusal, ChangesNothingAlsoNotTheRest)
{
  host.pci ("0000:43:00.0").driver ("e1000e");
  host.pci ("0000:44:00.0").driver ("e1000e").group (44).virtual_functions (2);
  CommandRun run ({ "bind", "42:00.0", GetParam ().ref });
  EXPECT_EQ (run.wait (), GetParam ().status);
  EXPECT_NE (run.err.find (GetParam ().message), std::string::npos) << run.err;
  EXPECT_EQ (run.out, "");
  EXPECT_EQ (driver ("0000:42:00.0"), "e1000e");
  EXPECT_FALSE (has_entry ("0000:42:00.0"));
}

} // namespace
