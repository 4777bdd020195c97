#include "tests/lab/vm.h"

#include <cstring>
#include <sys/resource.h>

/* What becomes of the host's devices when a VM does not start, or ends in one way or another. No
 * guest is needed for that: firmware finds nothing to boot and waits. */

namespace
{

constexpr uid_t USER = 1000;

class Life : public LabTest
{
protected:
  const Args taken = { "--device", big.address + ",bind=on,x-no-mmap=on", "--device",
                       nic.address + ",bind=on" };
  const Args group = { "--device", twin0.node () + ",bind=on,plug=cold" };

  void
  expect_taken ()
  {
    EXPECT_EQ (big.driver (), "vfio-pci");
    EXPECT_EQ (big.journal (), "driver=\nvm=vm\n");
    for (const HostFunction *function : { &nic, &twin0, &twin1 })
      {
        EXPECT_EQ (function->driver (), "vfio-pci") << function->address;
        EXPECT_EQ (function->journal (), "driver=e1000e\nvm=vm\n") << function->address;
      }
  }
  void
  expect_all_home ()
  {
    for (const HostFunction *function : { &big, &nic, &edu, &twin0, &twin1 })
      expect_home (*function);
  }
};

TEST_F (Life, AllGoesBackWhenQemuDoesNotStart)
{
  const Args run = { "run", "--detach", "--json", "--name", "no", "--cpu", "nonsense" };

  expect_failure (vmplug (run + taken), 4, { "QEMU did not start: ", "nonsense" });
  expect_all_home ();

  /* The same with two functions of one device. */
  const Outcome outcome = vmplug (run + group);
  EXPECT_EQ (outcome.status, 4) << outcome;
  EXPECT_TRUE (outcome.says ("vmplug: QEMU did not start: ")) << outcome;
  expect_all_home ();
}

TEST_F (Life, NothingIsTakenWhenOneDeviceIsRefused)
{
  const Outcome outcome =
      vmplug (Args{ "run", "--detach", "--json", "--name", "no", "--device", edu.address } + taken);

  expect_failure (outcome, 3, { edu.address });
  expect_all_home ();
}

TEST_F (Life, NothingIsTakenToLookAtThePlan)
{
  const Json plan = ask_vmplug (Args{ "plan" } + taken + group);

  EXPECT_EQ (plan["devices"].find ("address", big.address)["plug"].text (), "cold") << plan;
  EXPECT_EQ (plan["devices"].find ("address", nic.address)["plug"].text (), "hot") << plan;
  EXPECT_EQ (plan["devices"].size (), 4u) << plan;
  EXPECT_EQ (vmplug (Args{ "run", "--dry-run" } + taken + group).status, 0);
  expect_all_home ();
}

TEST_F (Life, AllGoesBackWhenTheVmIsStopped)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken + group));
  expect_taken ();
  const Outcome stop = vmplug ({ "stop", "--force", "vm" });
  EXPECT_EQ (stop.status, 0) << stop;
  expect_all_home ();
}

TEST_F (Life, AllGoesBackWhenQemuIsKilled)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken + group));
  expect_taken ();
  kill (vm.qemu (), SIGKILL);
  vm.expect_gone ();
  expect_all_home ();
}

/* In the foreground, as under a service manager: the first signal asks the guest, who is not there,
 * and the second does not. */
TEST_F (Life, AllGoesBackWhenRunIsTerminated)
{
  VmplugProgram run (Args{ "run", "--name", "vm", "--memory", "256M" } + taken, "/");
  run.close_stdin ();
  ASSERT_TRUE (run.watch ([&] { return run.err ().find ("QEMU is pid ") != std::string::npos; },
                          LAB_SECONDS));
  EXPECT_EQ (big.driver (), "vfio-pci");
  EXPECT_EQ (nic.driver (), "vfio-pci");

  run.signal (SIGTERM);
  run.watch ([] { return false; }, 1);
  run.signal (SIGTERM);
  const Outcome outcome = run.wait (LAB_SECONDS);
  EXPECT_EQ (outcome.status, 128 + SIGTERM) << outcome;
  expect_all_home ();
}

/* Accepted is not usable, and asked is not removed. Only QEMU's end ends that. */
TEST_F (Life, WhatNoGuestTakesAndReturnsIsPending)
{
  LabVm vm;

  ASSERT_TRUE (vm.start ());
  expect_failure (vmplug ({ "attach", "vm", nic.address + ",bind=on", "--json", "--timeout", "5" }),
                  7,
                  { nic.id () + " is accepted after ", "the guest has mapped none of its BARs" });
  EXPECT_EQ (nic.driver (), "vfio-pci");
  expect_failure (vmplug ({ "detach", "vm", nic.id (), "--json", "--timeout", "3" }), 7,
                  { nic.id () + " is still held by the guest after " });
  EXPECT_EQ (vm.device (nic.id ())["state"].text (), "pending-removal");
  EXPECT_EQ (nic.driver (), "vfio-pci");

  vm.end ();
  expect_home (nic);
}

