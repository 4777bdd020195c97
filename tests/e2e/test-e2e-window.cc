#include "tests/e2e/failure.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"

/* Where the BARs of a device find room, and where not: what vmplug is for. */

namespace
{

using Args = std::vector<std::string>;

constexpr long GiB = 1L << 30;
const std::string BIG = "qemu,driver=pci-testdev,membar=16G,id=big";

Json
bar_of (const Json &device, long index)
{
  for (unsigned i = 0; i < device["bars"].size (); i++)
    if (device["bars"].at (i)["index"].number () == index)
      return device["bars"].at (i);
  return {};
}

/* The 16 GiB have an address, above what a 32-bit window reaches and as large as they are. */
void
expect_big_is_mapped (const Json &device)
{
  const Json bar = bar_of (device, 2);

  EXPECT_EQ (device["state"].text (), "usable") << device;
  EXPECT_EQ (bar["kind"].text (), "mem64") << device;
  EXPECT_EQ (bar["size"].number (), 16 * GiB) << device;
  EXPECT_TRUE (bar["assigned"].flag ()) << device;
  const std::string address = bar["guest_address"].text ();
  ASSERT_EQ (address.rfind ("0x", 0), 0u) << device;
  EXPECT_GE (std::stoul (address, nullptr, 16), 4ul * GiB) << device;
  EXPECT_EQ (std::stoul (address, nullptr, 16) % (16 * GiB), 0u) << device;
}

/* What the guest's kernel says of the device's BAR 2 is what vmplug says. */
void
expect_guest_agrees (Guest &guest, const Json &device)
{
  const std::string resources =
      guest.run ("for d in /sys/bus/pci/devices/*; do grep -q 0x0005 $d/device && "
                 "sed -n 3p $d/resource; done");
  ASSERT_EQ (resources.rfind ("0x", 0), 0u) << resources;
  EXPECT_EQ (std::stoul (resources.substr (0, 18), nullptr, 16),
             std::stoul (bar_of (device, 2)["guest_address"].text (), nullptr, 16))
      << resources;
}

TEST (Window, ALargeBarFindsNoneInAPortThatWasNotPrepared)
{
  Vm vm;
  Guest &guest = vm.boot ({ "--spare", "2" });
  const std::string buses = guest.run ("ls /sys/bus/pci/devices");
  VmplugProgram events ({ "events", "vm" }, vm.host.root ());
  ASSERT_TRUE (events.wait_for ("VMPLUG_STATUS"));

  const Outcome outcome = vm.vmplug ({ "attach", "vm", BIG, "--json" });
  expect_failure (outcome, 6, { "big: BAR 2 (16 GiB) has no window behind port", "plug=cold" });
  EXPECT_EQ (Json::parse (outcome.out)["error"]["code"].text (), "no-window");

  /* It never was what it could not be, and it is out again. */
  EXPECT_TRUE (events.wait_for (R"("id":"big","state":"removed")")) << events.out ();
  EXPECT_EQ (events.out ().find (R"("id":"big","state":"usable")"), std::string::npos);
  EXPECT_TRUE (eventually ([&] { return vm.status ()["devices"].is_empty (); })) << vm.status ();
  EXPECT_EQ (vm.status ()["ports"]["spare"].number (), 2);
  EXPECT_EQ (guest.run ("ls /sys/bus/pci/devices"), buses);

  /* Nothing of it stands in the way of the next. */
  EXPECT_EQ (vm.ask ({ "attach", "vm", "rng,id=big" })["state"].text (), "usable");
  EXPECT_EQ (vm.ask ({ "attach", "vm", "qemu,driver=e1000e" })["state"].text (), "usable");
  vm.ask ({ "detach", "vm", "big" });
  expect_failure (vm.vmplug ({ "attach", "vm", BIG }), 6, { "has no window" });
}

TEST (Window, ASpareWindowTakesIt)
{
  Vm vm;
  Guest &guest = vm.boot ({ "--spare", "2", "--spare-window", "16G" });

  for (int round = 0; round < 2; round++)
    {
      const Json device = vm.ask ({ "attach", "vm", BIG });
      expect_big_is_mapped (device);
      expect_guest_agrees (guest, device);
      EXPECT_EQ (vm.ask ({ "detach", "vm", "big" })["state"].text (), "removed");
    }
  expect_failure (vm.vmplug ({ "attach", "vm", "qemu,driver=pci-testdev,membar=32G,id=bigger" }), 6,
                  { "bigger: BAR 2 (32 GiB) has no window" });
}

/* It is there before the guest is, so the firmware makes room for it. On both machines, and
 * whatever the guest does with it. */
class ColdWindow : public testing::TestWithParam<const char *>
{
};
INSTANTIATE_TEST_SUITE_P (Machine, ColdWindow, testing::Values ("q35", "pc"), [] (const auto &row) {
  return std::string (row.param);
});

TEST_P (ColdWindow, IsMadeByTheFirmware)
{
  Vm vm;
  Guest &guest = vm.boot ({ "--machine", GetParam (), "--device", BIG + ",plug=cold" });
  const Json device = vm.device ("big");

  EXPECT_EQ (device["plug"].text (), "cold");
  expect_big_is_mapped (device);
  expect_guest_agrees (guest, device);

  /* A device of the command line can be taken out like any other. */
  EXPECT_EQ (vm.ask ({ "detach", "vm", "big" })["state"].text (), "removed");
  EXPECT_FALSE (guest.can ("grep 0x0005 /sys/bus/pci/devices/*/device"));
  expect_failure (vm.vmplug ({ "detach", "vm", "big", "--json" }), 2, { "big" });

  /* A normal device needs no preparation, on pc neither. */
  for (const char *spec : { "qemu,driver=e1000e,id=it,mac=52:54:00:01:02:03", "rng,id=it" })
    {
      EXPECT_EQ (vm.ask ({ "attach", "vm", spec })["state"].text (), "usable") << spec;
      const char *const proof = spec[0] == 'q'
                                    ? "grep -q 52:54:00:01:02:03 /sys/class/net/*/address"
                                    : "grep virtio_rng /sys/class/misc/hw_random/rng_available";
      EXPECT_TRUE (eventually ([&] { return guest.can (proof); })) << spec;
      EXPECT_EQ (vm.ask ({ "detach", "vm", "it" })["state"].text (), "removed") << spec;
    }
}

/* The other way of telling a guest: the port's own attention button, which waits five seconds. */
TEST (Native, ADeviceComesAndGoes)
{
  Vm vm;
  Guest &guest = vm.boot ({ "--hotplug-mode", "native", "--spare", "1" });

  const Json device =
      vm.ask ({ "attach", "vm", "qemu,driver=e1000e,id=lan,mac=52:54:00:01:02:03" });
  EXPECT_EQ (device["state"].text (), "usable") << device;
  EXPECT_TRUE (eventually (
      [&] { return guest.can ("grep -q 52:54:00:01:02:03 /sys/class/net/*/address"); }));
  EXPECT_EQ (vm.ask ({ "detach", "vm", "lan" })["state"].text (), "removed");
  EXPECT_FALSE (guest.can ("ls -d /sys/class/net/eth0"));
  EXPECT_EQ (vm.status ()["ports"]["spare"].number (), 1);
}

/* Declared and normal: added when the guest is ready, and not before. */
TEST (Ready, HoldsAHotDeviceUntilTheConsoleSaysSo)
{
  Vm vm;
  ASSERT_TRUE (vm.start (guest_options () + Args{ "--ready", "console:guest: r[e]ady", "--device",
                                                  "qemu,driver=e1000e,id=lan,plug=hot" }));
  const auto console = [&] {
    std::ostringstream text;
    text << std::ifstream (vm.run_dir () / "console.log").rdbuf ();
    return text.str ();
  };

  EXPECT_EQ (vm.device ("lan")["plug"].text (), "hot");
  bool was_held = false;
  EXPECT_TRUE (eventually ([&] {
    const std::string state = vm.state_of ("lan");
    /* In this order: what is on its way has been preceded by the word, never the other way. */
    const bool is_ready = console ().find ("guest: ready") != std::string::npos;
    EXPECT_TRUE (state == "queued" || is_ready) << state;
    was_held |= state == "queued" && !is_ready;
    return state == "usable";
  }));
  EXPECT_TRUE (was_held);
  EXPECT_TRUE (eventually ([&] { return vm.guest ().can ("ls -d /sys/class/net/eth0"); }));
}

TEST (Ready, AfterSomeTime)
{
  Vm vm;
  bool was_held = false;

  ASSERT_TRUE (vm.start ({ "--ready", "after:3", "--device", "rng,id=dice" }));
  EXPECT_TRUE (eventually ([&] {
    const Json status = vm.status ();
    const std::string state = status["devices"].at (0)["state"].text ();
    EXPECT_TRUE (state == "queued" || status["uptime"].real () >= 2.99) << status;
    was_held |= state == "queued";
    return state == "accepted";
  }));
  EXPECT_TRUE (was_held);
}

/* Without an operating system nobody answers a hotplug, and that is what is told. */
TEST (NoGuest, NothingComesAndNothingGoes)
{
  Vm vm;
  ASSERT_TRUE (vm.start ({ "--spare", "2", "--device", "rng,id=cold,plug=cold" }));
  EXPECT_TRUE (eventually ([&] { return vm.state_of ("cold") == "usable"; }))
      << "the firmware maps what it finds: " << vm.status ();

  expect_failure (vm.vmplug ({ "attach", "vm", "rng,id=hot", "--timeout", "2", "--json" }), 7,
                  { "hot is accepted after ", "the guest has mapped none of its BARs" });
  EXPECT_EQ (vm.state_of ("hot"), "accepted");
  EXPECT_EQ (vm.status ()["ports"]["spare"].number (), 1);

  for (const char *id : { "hot", "cold" })
    {
      expect_failure (vm.vmplug ({ "detach", "vm", id, "--timeout", "1.5", "--json" }), 7,
                      { id + std::string (" is still held by the guest after ") });
      EXPECT_EQ (vm.state_of (id), "pending-removal");
      expect_failure (vm.vmplug ({ "detach", "vm", id, "--timeout", "0.5" }), 7,
                      { id + std::string (" is still held") });
    }
  expect_failure (vm.vmplug ({ "attach", "vm", "rng,id=hot" }), 2, { "which is pending-removal" });
  expect_failure (vm.vmplug ({ "detach", "vm", "other" }), 2, { "other" });

  /* The guest is asked first, and this one does not hear: stop then insists, later. */
  const Outcome stop = vm.vmplug ({ "stop", "vm", "--timeout", "2" });
  expect_failure (stop, 7, { "vm has not ended after 2.0 s" });
  EXPECT_EQ (vm.status ()["state"].text (), "running");
  EXPECT_EQ (vm.vmplug ({ "stop", "--force", "vm" }).status, 0);
  EXPECT_FALSE (vm.is_there ());
}

} // namespace
