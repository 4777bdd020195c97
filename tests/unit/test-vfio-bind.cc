#include "devices/error.h"
#include "devices/vfio-bind.h"

#include "tests/support/fake-kernel.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

const char BDF[] = "0000:01:00.0";
const VpPciAddress ADDRESS = { 0, 1, 0, 0 };

using Writes = std::vector<std::string>;

/* A network card with its driver, in an IOMMU group, on a host with vfio-pci loaded. */
class VfioBind : public testing::Test
{
protected:
  FakeSysfs fake;
  VpSysfs *sysfs = vp_sysfs_open (fake.root (), nullptr);

  VfioBind ()
  {
    fake.pci (BDF).driver ("e1000e").group (5);
    fake.add_driver ("vfio-pci");
  }
  ~VfioBind () override { vp_sysfs_free (sysfs); }

  std::string
  driver ()
  {
    g_autofree char *name = vp_vfio_driver_of (sysfs, &ADDRESS);
    return name != nullptr ? name : "";
  }
  std::string
  override ()
  {
    return fake.read (FakeSysfs::pci_folder (BDF) / "driver_override");
  }

  /* "" when it worked, else the message without the fake's root; checks the code. */
  std::string
  outcome (gboolean ok, GError *error, int code)
  {
    EXPECT_EQ (ok, error == nullptr);
    if (ok)
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
    std::string message = error->message;
    for (size_t at; (at = message.find (fake.root ())) != std::string::npos;)
      message.erase (at, std::string (fake.root ()).size ());
    return message;
  }
  std::string
  bind (int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    const gboolean ok = vp_vfio_bind (sysfs, &ADDRESS, &error);
    return outcome (ok, error, code);
  }
  std::string
  release (const char *to, int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    const gboolean ok = vp_vfio_release (sysfs, &ADDRESS, to, &error);
    return outcome (ok, error, code);
  }
};

TEST_F (VfioBind, TakesAFunctionInThreeWrites)
{
  FakeKernel kernel (&fake);

  EXPECT_EQ (bind (), "");
  EXPECT_EQ (driver (), "vfio-pci");
  EXPECT_EQ (kernel.writes,
             (Writes{ "0000:01:00.0/driver_override=vfio-pci", "driver/unbind=0000:01:00.0",
                      "pci/drivers_probe=0000:01:00.0" }));
}

TEST_F (VfioBind, OneWithoutADriverNeedsNoUnbind)
{
  fake.pci (BDF).driver ("");
  FakeKernel kernel (&fake);

  EXPECT_EQ (bind (), "");
  EXPECT_EQ (driver (), "vfio-pci");
  EXPECT_EQ (kernel.writes,
             (Writes{ "0000:01:00.0/driver_override=vfio-pci", "pci/drivers_probe=0000:01:00.0" }));
}

TEST_F (VfioBind, WhatIsBoundAlreadyIsNotTouched)
{
  for (const char *name : { "vfio-pci", "mlx5_vfio_pci" })
    {
      fake.pci (BDF).driver (name);
      FakeKernel kernel (&fake);

      EXPECT_EQ (bind (), "") << name;
      EXPECT_EQ (kernel.writes, Writes{}) << name;
      EXPECT_EQ (driver (), name);
    }
}

TEST_F (VfioBind, AMissingDeviceIsNotFound)
{
  fake.remove_pci (BDF);
  FakeKernel kernel (&fake);

  EXPECT_EQ (bind (VP_DEVICE_ERROR_NOT_FOUND), "0000:01:00.0: the host has no such device");
  EXPECT_EQ (release ("e1000e", VP_DEVICE_ERROR_NOT_FOUND),
             "0000:01:00.0: the host has no such device");
  EXPECT_EQ (kernel.writes, Writes{});
}

TEST_F (VfioBind, WithoutTheDriverNothingIsChanged)
{
  fake.remove_driver ("vfio-pci");
  FakeKernel kernel (&fake);

  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER), "0000:01:00.0: the driver vfio-pci is not loaded");
  EXPECT_EQ (kernel.writes, Writes{});
  EXPECT_EQ (driver (), "e1000e");
}

TEST_F (VfioBind, AHostThatOnlyTakesTheBytesIsNotBelieved)
{
  /* No kernel behind these files: each write succeeds and changes nothing. */
  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: vfio-pci did not take it, e1000e has it");
  EXPECT_EQ (override (), "\n") << "the override is cleared";
  EXPECT_EQ (fake.read (FakeSysfs::driver_folder ("e1000e") / "unbind"), BDF);
  EXPECT_EQ (fake.read ("sys/bus/pci/drivers_probe"), BDF);
  EXPECT_EQ (fake.read (FakeSysfs::driver_folder ("e1000e") / "bind"), "")
      << "what was never lost needs no giving back";
}

