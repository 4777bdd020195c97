#include "tests/lab/host.h"

#include <cstring>

/* What vmplug says of a host with real IOMMU groups, and how it moves devices to vfio-pci and back.
 * No VM is needed for that. */

namespace
{

using Host = LabTest;

TEST_F (Host, DevicesAreAsTheKernelHasThem)
{
  const Json devices = ask_vmplug ({ "devices" })["devices"];

  for (const HostFunction *function : { &big, &nic, &edu, &twin0, &twin1 })
    {
      const Json device = devices.find ("address", function->address);
      const std::string driver = device["driver"].text ();

      EXPECT_EQ (std::to_string (device["group"].number ()), function->group ()) << device;
      EXPECT_EQ (driver.empty () ? "none" : driver, function->driver ()) << device;
      EXPECT_EQ ("0x" + device["vendor"].text () + "\n", function->attribute ("vendor")) << device;
      EXPECT_EQ ("0x" + device["device"].text () + "\n", function->attribute ("device")) << device;
      EXPECT_FALSE (device["assignable"].flag ()) << device;
    }
}

TEST_F (Host, TheLargeDeviceIsSeenAsSuch)
{
  const Json device = ask_vmplug ({ "devices", big.address })["devices"].at (0);
  const Json bar = device["bars"].at (2);

  EXPECT_TRUE (device["large"].flag ()) << device;
  EXPECT_TRUE (device["driver"].is_null ()) << device;
  EXPECT_EQ (bar["index"].number (), 2) << device;
  EXPECT_EQ (bar["kind"].text (), "mem64") << device;
  EXPECT_TRUE (bar["prefetchable"].flag ()) << device;
  EXPECT_EQ (bar["size"].number (), 16L << 30) << device;
  EXPECT_NE (device["reason"].text ().find ("no driver"), std::string::npos) << device;
}

TEST_F (Host, ADeviceInUseByItsDriverIsNotAssignable)
{
  const Json device = ask_vmplug ({ "devices", nic.address })["devices"].at (0);

  EXPECT_FALSE (device["large"].flag ()) << device;
  EXPECT_TRUE (device["pcie"].flag ()) << device;
  EXPECT_EQ (device["driver"].text (), "e1000e") << device;
  EXPECT_FALSE (device["assignable"].flag ()) << device;
  EXPECT_EQ (device["reason"].text (), nic.address + " is driven by e1000e, not by vfio-pci");
}

/* With the bridge that makes them one: a group reference stands for its endpoints only. */
TEST_F (Host, AGroupReferenceStandsForAllOfItsEndpoints)
{
  ASSERT_EQ (twin0.group (), twin1.group ());
  const Json devices = ask_vmplug ({ "devices", twin0.node () })["devices"];

  EXPECT_EQ (devices.size (), 2u) << devices;
  for (const HostFunction *function : { &twin0, &twin1 })
    {
      const Json device = devices.find ("address", function->address);
      EXPECT_FALSE (device["pcie"].flag ()) << devices;
      EXPECT_EQ (std::to_string (device["group"].number ()), twin0.group ()) << devices;
    }
}

TEST_F (Host, BindTakesAndReleaseGivesBack)
{
  const Outcome bind = vmplug ({ "bind", nic.address });
  EXPECT_EQ (bind.status, 0) << bind;
  EXPECT_EQ (bind.out, nic.address + ": e1000e -> vfio-pci\n");
  EXPECT_EQ (bind.err, "");
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\n");
  EXPECT_TRUE (std::filesystem::exists (nic.node ()));
  EXPECT_FALSE (nic.has_network ());
  const Json device = ask_vmplug ({ "devices", nic.node () })["devices"].at (0);
  EXPECT_TRUE (device["assignable"].flag ()) << device;
  EXPECT_TRUE (device["reason"].is_null ()) << device;

  const Outcome release = vmplug ({ "release", nic.address });
  EXPECT_EQ (release.status, 0) << release;
  EXPECT_EQ (release.out, nic.address + ": vfio-pci -> e1000e\n");
  EXPECT_FALSE (std::filesystem::exists (nic.node ()));
  expect_home (nic);
}

TEST_F (Host, DoingItTwiceDoesNothing)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  const Outcome bind = vmplug ({ "bind", nic.short_address () });
  EXPECT_EQ (bind.status, 0) << bind;
  EXPECT_EQ (bind.out, nic.address + ": nothing to do, it has the driver vfio-pci\n");
  EXPECT_EQ (nic.journal (), "driver=e1000e\n") << "not vfio-pci, or it would never go back";

