#include "tests/lab/vm.h"

#include <algorithm>
#include <set>

/* What vmplug is for: a guest that has the device with the large BAR from the start, and is given
 * and deprived of the others while it runs. */

namespace
{

constexpr uint64_t GIB = uint64_t{ 1 } << 30;

/* Mapped into the guest page by page through the emulated IOMMU, 16 GiB take a minute. */
constexpr char WITHOUT_MAP[] = ",x-no-mmap=on";

constexpr unsigned N_CYCLES = 20;

constexpr char READ_MAC[] = "cat /sys/class/net/eth0/address";

/* One VM for all tests, as each boot costs much: with the large device, cold, and the others, hot.
 * Each test leaves it so that the next can begin. */
class MainJob : public LabDevices
{
protected:
  static std::unique_ptr<LabVm> vm;
  static std::string mac; /* of the card, when the host had it */

  static void
  SetUpTestSuite ()
  {
    const HostFunction big = lab_function ("big"), nic = lab_function ("nic"),
                       edu = lab_function ("edu");

    mac = nic.network_address ();
    vm = std::make_unique<LabVm> ();
    vm->boot ({ "--device", big.address + ",bind=on" + WITHOUT_MAP, "--device",
                nic.address + ",bind=on", "--device", edu.address + ",bind=on,id=teacher" });
  }
  static void
  TearDownTestSuite ()
  {
    vm.reset ();
    for (const char *name : { "big", "nic", "edu", "twin" })
      for (const HostFunction &function : lab_functions (name))
        expect_home (function);
  }

  void
  SetUp () override
  {
    ASSERT_NE (vm, nullptr);
    ASSERT_TRUE (vm->guest ().can ("true"));
  }
  /* Of what came during the test, nothing stays. */
  void
  TearDown () override
  {
    const Json devices = vm->status ()["devices"];

    for (unsigned i = 0; i < devices.size (); i++)
      {
        const std::string id = devices.at (i)["id"].text ();
        if (id != big.id () && id != nic.id () && id != "teacher")
          detach (id);
      }
    for (const HostFunction *function : { &nic, &edu, &twin0, &twin1 })
      if (devices.find ("address", function->address).is_null ())
        bring_home (*function);
  }