/* Nobody is left who could give them back, but it is written down to whom. */
TEST_F (Life, TheJournalOutlivesASupervisorThatIsKilled)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken + group));
  vm.kill_supervisor ();
  expect_taken ();
  EXPECT_EQ (ask_vmplug ({ "list" })["vms"].size (), 0u);

  const Outcome release = vmplug ({ "release", big.address, nic.address, twin0.node () });
  EXPECT_EQ (release.status, 0) << release;
  expect_all_home ();
}

/* What it left goes home first, and is then taken again. */
TEST_F (Life, AVmStartsAgainAfterItsSupervisorWasKilled)
{
  LabVm vm;

  ASSERT_TRUE (vm.start (taken));
  vm.kill_supervisor ();

  ASSERT_TRUE (vm.start (taken));
  EXPECT_EQ (vm.wait_usable (big.id ())["plug"].text (), "cold");
  EXPECT_EQ (nic.journal (), "driver=e1000e\nvm=vm\n") << "whose it was before the first VM";
  vm.end ();
  expect_home (nic);
}

TEST_F (Life, WhatTheUserHasBoundStaysBound)
{
  LabVm vm;

  ASSERT_EQ (vmplug ({ "bind", big.address, nic.address }).status, 0);
  ASSERT_TRUE (vm.start (taken));
  vm.end ();
  EXPECT_EQ (big.driver (), "vfio-pci");
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\n");
}

/* A user who is not root, but has been given the node of a group. */
class User : public LabTest
{
protected:
  struct rlimit before;

  void
  SetUp () override
  {
    ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
    ASSERT_EQ (chown (nic.node ().c_str (), USER, USER), 0) << strerror (errno);
    ASSERT_EQ (getrlimit (RLIMIT_MEMLOCK, &before), 0);
  }
  void
  TearDown () override
  {
    setrlimit (RLIMIT_MEMLOCK, &before);
    LabTest::TearDown ();
  }

  /* For what is started from now on. */
  void
  limit_locked_memory (rlim_t bytes)
  {
    const struct rlimit limit = { bytes, bytes };
    ASSERT_EQ (setrlimit (RLIMIT_MEMLOCK, &limit), 0) << strerror (errno);
  }
  Outcome
  vmplug_as_user (const Args &args) const
  {
    VmplugProgram program (args, "/", USER);
    program.close_stdin ();
    return program.wait (LAB_SECONDS);
  }
};

TEST_F (User, RunsAVmWithADeviceThatIsHis)
{
  limit_locked_memory (rlim_t{ 2 } << 30);
  const Outcome run = vmplug_as_user ({ "run", "--detach", "--json", "--name", "his", "--memory",
                                        "256M", "--device", nic.address + ",plug=cold" });
  ASSERT_EQ (run.status, 0) << run;
  EXPECT_TRUE (eventually (
      [&] {
        const Outcome status = vmplug_as_user ({ "status", "his", "--json" });
        return Json::parse (status.out)["devices"].at (0)["state"].text () == "usable";
      },
      LAB_SECONDS));

  EXPECT_EQ (vmplug_as_user ({ "stop", "--force", "his" }).status, 0);
  EXPECT_TRUE (ends (static_cast<pid_t> (Json::parse (run.out)["supervisor"].number ())));
  EXPECT_EQ (nic.driver (), "vfio-pci") << "who may not bind it does not release it";
}

/* A guest's memory is locked as a whole: too little is refused before anything is tried. */
TEST_F (User, IsToldHowMuchMemoryHeWouldHaveToLock)
{
  limit_locked_memory (16 << 20);
  const std::vector<std::string> words = {
    "QEMU needs 1280 MiB of locked memory for VFIO devices, and may have 16 MiB", "ulimit -l"
  };

  expect_failure (vmplug_as_user ({ "run", "--detach", "--json", "--name", "his", "--memory",
                                    "256M", "--device", nic.address + ",plug=cold" }),
                  3, words);

  const Outcome run =
      vmplug_as_user ({ "run", "--detach", "--json", "--name", "his", "--memory", "256M" });
  ASSERT_EQ (run.status, 0) << run;
  expect_failure (vmplug_as_user ({ "attach", "his", nic.address, "--json" }), 3, words);

  /* What he may be given at once, he need not ask for. */
  const struct rlimit enough = { 16 << 20, rlim_t{ 2 } << 30 };
  const auto qemu = static_cast<pid_t> (Json::parse (run.out)["pid"].number ());
  ASSERT_EQ (prlimit (qemu, RLIMIT_MEMLOCK, &enough, nullptr), 0) << strerror (errno);
  const Outcome attach =
      vmplug_as_user ({ "attach", "his", nic.address, "--json", "--timeout", "5" });
  EXPECT_TRUE (attach.status == 0 || attach.status == 7)
      << attach << "QEMU has it; whether firmware still gives it addresses is another matter";
  EXPECT_EQ (vmplug_as_user ({ "stop", "--force", "his" }).status, 0);
  EXPECT_TRUE (ends (static_cast<pid_t> (Json::parse (run.out)["supervisor"].number ())));
}

TEST_F (User, MayNotTakeADeviceFromItsDriver)
{
  limit_locked_memory (rlim_t{ 4 } << 30);
  expect_failure (vmplug_as_user ({ "run", "--detach", "--json", "--name", "his", "--device",
                                    edu.address + ",bind=on" }),
                  3, { edu.address, "Permission denied" });
  expect_home (edu);
}

} // namespace
