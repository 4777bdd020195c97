#include "tests/lab/vm.h"

#include <cstring>

/* What vmplug refuses because the host says no: its own words, before QEMU finds worse ones, and
 * nothing changed. */

namespace
{

constexpr uid_t USER = 1000;

class Refusal : public LabTest
{
protected:
  /* Neither a new VM nor one that runs may have it. */
  static void
  expect_refused (const std::string &spec, int status, const std::vector<std::string> &texts)
  {
    for (const Args &format : { Args{}, Args{ "--json" } })
      expect_failure (vmplug (Args{ "run", "--detach", "--name", "no", "--device", spec } + format),
                      status, texts);
    expect_failure (vm ().attach (spec), status, texts);
    EXPECT_EQ (vm ().status ()["devices"].size (), 0u);
    EXPECT_EQ (ask_vmplug ({ "list" })["vms"].size (), 1u);
  }

  /* One VM for all tests; no guest is needed. */
  static LabVm &
  vm ()
  {
    return *vm_;
  }
  static void
  SetUpTestSuite ()
  {
    vm_ = std::make_unique<LabVm> ();
    vm_->start ();
  }
  static void
  TearDownTestSuite ()
  {
    vm_.reset ();
  }

private:
  static std::unique_ptr<LabVm> vm_;
};

std::unique_ptr<LabVm> Refusal::vm_;

TEST_F (Refusal, NotBound)
{
  expect_refused (nic.address, 3,
                  { nic.address + " is driven by e1000e, not by vfio-pci",
                    "run vmplug bind on it first, or add bind=on" });
  expect_refused (nic.node (), 3, { nic.address + " is driven by e1000e, not by vfio-pci" });
  expect_refused (big.address, 3, { big.address + " has no driver: it is not bound to vfio-pci" });
  expect_home (nic);
}

TEST_F (Refusal, NoSuchDeviceOrGroup)
{
  expect_refused ("/dev/vfio/999", 3, { "IOMMU group 999: the host has no such group" });
  expect_refused ("0000:77:00.0", 3, { "0000:77:00.0: the host has no such device" });
  expect_refused ("77:00.0,bind=on", 3, { "0000:77:00.0: the host has no such device" });
  expect_refused ("/dev/vfio/devices/vfio0", 3, { "vfio0" });
  expect_refused ("/dev/vfio/vfio", 2, { "/dev/vfio/vfio" });
}

TEST_F (Refusal, ABridge)
{
  const std::string port = "0000:00:04.0";

  expect_refused (port, 3, { port + " is a bridge" });
  expect_refused (port + ",bind=on", 3, { port + " is a bridge" });
}

TEST_F (Refusal, GroupThatIsNotViable)
{
  ASSERT_EQ (vmplug ({ "bind", twin0.address }).status, 0);

  for (const char *options : { "", ",bind=on" })
    expect_refused (
        twin0.address + options, 3,
        { "group " + twin0.group () + " is not viable: " + twin1.address + " is driven by e1000e",
          "vmplug bind /dev/vfio/" });
  expect_home (twin1);
}

TEST_F (Refusal, GroupThatIsHeldByAProcess)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  const int held = open (nic.node ().c_str (), O_RDWR | O_CLOEXEC);
  ASSERT_GE (held, 0) << strerror (errno);

  for (const std::string &spec : { nic.address, nic.node (), nic.address + ",bind=on" })
    expect_refused (spec, 3,
                    { nic.node () + ": held by pid " + std::to_string (getpid ()) + " (test-lab)",
                      "end the process that holds it" });
  close (held);
}

TEST_F (Refusal, TheSameDeviceTwice)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);

  for (const std::string &again : { nic.address, nic.node () })
    {
      const Outcome plan =
          vmplug ({ "plan", "--json", "--device", nic.address, "--device", again });
      EXPECT_EQ (plan.status, 0) << plan;
      EXPECT_EQ (Json::parse (plan.out)["devices"].size (), 1u) << "one device by two names";

      expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device",
                                nic.address + ",id=a", "--device", again + ",id=b" }),
                      2, { nic.address, "are one device", "name each device and each id once" });
    }
}

/* A host device with a BAR that no spare port can hold is refused before it is touched. */
TEST_F (Refusal, ALargeBarForAPortThatIsNotPrepared)
{
  const Outcome outcome = vm ().attach (big.address + ",bind=on");

  expect_failure (outcome, 2,
                  { "no spare port is large enough: BARs of " + big.address +
                        " need 16 GiB, the largest free port has 2 MiB",
                    "plug=cold", "--spare-window" });
  expect_home (big);
}

TEST_F (Refusal, AUserWhoMayNot)
{
  const auto as_user = [] (const Args &args) {
    VmplugProgram program (args, "/", USER);
    program.close_stdin ();
    return program.wait (LAB_SECONDS);
  };
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);

  expect_failure (
      as_user ({ "run", "--detach", "--json", "--name", "no", "--device", nic.node () }), 3,
      { nic.node () + ": uid 1000 may not open it (mode 0600, uid 0, gid 0)",
        "give this user the node" });
  /* The group is his, but not the node that all of them need. */
  ASSERT_EQ (chown (nic.node ().c_str (), USER, USER), 0) << strerror (errno);
  ASSERT_EQ (chmod ("/dev/vfio/vfio", 0600), 0) << strerror (errno);
  expect_failure (
      as_user ({ "run", "--detach", "--json", "--name", "no", "--device", nic.node () }), 3,
      { "/dev/vfio/vfio: uid 1000 may not open it (mode 0600, uid 0, gid 0)",
        "give this user the node" });
  ASSERT_EQ (chmod ("/dev/vfio/vfio", 0666), 0) << strerror (errno);

  expect_failure (as_user ({ "bind", edu.address }), 3, { edu.address });
  expect_failure (as_user ({ "release", nic.address }), 3, { nic.address });
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\n");
  expect_home (edu);
}

} // namespace
