#include "tests/lab/vm.h"

/* The other ways to build a VM than that of the main job: another machine, prepared ports, the
 * guest's own way of hotplug. */

namespace
{

constexpr uint64_t GIB = uint64_t{ 1 } << 30;

class Machines : public LabTest
{
protected:
  LabVm vm;

  /* Who is torn down first matters: a VM lets go of its devices before they are looked at. */
  void
  TearDown () override
  {
    vm.end ();
    LabTest::TearDown ();
  }

  void
  expect_large_bar_works (const Json &device)
  {
    const uint64_t address = guest_address (device, 2);

    EXPECT_EQ (device["state"].text (), "usable") << device;
    EXPECT_NE (address, 0u) << device;
    EXPECT_EQ (address % (16 * GIB), 0u) << device;
    EXPECT_EQ (GuestDevice (vm, device["guest_path"].text ()).bar (2),
               std::pair (address, address + 16 * GIB - 1));
  }
  void
  expect_card_works ()
  {
    EXPECT_TRUE (eventually ([&] { return vm.guest ().can ("test -e /sys/class/net/eth0"); }, 60));
    EXPECT_TRUE (vm.guest ().can ("ip link set eth0 up && udhcpc -q -n -i eth0"));
    EXPECT_TRUE (vm.guest ().can ("ping -c 1 -W 20 10.0.2.2"));
  }
  /* The guest is asked, and does it. */
  void
  stop ()
  {
    VmplugProgram program ({ "stop", "vm", "--timeout", "200" }, "/");

    vm.guest ().hear_until ("guest: power button");
    const Outcome outcome = program.wait (LAB_SECONDS);
    EXPECT_EQ (outcome.status, 0) << outcome;
    vm.expect_gone ();
    for (const HostFunction *function : { &big, &nic })
      expect_home (*function);
  }
};

TEST_F (Machines, Pc)
{
  vm.boot ({ "--machine", "pc", "--device", big.address + ",bind=on,x-no-mmap=on", "--device",
             nic.address + ",bind=on" });

  const Json device = vm.wait_usable (big.id ());
  EXPECT_EQ (device["plug"].text (), "cold") << device;
  expect_large_bar_works (device);
  EXPECT_EQ (vm.wait_usable (nic.id ())["plug"].text (), "hot");
  expect_card_works ();

  const Outcome detach = vm.detach (nic.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  expect_home (nic);
  stop ();
}

/* What is in a prepared port is there again after the guest has booted anew. */
TEST_F (Machines, APortThatIsPreparedTakesALargeDeviceThatWasNotDeclared)
{
  vm.boot ({ "--spare", "1", "--spare-window", "32G" });

  const Outcome attach = vm.attach (big.address + ",bind=on,x-no-mmap=on");
  ASSERT_EQ (attach.status, 0) << attach;
  expect_large_bar_works (Json::parse (attach.out));
  expect_failure (vm.attach (nic.address + ",bind=on"), 2,
                  { "no free hotplug port: the only one is taken", big.id () });

  vm.guest ().say ("reboot -f\n");
  vm.guest ().wait_until_ready ();
  expect_large_bar_works (vm.wait_usable (big.id ()));

  const Outcome detach = vm.detach (big.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  expect_home (big);
}

/* Native hotplug: the guest's own driver of the port, which takes its time. */
TEST_F (Machines, ALargeDeviceIsHotpluggedWhereItWasPlanned)
{
  vm.boot (
      { "--hotplug-mode", "native", "--device", big.address + ",plug=hot,bind=on,x-no-mmap=on" });

  const Json device = vm.wait_usable (big.id ());
  EXPECT_EQ (device["plug"].text (), "hot") << device;
  expect_large_bar_works (device);

  const Outcome attach = vm.attach (nic.address + ",bind=on");
  ASSERT_EQ (attach.status, 0) << attach;
  expect_card_works ();
  const Outcome detach = vm.detach (nic.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  expect_home (nic);
  stop ();
}

/* Two functions of one device, each in a group of its own, are one device in the guest: planned
 * they come together, also after the guest has booted anew, and leave together. */
TEST_F (Machines, TwoFunctionsOfAPortComeAndGoTogether)
{
  const std::vector<HostFunction> pair = lab_functions ("pair");
  const HostFunction &zero = pair.at (0), &one = pair.at (1);
  const auto expect_there = [&] {
    const std::string guest_path = vm.wait_usable (zero.id ())["guest_path"].text ();

    EXPECT_EQ (vm.wait_usable (one.id ())["guest_path"].text (), guest_path + ".1");
    for (const char *number : { "", ".1" })
      EXPECT_EQ (GuestDevice (vm, guest_path + number).attribute ("class"), "0x020000\n");
  };

  vm.boot ({ "--hotplug-mode", "native", "--device", zero.address + ",plug=hot,bind=on", "--device",
             one.address + ",plug=hot,bind=on" });
  expect_there ();
  vm.guest ().say ("reboot -f\n");
  vm.guest ().wait_until_ready ();
  expect_there ();

  const Outcome detach = vm.detach (one.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  EXPECT_EQ (Json::parse (detach.out)["others"].at (0)["id"].text (), zero.id ()) << detach;
  expect_home (zero);
  expect_home (one);
}

} // namespace