  /* Attaches a device, which must become usable; returns what vmplug says of it. */
  static Json
  attach (const std::string &spec)
  {
    const Outcome outcome = vm->attach (spec);
    EXPECT_EQ (outcome.status, 0) << outcome;
    const Json device = Json::parse (outcome.out);
    EXPECT_EQ (device["state"].text (), "usable") << device;
    return device;
  }
  static void
  detach (const std::string &id)
  {
    const Outcome outcome = vm->detach (id);
    EXPECT_EQ (outcome.status, 0) << outcome;
    const Json device = Json::parse (outcome.out);
    EXPECT_EQ (device["id"].text (), id) << device;
    EXPECT_EQ (device["state"].text (), "removed") << device;
    EXPECT_TRUE (vm->device (id).is_null ());
  }
  /* The ids of all PCI devices that have one: those of vmplug's plan, and those that are attached.
   */
  static std::set<std::string>
  ids_in_qemu ()
  {
    const Outcome outcome = vmplug ({ "qmp", "vm", "query-pci" });
    const Json buses = Json::parse (outcome.out);
    std::set<std::string> ids;

    EXPECT_EQ (outcome.status, 0) << outcome;
    for (unsigned i = 0; i < buses.size (); i++)
      collect_ids (buses.at (i)["devices"], &ids);

    /* What QEMU has of them, vmplug must have, and nothing else. */
    const Json devices = vm->status ()["devices"];
    for (unsigned i = 0; i < devices.size (); i++)
      EXPECT_EQ (ids.count (devices.at (i)["id"].text ()), 1u) << devices;
    return ids;
  }
  static void
  collect_ids (const Json &devices, std::set<std::string> *ids)
  {
    for (unsigned i = 0; i < devices.size (); i++)
      {
        if (devices.at (i)["qdev_id"].text () != "")
          ids->insert (devices.at (i)["qdev_id"].text ());
        collect_ids (devices.at (i)["pci_bridge"]["devices"], ids);
      }
  }
  static unsigned
  open_files (pid_t pid)
  {
    const std::filesystem::directory_iterator files ("/proc/" + std::to_string (pid) + "/fd");
    return static_cast<unsigned> (std::distance (begin (files), end (files)));
  }
  /* The card in the VM, whatever the test before has done with it. */
  Json
  with_nic ()
  {
    return vm->device (nic.id ()).is_null () ? attach (nic.address + ",bind=on")
                                             : vm->wait_usable (nic.id ());
  }
  void
  without_nic ()
  {
    if (!vm->device (nic.id ()).is_null ())
      {
        vm->wait_usable (nic.id ());
        detach (nic.id ());
      }
  }
};

std::unique_ptr<LabVm> MainJob::vm;
std::string MainJob::mac;

TEST_F (MainJob, TheLargeBarIsPlacedBeforeTheGuestRuns)
{
  const Json device = vm->wait_usable (big.id ());
  const uint64_t address = guest_address (device, 2);

  EXPECT_EQ (device["plug"].text (), "cold") << device;
  EXPECT_EQ (device["kind"].text (), "vfio") << device;
  EXPECT_EQ (device["address"].text (), big.address) << device;
  EXPECT_NE (address, 0u) << device;
  EXPECT_EQ (address % (16 * GIB), 0u) << "a BAR is aligned to its size: " << device;
  EXPECT_EQ (big.driver (), "vfio-pci");

  const GuestDevice in_guest (*vm, device["guest_path"].text ());
  EXPECT_EQ (in_guest.attribute ("vendor"), big.attribute ("vendor"));
  EXPECT_EQ (in_guest.attribute ("device"), big.attribute ("device"));
  EXPECT_EQ (in_guest.bar (2), std::pair (address, address + 16 * GIB - 1));
}

TEST_F (MainJob, TheNetworkCardComesHotAndWorks)
{
  const Json device = with_nic ();
  EXPECT_EQ (device["plug"].text (), "hot") << device;
  EXPECT_EQ (nic.driver (), "vfio-pci");
  EXPECT_EQ (nic.journal (), "driver=e1000e\nvm=vm\n");
  EXPECT_FALSE (nic.has_network ());

  const GuestDevice in_guest (*vm, device["guest_path"].text ());
  for (unsigned index : { 0, 1, 3 })
    {
      EXPECT_NE (guest_address (device, index), 0u) << device;
      EXPECT_EQ (in_guest.bar (index).first, guest_address (device, index)) << device;
    }
  /* Once its driver in the guest has it: usable is less. */
  EXPECT_TRUE (eventually ([] { return vm->guest ().run (READ_MAC) == mac; }, 60))
      << "the very card, and no other";
  EXPECT_TRUE (vm->guest ().can ("ip link set eth0 up && udhcpc -q -n -i eth0"))
      << vm->guest ().run ("ip address; dmesg | tail");
  EXPECT_TRUE (vm->guest ().can ("ping -c 1 -W 20 10.0.2.2"));
}

TEST_F (MainJob, DetachGivesTheCardBackToTheHost)
{
  const GuestDevice in_guest (*vm, with_nic ()["guest_path"].text ());

  detach (nic.id ());
  expect_home (nic);
  EXPECT_EQ (nic.network_address (), mac);
  EXPECT_FALSE (in_guest.is_there ());
  EXPECT_FALSE (vm->guest ().can ("test -e /sys/class/net/eth0"));
  expect_failure (vm->detach (nic.id ()), 2, { nic.id () });
}

/* Who has bound it himself gets it back as it was: bound. */
TEST_F (MainJob, AttachTakesEveryKindOfReference)
{
  without_nic ();
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);

  for (const std::string &ref : { nic.node (), nic.short_address (), nic.address })
    {
      const Json device = attach (ref);
      EXPECT_EQ (device["id"].text (), nic.id ()) << ref;
      EXPECT_TRUE (eventually ([] { return vm->guest ().run (READ_MAC) == mac; }, 60)) << ref;
      detach (nic.id ());
      EXPECT_EQ (nic.driver (), "vfio-pci") << ref;
      EXPECT_EQ (nic.journal (), "driver=e1000e\n") << ref;
    }

  ASSERT_EQ (vmplug ({ "release", nic.address }).status, 0);
  expect_home (nic);
}

/* It has two registers that tell whether what the guest does reaches the device: one that reads as
 * its version, and one that reads as the inverse of what was written. */
TEST_F (MainJob, AConventionalDeviceWorksBehindABridge)
{
  const Json device = vm->wait_usable ("teacher");
  const std::string guest_path = device["guest_path"].text ();
  const GuestDevice in_guest (*vm, guest_path);
  const uint64_t address = guest_address (device, 0);
  const auto devmem = [&] (uint64_t offset, const std::string &value = "") {
    std::ostringstream command;
    command << "devmem 0x" << std::hex << address + offset << " 32 " << value;
    return vm->guest ().run (command.str ());
  };

  EXPECT_EQ (device["address"].text (), edu.address) << device;
  EXPECT_EQ (std::count (guest_path.begin (), guest_path.end (), '/'), 2)
      << "port, bridge, slot: " << device;
  EXPECT_EQ (in_guest.bar (0), std::pair (address, address + 0xfffff)) << device;

  /* Nothing drives it in the guest. */
  EXPECT_EQ (vm->guest ().run ("echo 1 | tee " + in_guest.folder () + "/enable"), "1\n");
  EXPECT_EQ (devmem (0), "0x010000ED\n");
  EXPECT_EQ (devmem (4, "0x12345678"), "");
  EXPECT_EQ (devmem (4), "0xEDCBA987\n");

  detach ("teacher");
  expect_home (edu);
  EXPECT_FALSE (in_guest.is_there ());

  EXPECT_EQ (attach (edu.address + ",bind=on,id=teacher")["guest_path"].text (), guest_path)
      << "the place that was made for it";
  EXPECT_TRUE (in_guest.is_there ());
}

