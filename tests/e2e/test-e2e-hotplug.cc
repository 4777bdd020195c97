#include "tests/e2e/failure.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"

/* Devices that come and go while one guest runs, as vmplug tells it and as the guest sees it. */

namespace
{

using Args = std::vector<std::string>;

/* Where the guest has what is at a guest path of q35, "02/00": a glob below /sys/devices. */
std::string
guest_folder (const std::string &guest_path)
{
  std::string folder = "/sys/devices/pci0000:00";
  std::string bus = "00";
  std::istringstream steps (guest_path);

  for (std::string step; std::getline (steps, step, '/'); bus = "??")
    folder += "/0000:" + bus + ":" + (step.find ('.') == std::string::npos ? step + ".0" : step);
  return folder;
}

/* One guest for all tests of this program. */
class Shared : public testing::Environment
{
public:
  static std::unique_ptr<Vm> vm;

  void
  TearDown () override
  {
    vm.reset ();
  }
};
std::unique_ptr<Vm> Shared::vm;
const testing::Environment *const shared = testing::AddGlobalTestEnvironment (new Shared);

/* Each test leaves the guest as it was; after one that has not, there is a new guest. */
class Hotplug : public testing::Test
{
protected:
  static constexpr long N_SPARE = 4;
  std::unique_ptr<Vm> &vm = Shared::vm;

  void
  SetUp () override
  {
    if (vm != nullptr && is_unchanged ())
      return;
    vm = std::make_unique<Vm> ();
    vm->boot ({ "--spare", std::to_string (N_SPARE) });
  }
  void
  TearDown () override
  {
    EXPECT_TRUE (is_unchanged ());
  }