  ASSERT_EQ (vmplug ({ "release", nic.node () }).status, 0);
  const Outcome release = vmplug ({ "release", nic.address });
  EXPECT_EQ (release.status, 0) << release;
  EXPECT_EQ (release.out, nic.address + ": nothing to do, it has the driver e1000e\n");
  expect_home (nic);
}

TEST_F (Host, ADeviceWithoutADriverGetsNoneBack)
{
  ASSERT_EQ (vmplug ({ "bind", big.address, edu.address }).status, 0);
  for (const HostFunction *function : { &big, &edu })
    {
      EXPECT_EQ (function->driver (), "vfio-pci");
      EXPECT_EQ (function->journal (), "driver=\n");
    }

  const Outcome release = vmplug ({ "release", big.address, edu.address });
  EXPECT_EQ (release.status, 0) << release;
  EXPECT_EQ (release.out,
             big.address + ": vfio-pci -> no driver\n" + edu.address + ": vfio-pci -> no driver\n");
  expect_home (big);
  expect_home (edu);
}

TEST_F (Host, AGroupReferenceBindsTheGroup)
{
  const Outcome bind = vmplug ({ "bind", twin0.node () });
  EXPECT_EQ (bind.status, 0) << bind;
  EXPECT_EQ (bind.err, "") << "nothing is left of the group to warn of";
  for (const HostFunction *function : { &twin0, &twin1 })
    {
      EXPECT_EQ (function->driver (), "vfio-pci");
      EXPECT_EQ (function->journal (), "driver=e1000e\n");
    }

  const Outcome release = vmplug ({ "release", twin0.node () });
  EXPECT_EQ (release.status, 0) << release;
  expect_home (twin0);
  expect_home (twin1);
}

TEST_F (Host, HalfAGroupIsBoundWithAWarning)
{
  const Outcome bind = vmplug ({ "bind", twin0.address });

  EXPECT_EQ (bind.status, 0) << bind;
  EXPECT_EQ (bind.err, "vmplug: warning: group " + twin0.group () +
                           " is not viable: " + twin1.address +
                           " is driven by e1000e; bind what is left of the group, too\n");
  EXPECT_EQ (twin0.driver (), "vfio-pci");
  expect_home (twin1);
}

/* The kernel is asked who wants it, as it is for a new device. */
TEST_F (Host, ADeviceThatWasBoundByHandIsReleasedToWhoeverWantsIt)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  ASSERT_TRUE (std::filesystem::remove ("/run/vmplug/bindings/" + nic.address));

  const Outcome release = vmplug ({ "release", nic.address });
  EXPECT_EQ (release.status, 0) << release;
  EXPECT_EQ (release.out, nic.address + ": vfio-pci -> e1000e\n");
  expect_home (nic);
}

/* Or it would wait for that process in the kernel, for ever and not to be killed. */
TEST_F (Host, ReleaseRefusesWhatAProcessHolds)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  const int held = open (nic.node ().c_str (), O_RDWR | O_CLOEXEC);
  ASSERT_GE (held, 0) << strerror (errno);

  expect_failure (vmplug ({ "release", nic.address }), 3,
                  { nic.node () + ": held by pid " + std::to_string (getpid ()) + " (test-lab)",
                    "end the process that holds it" });
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\n");
  close (held);
}

TEST_F (Host, BindTakesAllOrNothing)
{
  const std::string bridge = "0000:00:04.0"; /* the root port of the first device */

  expect_failure (vmplug ({ "bind", nic.address, bridge }), 3, { bridge + " is a bridge" });
  expect_failure (vmplug ({ "bind", nic.address, "0000:77:00.0" }), 3, { "0000:77:00.0" });
  expect_failure (vmplug ({ "bind", nic.address, "/dev/vfio/999" }), 3, { "999" });
  expect_home (nic);
}

} // namespace