TEST_F (VfioBind, ARefusedProbeIsRolledBack)
{
  FakeKernel kernel (&fake);
  kernel.make_unwilling ("vfio-pci");

  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: vfio-pci did not take it, it has no driver");
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (override (), "(null)\n");
  EXPECT_EQ (kernel.writes,
             (Writes{ "0000:01:00.0/driver_override=vfio-pci", "driver/unbind=0000:01:00.0",
                      "pci/drivers_probe=0000:01:00.0", "0000:01:00.0/driver_override=\n",
                      "e1000e/bind=0000:01:00.0" }));
}

TEST_F (VfioBind, AMissingGroupIsNamedAsTheReason)
{
  fake.pci (BDF).remove_attribute ("iommu_group");
  FakeKernel kernel (&fake);
  kernel.make_unwilling ("vfio-pci");

  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER), "0000:01:00.0: vfio-pci did not take it, it has no "
                                            "driver, and it is in no IOMMU group");
  EXPECT_EQ (driver (), "e1000e");
}

TEST_F (VfioBind, OneWithoutADriverIsLeftWithoutAfterAFailure)
{
  fake.pci (BDF).driver ("");
  FakeKernel kernel (&fake);
  kernel.make_unwilling ("vfio-pci");

  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: vfio-pci did not take it, it has no driver");
  EXPECT_EQ (driver (), "");
  EXPECT_EQ (override (), "(null)\n");
}

struct Step
{
  const char *name;
  const char *path;
  VpDeviceError code;
  const char *why;
  const char *message;
  VpDeviceError result;
};

const Step steps[] = {
  { "override_not_permitted", "driver_override", VP_DEVICE_ERROR_PERMISSION, "Permission denied",
    "0000:01:00.0: /sys/bus/pci/devices/0000:01:00.0/driver_override: Permission denied",
    VP_DEVICE_ERROR_PERMISSION },
  { "override_missing", "driver_override", VP_DEVICE_ERROR_NOT_FOUND, "No such file or directory",
    "0000:01:00.0: /sys/bus/pci/devices/0000:01:00.0/driver_override: No such file or directory",
    VP_DEVICE_ERROR_DRIVER },
  { "unbind_refused", "unbind", VP_DEVICE_ERROR_IO, "Device or resource busy",
    "0000:01:00.0: /sys/bus/pci/devices/0000:01:00.0/driver/unbind: Device or resource busy",
    VP_DEVICE_ERROR_IO },
  { "probe_refused", "drivers_probe", VP_DEVICE_ERROR_IO, "Input/output error",
    "0000:01:00.0: /sys/bus/pci/drivers_probe: Input/output error", VP_DEVICE_ERROR_IO },
};

TEST_F (VfioBind, AFailureAtAnyStepLeavesTheHostAsItWas)
{
  for (const Step &step : steps)
    {
      FakeKernel kernel (&fake);
      kernel.refuse (step.path, step.code, step.why);

      EXPECT_EQ (bind (step.result), step.message) << step.name;
      EXPECT_EQ (driver (), "e1000e") << step.name;
      EXPECT_EQ (override (), "(null)\n") << step.name;
    }
}

TEST_F (VfioBind, AFirstWriteThatFailsIsTheOnlyOne)
{
  FakeKernel kernel (&fake);
  kernel.refuse ("driver_override", VP_DEVICE_ERROR_PERMISSION, "Permission denied");

  bind (VP_DEVICE_ERROR_PERMISSION);
  EXPECT_EQ (kernel.writes, Writes{ "0000:01:00.0/driver_override=vfio-pci" });
}

TEST_F (VfioBind, WhatCannotBeUndoneIsSaid)
{
  {
    FakeKernel kernel (&fake);
    kernel.make_unwilling ("vfio-pci");
    kernel.make_unwilling ("e1000e");
    EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
               "0000:01:00.0: vfio-pci did not take it, it has no driver; not given back: "
               "/sys/bus/pci/drivers/e1000e/bind: No such device");
    EXPECT_EQ (driver (), "");
  }

  fake.pci (BDF).driver ("e1000e");
  {
    FakeKernel kernel (&fake);
    kernel.make_unwilling ("vfio-pci");
    kernel.refuse ("driver_override", VP_DEVICE_ERROR_IO, "Input/output error", 1);
    EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
               "0000:01:00.0: vfio-pci did not take it, it has no driver; its driver_override is "
               "still set: /sys/bus/pci/devices/0000:01:00.0/driver_override: Input/output error");
    EXPECT_EQ (override (), "vfio-pci\n");
  }
}