/* A card of two functions is one in the guest, too: it comes and goes as a whole. */
TEST_F (MainJob, AGroupOfTwoComesAndGoesHomeTogether)
{
  const Json device = attach (twin0.node () + ",bind=on");
  const Json other = device["others"].at (0);
  const std::string guest_path = device["guest_path"].text ();

  EXPECT_EQ (device["others"].size (), 1u) << device;
  EXPECT_EQ (other["guest_path"].text (), guest_path + ".1") << device;
  for (const HostFunction *function : { &twin0, &twin1 })
    {
      EXPECT_EQ (vm->device (function->id ())["state"].text (), "usable");
      EXPECT_EQ (function->driver (), "vfio-pci");
      EXPECT_EQ (function->journal (), "driver=e1000e\nvm=vm\n");
    }
  const GuestDevice first (*vm, guest_path), second (*vm, guest_path + ".1");
  EXPECT_TRUE (first.is_there ());
  EXPECT_TRUE (second.is_there ());
  EXPECT_EQ (second.attribute ("class"), "0x020000\n");

  const Outcome outcome = vm->detach (twin1.id ());
  EXPECT_EQ (outcome.status, 0) << outcome;
  const Json removed = Json::parse (outcome.out);
  EXPECT_EQ (removed["others"].at (0)["id"].text (), twin0.id ()) << removed;
  EXPECT_FALSE (first.is_there ());
  EXPECT_FALSE (second.is_there ());
  expect_home (twin0);
  expect_home (twin1);
}

/* One after the other they get slots of their own; and while one of them is in a VM, the kernel
 * gives the other to no driver. */
TEST_F (MainJob, AGroupOfTwoMayComeOneByOne)
{
  const Outcome bind = vmplug ({ "bind", twin0.node () });
  ASSERT_EQ (bind.status, 0) << bind;
  const Json second = attach (twin1.address);
  const Json first = attach (twin0.address);
  EXPECT_NE (first["guest_path"].text (), second["guest_path"].text ());
  EXPECT_EQ (first["guest_path"].text ().find ('.'), std::string::npos);
  EXPECT_EQ (second["guest_path"].text ().find ('.'), std::string::npos) << "function 0 there";
  EXPECT_TRUE (GuestDevice (*vm, second["guest_path"].text ()).is_there ());

  detach (twin0.id ());
  EXPECT_EQ (twin0.driver (), "vfio-pci") << "nobody else can have it yet";
  EXPECT_EQ (vm->device (twin1.id ())["state"].text (), "usable");
  detach (twin1.id ());
  ASSERT_EQ (vmplug ({ "release", twin0.node () }).status, 0);
  expect_home (twin0);
  expect_home (twin1);
}

/* One of them that no driver has is no obstacle to the other. */
TEST_F (MainJob, HalfAGroupMayComeWhenTheOtherHalfHasNoDriver)
{
  std::ofstream ("/sys/bus/pci/drivers/e1000e/unbind") << twin1.address << std::flush;
  ASSERT_EQ (twin1.driver (), "none");

  attach (twin0.address + ",bind=on");
  EXPECT_EQ (twin1.driver (), "none");
  detach (twin0.id ());
  expect_home (twin0);
  std::ofstream ("/sys/bus/pci/drivers_probe") << twin1.address << std::flush;
  expect_home (twin1);
}

/* Neither does anything grow, nor does vmplug's picture of the VM drift away from QEMU's. */
TEST_F (MainJob, AGroupOfTwoComesAndGoesOverAndOver)
{
  const std::set<std::string> without = ids_in_qemu ();
  const auto with = [&] {
    std::set<std::string> ids = without;
    ids.insert ({ twin0.id (), twin1.id () });
    return ids;
  }();
  std::pair<unsigned, unsigned> files;

  for (unsigned i = 0; i < N_CYCLES; i++)
    {
      SCOPED_TRACE ("cycle " + std::to_string (i));
      attach (twin0.node () + ",bind=on");
      EXPECT_EQ (ids_in_qemu (), with);
      EXPECT_EQ (twin0.driver (), "vfio-pci");
      EXPECT_EQ (twin1.driver (), "vfio-pci");

      detach (i % 2 == 0 ? twin0.id () : twin1.id ());
      EXPECT_EQ (ids_in_qemu (), without);
      EXPECT_EQ (twin0.driver (), "e1000e");
      EXPECT_EQ (twin1.driver (), "e1000e");
      const std::pair now (open_files (vm->supervisor ()), open_files (vm->qemu ()));
      if (i == 0)
        files = now;
      EXPECT_EQ (now, files);
      if (HasFailure ())
        break;
    }
  expect_home (twin0);
  expect_home (twin1);
}

