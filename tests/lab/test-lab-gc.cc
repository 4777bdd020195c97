#include "tests/lab/vm.h"

#include <cstring>

/* What is left of a VM whose supervisor was killed, and who may have a group. */

namespace
{

class Gc : public LabTest
{
protected:
  const Args taken = { "--device", nic.address + ",bind=on", "--device",
                       twin0.node () + ",bind=on" };

  void
  expect_all_home () const
  {
    for (const HostFunction *function : { &big, &nic, &twin0, &twin1 })
      expect_home (*function);
  }
};

TEST_F (Gc, AKilledSupervisorsDevicesGoHome)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken));
  EXPECT_EQ (vmplug ({ "gc" }).out, "nothing is left over\n") << "it lives";
  EXPECT_EQ (nic.driver (), "vfio-pci");
  ASSERT_EQ (vmplug ({ "bind", big.address }).status, 0);
  vm.kill_supervisor ();
  EXPECT_EQ (nic.driver (), "vfio-pci");

  const Outcome gc = vmplug ({ "gc" });
  EXPECT_EQ (gc.status, 0) << gc;
  EXPECT_EQ (gc.err, "");
  for (const HostFunction *function : { &nic, &twin0, &twin1 })
    EXPECT_NE (gc.out.find ("vm: " + function->address + " -> e1000e\n"), std::string::npos) << gc;
  EXPECT_NE (gc.out.find ("vm: removed /run/vmplug/vms/vm\n"), std::string::npos) << gc;
  EXPECT_EQ (big.driver (), "vfio-pci") << "vmplug bind took it to stay";
  EXPECT_EQ (vmplug ({ "gc" }).out, "nothing is left over\n");

  bring_home (big);
  expect_all_home ();
}

/* To take it from vfio-pci would block until the other one closes it. */
TEST_F (Gc, WhatSomebodyElseHasOpenIsNotWaitedForForEver)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken));
  vm.kill_supervisor ();
  int held = -1;
  ASSERT_TRUE (eventually (
      [&] { return (held = open (nic.node ().c_str (), O_RDWR | O_CLOEXEC)) >= 0; }, 20))
      << strerror (errno);

  const Outcome gc = vmplug ({ "gc" });
  EXPECT_EQ (gc.status, 3) << gc;
  EXPECT_NE (gc.err.find ("vmplug: vm: " + nic.address + ": " + nic.node () + ": held by pid " +
                          std::to_string (getpid ())),
             std::string::npos)
      << gc;
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\nvm=vm\n");
  EXPECT_EQ (twin0.driver (), "e1000e") << "its neighbour need not wait";
  close (held);
  EXPECT_EQ (vmplug ({ "gc" }).status, 0);
  expect_all_home ();
}

TEST_F (Gc, AGroupBelongsToOneVm)
{
  LabVm vm, other ("other");
  const std::vector<std::string> words = { "group " + nic.group () + ": VM vm has it" };

  ASSERT_TRUE (vm.start ({ "--device", nic.address + ",bind=on" }));
  ASSERT_TRUE (other.start ());
  expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device", nic.address }),
                  3, words);
  expect_failure (other.attach (nic.address), 3, words);
  expect_failure (vmplug ({ "release", nic.address }), 3, words);
  EXPECT_EQ (nic.driver (), "vfio-pci");

  vm.end ();
  expect_home (nic);
  expect_failure (
      vmplug ({ "attach", "other", nic.address + ",bind=on", "--json", "--timeout", "5" }), 7,
      { nic.id () + " is " });
  other.end ();
  expect_home (nic);
}

/* Its group is busy for a moment after it is gone. */
TEST_F (Gc, AVmTakesOverFromOneThatWasKilled)
{
  LabVm vm, next ("next");

  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  ASSERT_TRUE (vm.start ({ "--device", nic.address }));
  vm.kill_supervisor ();
  ASSERT_TRUE (next.start ({ "--device", nic.address }));
  EXPECT_FALSE (next.device (nic.id ()).is_null ());
  next.end ();
  bring_home (nic);
}

} // namespace