TEST_F (VfioBind, AnEarlierDriverUnloadedMeanwhileIsSaid)
{
  FakeKernel kernel (&fake);
  kernel.make_unwilling ("vfio-pci");
  kernel.before_write = [this] (const std::string &path) {
    if (path == "sys/bus/pci/drivers_probe")
      fake.remove_driver ("e1000e");
  };

  EXPECT_EQ (bind (VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: vfio-pci did not take it, it has no driver; not given back: e1000e is "
             "not loaded any more, it has no driver");
}

TEST_F (VfioBind, ADevicePulledOutHalfWayIsNotFound)
{
  FakeKernel kernel (&fake);
  kernel.before_write = [this] (const std::string &path) {
    if (path.find ("driver/unbind") != std::string::npos)
      fake.remove_pci (BDF);
  };

  EXPECT_EQ (bind (VP_DEVICE_ERROR_NOT_FOUND).rfind ("0000:01:00.0: ", 0), 0u);
  EXPECT_FALSE (std::filesystem::exists (fake.root () / FakeSysfs::pci_folder (BDF)));
}

TEST_F (VfioBind, ReleaseGivesBackInThreeWrites)
{
  FakeKernel kernel (&fake);
  ASSERT_EQ (bind (), "");
  kernel.writes.clear ();

  EXPECT_EQ (release ("e1000e"), "");
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (override (), "(null)\n");
  EXPECT_EQ (kernel.writes, (Writes{ "0000:01:00.0/driver_override=\n",
                                     "driver/unbind=0000:01:00.0", "e1000e/bind=0000:01:00.0" }));
}

TEST_F (VfioBind, ReleaseToNoDriverOnlyUnbinds)
{
  fake.pci (BDF).driver ("");
  FakeKernel kernel (&fake);
  ASSERT_EQ (bind (), "");
  kernel.writes.clear ();

  EXPECT_EQ (release (nullptr), "");
  EXPECT_EQ (driver (), "");
  EXPECT_EQ (override (), "(null)\n");
  EXPECT_EQ (kernel.writes,
             (Writes{ "0000:01:00.0/driver_override=\n", "driver/unbind=0000:01:00.0" }));
}

TEST_F (VfioBind, ReleasingTwiceIsFine)
{
  FakeKernel kernel (&fake);
  ASSERT_EQ (bind (), "");
  ASSERT_EQ (release ("e1000e"), "");
  kernel.writes.clear ();

  EXPECT_EQ (release ("e1000e"), "");
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (kernel.writes, Writes{ "0000:01:00.0/driver_override=\n" });
}

TEST_F (VfioBind, ReleaseAfterACrashBetweenUnbindAndBindCompletesIt)
{
  fake.pci (BDF).driver ("").attribute ("driver_override", "vfio-pci\n");
  FakeKernel kernel (&fake);
  kernel.set_native_driver (BDF, "e1000e");

  EXPECT_EQ (release ("e1000e"), "");
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (override (), "(null)\n");
}

TEST_F (VfioBind, ReleaseClearsTheOverrideOfADeviceThatIsBackAlready)
{
  fake.pci (BDF).attribute ("driver_override", "vfio-pci\n");
  FakeKernel kernel (&fake);

  EXPECT_EQ (release ("e1000e"), "");
  EXPECT_EQ (override (), "(null)\n");
}

TEST_F (VfioBind, ADeviceThatCameFromVfioStaysThereWithItsOverride)
{
  fake.pci (BDF).driver ("vfio-pci").attribute ("driver_override", "vfio-pci\n");
  FakeKernel kernel (&fake);

  EXPECT_EQ (release ("vfio-pci"), "");
  EXPECT_EQ (kernel.writes, Writes{});
  EXPECT_EQ (override (), "vfio-pci\n");
}

TEST_F (VfioBind, ADeviceThatSomebodyElseTookIsLeftAlone)
{
  fake.pci (BDF).driver ("igb");
  FakeKernel kernel (&fake);

  EXPECT_EQ (release ("e1000e", VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: igb has it, not vfio-pci: left alone");
  EXPECT_EQ (release (nullptr, VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: igb has it, not vfio-pci: left alone");
  EXPECT_EQ (kernel.writes, Writes{});
}

TEST_F (VfioBind, ReleaseToADriverThatIsGoneSaysSo)
{
  FakeKernel kernel (&fake);
  ASSERT_EQ (bind (), "");
  fake.remove_driver ("e1000e");

  EXPECT_EQ (release ("e1000e", VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: e1000e is not loaded any more, it has no driver");
  EXPECT_EQ (driver (), "");
  EXPECT_EQ (override (), "(null)\n");
}

TEST_F (VfioBind, AReleaseThatIsRefusedAtAnyStepSaysWhere)
{
  const struct
  {
    const char *path, *message, *driver;
    VpDeviceError code;
  } rows[] = {
    { "driver_override",
      "0000:01:00.0: /sys/bus/pci/devices/0000:01:00.0/driver_override: Permission denied",
      "vfio-pci", VP_DEVICE_ERROR_PERMISSION },
    { "unbind", "0000:01:00.0: /sys/bus/pci/devices/0000:01:00.0/driver/unbind: Permission denied",
      "vfio-pci", VP_DEVICE_ERROR_PERMISSION },
    { "e1000e/bind", "0000:01:00.0: /sys/bus/pci/drivers/e1000e/bind: Permission denied", "",
      VP_DEVICE_ERROR_PERMISSION },
  };

  for (const auto &row : rows)
    {
      fake.pci (BDF).driver ("vfio-pci").attribute ("driver_override", "vfio-pci\n");
      fake.add_driver ("e1000e");
      FakeKernel kernel (&fake);
      kernel.refuse (row.path, row.code, "Permission denied");

      EXPECT_EQ (release ("e1000e", row.code), row.message);
      EXPECT_EQ (driver (), row.driver) << row.path;
    }
}

TEST_F (VfioBind, ReleaseReadsBack)
{
  fake.pci (BDF).driver ("vfio-pci");
  fake.add_driver ("e1000e");

  /* No kernel: the bytes go nowhere. */
  EXPECT_EQ (release ("e1000e", VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: e1000e did not take it, vfio-pci has it");
  EXPECT_EQ (release (nullptr, VP_DEVICE_ERROR_DRIVER), "0000:01:00.0: vfio-pci still has it");
}

TEST_F (VfioBind, AFailedReleaseIsNotTakenForAMissingDevice)
{
  FakeKernel kernel (&fake);
  ASSERT_EQ (bind (), "");
  kernel.make_unwilling ("e1000e");

  /* bind says ENODEV when the driver does not want the device: the device is there all the same. */
  EXPECT_EQ (release ("e1000e", VP_DEVICE_ERROR_DRIVER),
             "0000:01:00.0: /sys/bus/pci/drivers/e1000e/bind: No such device");
}

TEST_F (VfioBind, AJournalCannotPointReleaseElsewhere)
{
  fake.pci (BDF).driver ("vfio-pci");
  FakeKernel kernel (&fake);

  for (const char *name : { "", ".", "..", "../../devices", "a/b", "/etc" })
    {
      EXPECT_EQ (release (name, VP_DEVICE_ERROR_DRIVER),
                 "0000:01:00.0: no driver is called \"" + std::string (name) + "\"");
    }
  EXPECT_EQ (kernel.writes, Writes{});
}

TEST (VfioDriver, IsVfioPciOrAVariant)
{
  for (const char *name :
       { "vfio-pci", "mlx5_vfio_pci", "nvgrace_gpu_vfio_pci", "hisi-acc-vfio-pci", "pds_vfio_pci" })
    {
      EXPECT_TRUE (vp_vfio_is_vfio_driver (name)) << name;
    }
  for (const char *name : { "", "vfio", "vfio_pci_core", "vfio-pci-core", "vfio-pci ", "VFIO-PCI",
                            "pci-stub", "e1000e", "novfio-pc", "xvfio-pci" })
    {
      EXPECT_FALSE (vp_vfio_is_vfio_driver (name)) << name;
    }
  EXPECT_FALSE (vp_vfio_is_vfio_driver (nullptr));
}

TEST_F (VfioBind, TheDriverOfAMissingDeviceIsNone)
{
  const VpPciAddress absent = { 0x10000, 0xe1, 0, 0 };
  g_autofree char *name = vp_vfio_driver_of (sysfs, &absent);

  EXPECT_EQ (name, nullptr);
}

} // namespace