/* As when somebody takes it away by hand: the kernel asks QEMU for it, QEMU asks the guest, and
 * nobody has asked vmplug. */
TEST_F (MainJob, ADeviceThatTheHostWantsBackGoes)
{
  with_nic ();
  const pid_t child = fork ();
  if (child == 0)
    {
      std::ofstream unbind ("/sys/bus/pci/drivers/vfio-pci/unbind");
      _exit (unbind << nic.address << std::flush ? 0 : 1); /* which takes until it is free */
    }

  EXPECT_TRUE (eventually ([&] { return vm->device (nic.id ()).is_null (); }, LAB_SECONDS));
  EXPECT_TRUE (ends (child, LAB_SECONDS));
  EXPECT_TRUE (eventually ([&] { return nic.driver () == "e1000e"; }, LAB_SECONDS));
  expect_home (nic);
}

TEST_F (MainJob, ItsEventsTellTheLifeOfADevice)
{
  without_nic ();
  VmplugProgram events ({ "events", "vm" }, "/");
  ASSERT_TRUE (events.wait_for ("VMPLUG_STATUS", LAB_SECONDS));

  with_nic ();
  detach (nic.id ());
  EXPECT_TRUE (events.wait_for ("\"removed\"", LAB_SECONDS)) << events.out ();
  std::string states;
  std::istringstream lines (events.out ());
  for (std::string line; std::getline (lines, line);)
    {
      const Json event = Json::parse (line + "\n");
      if (event["event"].text () == "VMPLUG_DEVICE_STATE" &&
          event["data"]["id"].text () == nic.id ())
        states += event["data"]["state"].text () + " ";
    }
  EXPECT_EQ (states, "reserved bound adding accepted usable pending-removal removed ");
}

TEST_F (MainJob, ADeviceIsInAVmOnlyOnce)
{
  without_nic ();
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  attach (nic.address);

  /* Whoever asks for it again gets the one that is there, which goes with the last of them. */
  for (const std::string &again : { nic.address, nic.node () })
    EXPECT_EQ (attach (again)["id"].text (), nic.id ());
  EXPECT_EQ (vm->device (nic.id ())["attach_count"].number (), 3);
  expect_failure (vm->attach (nic.address + ",id=again"), 2, { nic.id (), "for that host device" });
  for (long left : { 2, 1 })
    {
      const Outcome outcome = vm->detach (nic.id ());
      EXPECT_EQ (outcome.status, 0) << outcome;
      EXPECT_EQ (Json::parse (outcome.out)["attach_count"].number (), left) << outcome;
      EXPECT_EQ (vm->device (nic.id ())["state"].text (), "usable");
    }
  detach (nic.id ());
}

TEST_F (MainJob, ADeviceIsInOneVmOnly)
{
  const auto held = [] (const HostFunction &function) {
    return "group " + function.group () + ": VM vm has it";
  };
  LabVm other ("other");

  with_nic ();
  for (const HostFunction *function : { &big, &nic })
    for (const std::string &spec : { function->address, function->address + ",bind=on" })
      expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "other", "--device", spec }),
                      3, { held (*function), "detach it there" });

  ASSERT_TRUE (other.start ());
  expect_failure (other.attach (nic.address), 3, { held (nic) });
  expect_failure (other.attach (nic.address + ",bind=on"), 3, { held (nic) });
  EXPECT_EQ (vm->device (nic.id ())["state"].text (), "usable");
  EXPECT_EQ (other.status ()["devices"].size (), 0u);
}

/* The problem itself: a large BAR that comes to a port which firmware has not prepared for it. Of a
 * host device vmplug knows that before; of one that QEMU makes, only the guest can tell. */
TEST_F (MainJob, ALargeBarFindsNoPlaceInAPortThatIsNotPrepared)
{
  const Outcome outcome = vm->attach ("qemu,driver=pci-testdev,membar=16G,id=late");

  expect_failure (outcome, 6, { "late: BAR 2 (16 GiB) has no window behind port", "plug=cold" });
  EXPECT_TRUE (eventually ([] { return vm->device ("late").is_null (); }, LAB_SECONDS));
}

} // namespace
