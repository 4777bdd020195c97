#include "tests/lab/vm.h"

/* Virtual functions: each is a device of its own, which comes into being, and goes, by the number
 * that is written into a file of its physical function. */

namespace
{

class VirtualFunctions : public testing::Test
{
protected:
  const HostFunction physical = lab_function ("sriov");
  std::vector<HostFunction> virtuals;

  void
  SetUp () override
  {
    ASSERT_TRUE (set_number ("2"));
    for (unsigned i = 0; i < 2; i++)
      virtuals.emplace_back (
          std::filesystem::read_symlink (folder () / ("virtfn" + std::to_string (i)))
              .filename ()
              .string ());
    for (const HostFunction &function : virtuals)
      expect_home (function);
  }
  void
  TearDown () override
  {
    EXPECT_TRUE (set_number ("0"));
    EXPECT_EQ (physical.driver (), "igb");
    EXPECT_EQ (physical.journal (), "");
    for (const HostFunction &function : virtuals)
      expect_gone (function);
  }

  std::filesystem::path
  folder () const
  {
    return std::filesystem::path ("/sys/bus/pci/devices") / physical.address;
  }
  /* Takes until whoever uses one that goes lets go of it. */
  bool
  set_number (const char *number) const
  {
    std::ofstream file (folder () / "sriov_numvfs");
    return !!(file << number << std::flush);
  }
  static void
  expect_home (const HostFunction &function)
  {
    EXPECT_EQ (function.driver (), "igbvf") << function.address;
    EXPECT_EQ (function.journal (), "") << function.address;
    EXPECT_EQ (function.attribute ("driver_override"), "(null)\n") << function.address;
  }
  static void
  expect_gone (const HostFunction &function)
  {
    EXPECT_FALSE (std::filesystem::exists ("/sys/bus/pci/devices/" + function.address));
    EXPECT_EQ (function.journal (), "") << function.address;
  }
};

TEST_F (VirtualFunctions, EachIsADeviceOfItsOwnAndTheirPhysicalFunctionIsNone)
{
  const std::string reason =
      physical.address + " is a physical function: 2 of its virtual functions are enabled";
  const Json devices = ask_vmplug ({ "devices" })["devices"];

  EXPECT_EQ (devices.find ("address", physical.address)["reason"].text (), reason);
  for (const char *options : { "", ",bind=on" })
    expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device",
                              physical.address + options }),
                    3, { reason });
  EXPECT_EQ (physical.driver (), "igb");

  ASSERT_EQ (vmplug ({ "bind", virtuals[0].address }).status, 0);
  EXPECT_TRUE (
      ask_vmplug ({ "devices", virtuals[0].address })["devices"].at (0)["assignable"].flag ());
  EXPECT_EQ (ask_vmplug ({ "devices", virtuals[1].address })["devices"].at (0)["reason"].text (),
             virtuals[1].address + " is driven by igbvf, not by vfio-pci");
  ASSERT_EQ (vmplug ({ "release", virtuals[0].address }).status, 0);
  expect_home (virtuals[0]);
}

/* Nothing is left that could be given back, and nobody is to be told of it as a failure. */
TEST_F (VirtualFunctions, OneThatIsGoneIsReleased)
{
  ASSERT_EQ (vmplug ({ "bind", virtuals[0].address, virtuals[1].address }).status, 0);
  EXPECT_EQ (virtuals[0].journal (), "driver=igbvf\n");
  ASSERT_TRUE (set_number ("0"));

  const Outcome release = vmplug ({ "release", virtuals[0].address, virtuals[1].address });
  EXPECT_EQ (release.status, 0) << release;
  EXPECT_EQ (release.out, virtuals[0].address + ": gone, so that nothing is to be given back\n" +
                              virtuals[1].address +
                              ": gone, so that nothing is to be given back\n");
  for (const HostFunction &function : virtuals)
    expect_gone (function);
  expect_failure (vmplug ({ "release", virtuals[0].address }), 3,
                  { virtuals[0].address + ": the host has no such device" });
}