  bool
  is_unchanged () const
  {
    const Json status = vm->status ();
    return status["devices"].is_empty () && status["ports"]["spare"].number () == N_SPARE;
  }
  Json
  attach (const std::string &spec)
  {
    return vm->ask ({ "attach", "vm", spec });
  }
  void
  detach (const std::string &id)
  {
    const Json removed = vm->ask ({ "detach", "vm", id });
    EXPECT_EQ (removed["id"].text (), id);
    EXPECT_EQ (removed["state"].text (), "removed");
  }
  Guest &
  guest ()
  {
    return vm->guest ();
  }
};

struct Kind
{
  const char *name;
  const char *spec;
  const char *vendor, *device;
  std::string proof; /* a command of the guest that prints "yes" once its driver has it */
};
std::ostream &
operator<< (std::ostream &stream, const Kind &row)
{
  return stream << row.name;
}
class HotplugKind : public Hotplug, public testing::WithParamInterface<Kind>
{
};
const Kind kinds[] = {
  { "rng", "rng,id=it", "0x1af4", "0x1044",
    "grep -q virtio_rng /sys/class/misc/hw_random/rng_available && echo yes" },
  { "nic", "qemu,driver=e1000e,id=it,mac=52:54:00:01:02:03", "0x8086", "0x10d3",
    "grep -qs 52:54:00:01:02:03 /sys/class/net/*/address && echo yes" },
  { "nvme", "qemu,driver=nvme,serial=s-1,id=it", "0x1b36", "0x0010", "echo yes" },
  { "serial_port", "qemu,driver=virtio-serial-pci,id=it", "0x1af4", "0x1043",
    "ls -d /sys/bus/virtio/drivers/virtio_console/virtio* && echo yes" },
};
INSTANTIATE_TEST_SUITE_P (Table, HotplugKind, testing::ValuesIn (kinds), name_of_row<Kind>);

TEST_P (HotplugKind, ComesToTheGuestAndGoes)
{
  const Json device = attach (GetParam ().spec);
  const std::string folder = guest_folder (device["guest_path"].text ());

  EXPECT_EQ (device["id"].text (), "it") << device;
  EXPECT_EQ (device["state"].text (), "usable") << device;
  EXPECT_EQ (device["plug"].text (), "hot") << device;
  EXPECT_GE (device["seconds"].real (), 0) << device;
  EXPECT_EQ (vm->state_of ("it"), "usable");
  EXPECT_EQ (vm->status ()["ports"]["spare"].number (), N_SPARE - 1);

  EXPECT_EQ (guest ().run ("cat " + folder + "/vendor " + folder + "/device"),
             std::string (GetParam ().vendor) + "\n" + GetParam ().device + "\n");
  EXPECT_TRUE (eventually ([&] {
    const std::string said = guest ().run (GetParam ().proof);
    return said.size () >= 4 && said.substr (said.size () - 4) == "yes\n";
  })) << guest ().run ("ls -l " + folder);

  /* Line N of the file is BAR N: start, end, flags. */
  const std::string resource = guest ().run ("cut -d ' ' -f 1 " + folder + "/resource");
  for (unsigned i = 0; i < device["bars"].size (); i++)
    {
      const Json bar = device["bars"].at (i);
      if (bar["kind"].text () == "io")
        continue;
      EXPECT_TRUE (bar["assigned"].flag ()) << device;
      const size_t line =
          static_cast<size_t> (bar["index"].number ()) * strlen ("0x0123456789abcdef\n");
      EXPECT_EQ (std::stoull (resource.substr (line, 18), nullptr, 16),
                 std::stoull (bar["guest_address"].text (), nullptr, 16))
          << device << resource;
    }

  detach ("it");
  EXPECT_FALSE (guest ().can ("ls -d " + folder)) << "the guest still has it";
}

TEST_F (Hotplug, ASerialNumberArrivesAsItIs)
{
  attach ("qemu,driver=nvme,serial=007,id=disk");
  EXPECT_EQ (vm->vmplug ({ "qmp", "vm", "qom-get",
                           R"({"path":"/machine/peripheral/disk","property":"serial"})" })
                 .out,
             "\"007\"\n");
  detach ("disk");
}

TEST_F (Hotplug, EventsTellOfEachStep)
{
  VmplugProgram events ({ "events", "vm" }, vm->host.root ());

  ASSERT_TRUE (events.wait_for ("VMPLUG_STATUS"));
  attach ("rng,id=dice");
  detach ("dice");
  EXPECT_TRUE (events.wait_for (R"("id":"dice","state":"removed")"));
  events.signal (SIGTERM);

  const Outcome outcome = events.wait ();
  size_t at = 0;
  for (const char *step :
       { R"("state":"adding")", R"("state":"accepted")", R"("state":"usable")",
         R"("state":"pending-removal")", "DEVICE_DELETED", R"("state":"removed")" })
    {
      at = outcome.out.find (step, at);
      EXPECT_NE (at, std::string::npos) << step << " is missing, or out of order: " << outcome;
    }
  std::istringstream lines (outcome.out);
  for (std::string line; std::getline (lines, line);)
    EXPECT_NE (Json::parse (line + "\n")["event"].text (), "") << line;
}

TEST_F (Hotplug, AnIdIsMadeOfTheDriverAndFreeAgainAfterwards)
{
  EXPECT_EQ (attach ("rng")["id"].text (), "virtio-rng-pci0");
  EXPECT_EQ (attach ("rng")["id"].text (), "virtio-rng-pci1");
  detach ("virtio-rng-pci0");
  EXPECT_EQ (attach ("rng")["id"].text (), "virtio-rng-pci0");
  detach ("virtio-rng-pci1");
  detach ("virtio-rng-pci0");
  const Outcome named = vm->vmplug ({ "attach", "vm", "rng", "--id", "by-option", "--json" });
  EXPECT_EQ (Json::parse (named.out)["id"].text (), "by-option");
  detach ("by-option");
}

TEST_F (Hotplug, PortsRunOutAndComeBack)
{
  for (long i = 0; i < N_SPARE; i++)
    attach ("rng,id=r" + std::to_string (i));
  expect_failure (vm->vmplug ({ "attach", "vm", "rng,id=more", "--json" }), 2,
                  { "no free hotplug port: all 4 are taken", "r0", "--spare" });
  detach ("r2");
  EXPECT_EQ (attach ("rng,id=more")["state"].text (), "usable");
  for (const char *id : { "r0", "r1", "r3", "more" })
    detach (id);
}

TEST_F (Hotplug, AllOfThemAtOnce)
{
  std::vector<std::unique_ptr<VmplugProgram>> clients;

  for (const char *command : { "attach", "detach" })
    {
      for (long i = 0; i < N_SPARE; i++)
        {
          const std::string id = "r" + std::to_string (i);
          clients.push_back (std::make_unique<VmplugProgram> (
              command[0] == 'a' ? Args{ command, "vm", "rng", "--id", id }
                                : Args{ command, "vm", id },
              vm->host.root ()));
        }
      for (const auto &client : clients)
        {
          const Outcome outcome = client->wait ();
          EXPECT_EQ (outcome.status, 0) << outcome;
        }
      clients.clear ();
    }
}

/* What is wrong with an attach or a detach, and nothing comes of it. */
struct Refused
{
  const char *name;
  Args args;
  int status;
  Args texts;
};
std::ostream &
operator<< (std::ostream &stream, const Refused &row)
{
  return stream << row.name;
}
class HotplugRefused : public Hotplug, public testing::WithParamInterface<Refused>
{
};
const Refused refused[] = {
  { "duplicate_id", { "attach", "vm", "rng,id=taken" }, 2, { "already has taken" } },
  { "id_of_a_port", { "attach", "vm", "rng,id=port1" }, 2, { "\"port1\"" } },
  { "id_of_the_console", { "attach", "vm", "rng,id=console" }, 2, { "\"console\"" } },
  { "id_twice", { "attach", "vm", "rng,id=a", "--id", "b" }, 2, { "\"id\" is given twice" } },
  { "bad_id", { "attach", "vm", "rng", "--id", "a b" }, 2, { "\"a b\" is not an id" } },
  { "unknown_key", { "attach", "vm", "rng,colour=red" }, 2, { "\"colour=\"" } },
  { "no_driver", { "attach", "vm", "qemu,id=x" }, 2, { "driver= is missing" } },
  { "no_such_driver",
    { "attach", "vm", "qemu,driver=e1000x" },
    6,
    { "QEMU refused it", "e1000x" } },
  { "no_such_property",
    { "attach", "vm", "qemu,driver=e1000e,colour=red" },
    6,
    { "QEMU refused it", "colour" } },
  { "cannot_be_hotplugged",
    { "attach", "vm", "qemu,driver=VGA" },
    6,
    { "QEMU refused it", "pluggable device type" } },
  { "bad_timeout", { "attach", "vm", "rng", "--timeout", "-1" }, 2, { "\"-1\"" } },
  { "no_reference", { "attach", "vm", "thing" }, 2, { "\"thing\" is not a device" } },
  { "no_such_device", { "attach", "vm", "41:00.0" }, 3, { "0000:41:00.0", "no such device" } },
  { "no_such_group", { "attach", "vm", "/dev/vfio/40" }, 3, { "IOMMU group 40" } },
  { "no_such_vm", { "attach", "other", "rng" }, 5, { "no VM named other" } },
  { "too_few_words", { "attach", "vm" }, 2, { "too few" } },
  { "detach_of_nothing", { "detach", "vm", "nothing" }, 2, { "nothing", "vmplug status" } },
  { "detach_of_a_port", { "detach", "vm", "port1" }, 2, { "port1" } },
  { "detach_of_an_odd_id", { "detach", "vm", "a\nb\x1b" }, 2, { "a\\x0ab\\x1b" } },
  { "device_add_by_hand",
    { "qmp", "vm", "device_add", "{\"driver\":\"e1000e\"}" },
    6,
    { "device_add is not passed on", "vmplug-attach" } },
  { "quit_by_hand", { "qmp", "vm", "quit" }, 6, { "quit is not passed on" } },
  { "no_command", { "qmp", "vm", "query-weather" }, 6, { "query-weather" } },
  { "bad_arguments", { "qmp", "vm", "query-status", "{" }, 2, { "\"{\"" } },
};
INSTANTIATE_TEST_SUITE_P (Table, HotplugRefused, testing::ValuesIn (refused), name_of_row<Refused>);

TEST_P (HotplugRefused, IsToldInOneLineAndChangesNothing)
{
  const std::string before = attach ("rng,id=taken").dump ();
  ASSERT_NE (before, "nothing");
  const Json status = vm->status ();

  for (const Args &json : { Args{}, Args{ "--json" } })
    expect_failure (vm->vmplug (GetParam ().args + json), GetParam ().status, GetParam ().texts);

  const Json after = vm->status ();
  EXPECT_EQ (after["devices"].dump (), status["devices"].dump ());
  EXPECT_EQ (after["ports"].dump (), status["ports"].dump ());
  detach ("taken");
}

TEST_F (Hotplug, DetachedTwiceIsUnknownTheSecondTime)
{
  attach ("rng,id=once");
  detach ("once");
  expect_failure (vm->vmplug ({ "detach", "vm", "once", "--json" }), 2, { "once" });
}

TEST_F (Hotplug, SeveralComeAndGoAtOnce)
{
  const Outcome attach =
      vm->vmplug ({ "attach", "vm", "rng,id=a", "rng,id=a", "rng,id=b", "--json" });
  const Json added = Json::parse (attach.out)["devices"];

  EXPECT_EQ (attach.status, 2) << "the second is none: " << attach;
  EXPECT_EQ (added.at (0)["state"].text (), "usable") << added;
  EXPECT_EQ (added.at (1)["error"]["code"].text (), "duplicate") << added;
  EXPECT_EQ (added.at (2)["state"].text (), "usable") << added;

  const Json removed = vm->ask ({ "detach", "vm", "--all" })["devices"];
  EXPECT_EQ (removed.size (), 2u) << removed;
  for (unsigned i = 0; i < removed.size (); i++)
    EXPECT_EQ (removed.at (i)["state"].text (), "removed") << removed;
}

/* As a guest does that sets up its hotplug in that moment. */
TEST_F (Hotplug, WhatTheGuestThrowsOutAtOnceIsAddedAgain)
{
  const std::string path = attach ("rng,id=it")["guest_path"].text ();
  const std::string vendor = guest_folder (path) + "/vendor";

  ASSERT_EQ (guest ().run ("cat " + vendor), "0x1af4\n");
  guest ().run ("address=$(basename $(dirname " + vendor +
                ")); for slot in /sys/bus/pci/slots/*; do "
                "[ \"$(cat $slot/address)\" != ${address%.*} ] || echo 0 >$slot/power; done");
  EXPECT_TRUE (eventually ([&] { return vm->state_of ("it") != "usable"; }, 5)) << vm->status ();
  EXPECT_TRUE (eventually ([&] { return vm->state_of ("it") == "usable"; }, 20)) << vm->status ();
  EXPECT_EQ (vm->device ("it")["guest_path"].text (), path);
  EXPECT_TRUE (eventually ([&] { return guest ().can ("grep -q 0x1af4 " + vendor); }, 20));
  detach ("it");
}

TEST_F (Hotplug, APausedVmIsNamedAsTheReason)
{
  EXPECT_EQ (vm->vmplug ({ "qmp", "vm", "stop" }).status, 0);
  expect_failure (vm->vmplug ({ "attach", "vm", "rng,id=it", "--timeout", "1", "--json" }), 7,
                  { "it is accepted", "the VM is paused" });
  EXPECT_EQ (vm->vmplug ({ "qmp", "vm", "cont" }).status, 0);
  EXPECT_TRUE (eventually ([&] { return vm->state_of ("it") == "usable"; }, 20)) << vm->status ();

  EXPECT_EQ (vm->vmplug ({ "qmp", "vm", "stop" }).status, 0);
  expect_failure (vm->vmplug ({ "detach", "vm", "it", "--timeout", "1", "--json" }), 7,
                  { "it is still held by the guest", "the VM is paused" });
  EXPECT_EQ (vm->vmplug ({ "qmp", "vm", "cont" }).status, 0);
  EXPECT_TRUE (eventually ([&] { return vm->device ("it").is_null (); }, 20)) << vm->status ();
}

TEST_F (Hotplug, NobodyNeedsToWait)
{
  expect_failure (vm->vmplug ({ "attach", "vm", "rng,id=later", "--timeout", "0", "--json" }), 7,
                  { "later is ", "vmplug status" });
  EXPECT_TRUE (eventually ([&] { return vm->state_of ("later") == "usable"; }));
  expect_failure (vm->vmplug ({ "detach", "vm", "later", "--timeout", "0", "--json" }), 7,
                  { "later is still held by the guest" });
  EXPECT_TRUE (eventually ([&] { return vm->device ("later").is_null (); }));
}

TEST_F (Hotplug, ADeviceIsThereAfterAReboot)
{
  const std::string path = attach ("qemu,driver=e1000e,id=lan")["guest_path"].text ();

  guest ().say ("reboot -f\n");
  guest ().wait_until_ready ();
  EXPECT_TRUE (eventually ([&] { return vm->state_of ("lan") == "usable"; })) << vm->status ();
  EXPECT_EQ (guest ().run ("cat " + guest_folder (path) + "/vendor"), "0x8086\n");
  for (unsigned i = 0; i < vm->device ("lan")["bars"].size (); i++)
    {
      const Json bar = vm->device ("lan")["bars"].at (i);
      EXPECT_TRUE (bar["assigned"].flag () || bar["kind"].text () == "io") << bar;
    }
  detach ("lan");
}

unsigned
count_files (pid_t pid)
{
  const std::filesystem::directory_iterator files ("/proc/" + std::to_string (pid) + "/fd");
  return static_cast<unsigned> (std::distance (begin (files), end (files)));
}

TEST_F (Hotplug, ThirtyRoundsLeaveNothingBehind)
{
  const unsigned supervisor_files = count_files (vm->supervisor ()),
                 qemu_files = count_files (vm->qemu ());
  const std::string buses = guest ().run ("ls /sys/bus/pci/devices");

  for (int i = 0; i < 30; i++)
    {
      const Json device = attach ("qemu,driver=e1000e,id=lan");
      ASSERT_EQ (device["state"].text (), "usable") << "round " << i << ": " << device;
      detach ("lan");
      ASSERT_FALSE (HasFailure ()) << "round " << i;
    }
  EXPECT_EQ (guest ().run ("ls /sys/bus/pci/devices"), buses);
  /* A client that has just gone may have been counted before. */
  EXPECT_TRUE (eventually ([&] { return count_files (vm->supervisor ()) <= supervisor_files; }, 20))
      << count_files (vm->supervisor ()) << ", before " << supervisor_files;
  EXPECT_LE (count_files (vm->qemu ()), qemu_files);
}

/* The seventeenth device of a pc has no slot of its own. */
TEST (Bridge, OfPcTakesWhatComesToIt)
{
  Shared::vm.reset ();
  Vm vm;
  Args options = { "--machine", "pc", "--spare", "0" };
  for (int i = 0; i < 16; i++)
    options = options + Args{ "--device", "rng,plug=cold" };
  vm.boot (options + Args{ "--device", "qemu,driver=e1000e,id=lan" });

  EXPECT_TRUE (eventually ([&] { return vm.state_of ("lan") == "usable"; }, 60))
      << vm.device ("lan");
  EXPECT_EQ (vm.device ("lan")["guest_path"].text (), "1f/01");
  EXPECT_NE (vm.guest ().run ("cat /sys/bus/pci/devices/*:01.0/device").find ("0x10d3"),
             std::string::npos);

  const Json removed = vm.ask ({ "detach", "vm", "lan" });
  EXPECT_EQ (removed["state"].text (), "removed") << removed;
}

} // namespace