/* In a VM that runs: one of them cold, the other hot. */
class VirtualFunctionsInAVm : public VirtualFunctions
{
protected:
  LabVm vm;

  void
  TearDown () override
  {
    vm.end ();
    VirtualFunctions::TearDown ();
  }

  void
  attach (const HostFunction &function)
  {
    const Outcome outcome = vm.attach (function.address + ",bind=on");
    ASSERT_EQ (outcome.status, 0) << outcome;
    EXPECT_EQ (function.journal (), "driver=igbvf\nvm=vm\n");
    expect_driven (Json::parse (outcome.out));
  }
  void
  expect_driven (const Json &device)
  {
    EXPECT_EQ (device["state"].text (), "usable") << device;
    EXPECT_EQ (device["kind"].text (), "vfio") << device;
    const GuestDevice in_guest (vm, device["guest_path"].text ());
    EXPECT_TRUE (eventually (
        [&] { return vm.guest ().can ("test -e " + in_guest.folder () + "/net/*/address"); }, 120))
        << vm.guest ().run ("dmesg | tail; ls -l " + in_guest.folder () + "/");
    EXPECT_EQ (vm.guest ().run ("basename $(readlink " + in_guest.folder () + "/driver)"),
               "igbvf\n");
    for (unsigned index : { 0, 3 })
      {
        EXPECT_NE (guest_address (device, index), 0u) << device;
        EXPECT_EQ (in_guest.bar (index).first, guest_address (device, index)) << device;
      }
  }
};

/* Detached they go home; and when the host wants them, all that is in a VM goes. The kernel asks
 * QEMU for one after the other, QEMU the guest, and nobody has asked vmplug. */
TEST_F (VirtualFunctionsInAVm, ComeAndGoAndTheHostTakesThemAway)
{
  vm.boot ({ "--spare", "1", "--device", virtuals[0].address + ",bind=on,plug=cold" });
  const Json cold = vm.wait_usable (virtuals[0].id ());
  EXPECT_EQ (cold["plug"].text (), "cold");
  expect_driven (cold);

  attach (virtuals[1]);
  EXPECT_EQ (vm.status ()["ports"]["spare"].number (), 0);
  const Outcome detach = vm.detach (virtuals[1].id ());
  EXPECT_EQ (detach.status, 0) << detach;
  expect_home (virtuals[1]);
  attach (virtuals[1]);

  VmplugProgram events ({ "events", "vm" }, "/");
  ASSERT_TRUE (events.wait_for ("VMPLUG_STATUS", LAB_SECONDS));
  const pid_t child = fork ();
  if (child == 0)
    _exit (set_number ("0") ? 0 : 1);
  for (const HostFunction &function : virtuals)
    {
      const std::string removed = "{\"id\":\"" + function.id () + "\",\"state\":\"removed\"}";
      EXPECT_TRUE (events.wait_for (removed, LAB_SECONDS)) << events.out ();
    }
  int status = -1;
  EXPECT_TRUE (
      eventually ([&] { return waitpid (child, &status, WNOHANG) == child; }, LAB_SECONDS));
  EXPECT_EQ (status, 0);
  for (const HostFunction &function : virtuals)
    expect_gone (function);

  const Json after = vm.status ();
  EXPECT_EQ (after["state"].text (), "running");
  EXPECT_EQ (after["devices"].size (), 0u) << after;
  EXPECT_EQ (after["ports"]["spare"].number (), after["ports"]["total"].number ()) << after;
  for (const char *id : { "one", "two" })
    {
      const Outcome again = vm.attach ("rng,id=" + std::string (id));
      EXPECT_EQ (again.status, 0) << "in a port that was one's: " << again;
    }

  /* What was lost is no failure of the VM's. */
  EXPECT_EQ (vmplug ({ "stop", "vm", "--timeout", "200" }).status, 0);
  EXPECT_TRUE (eventually (
      [&] { return waitpid (vm.supervisor (), &status, WNOHANG) == vm.supervisor (); }, 60));
  EXPECT_EQ (WIFEXITED (status) ? WEXITSTATUS (status) : -1, 0);
}

} // namespace
