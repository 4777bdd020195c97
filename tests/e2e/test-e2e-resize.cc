#include "tests/e2e/failure.h"
#include "tests/e2e/vm.h"

/* CPUs and memory that come to a running guest and go again, and a guest that says itself when it
 * is ready for hotplugs. */

namespace
{

using Args = std::vector<std::string>;

constexpr long MiB = 1 << 20;

class Resize : public testing::TestWithParam<const char *>
{
protected:
  Vm vm;

  Json
  resize (const Args &args)
  {
    const Json document = vm.ask (Args{ "resize", "vm" } + args);
    EXPECT_EQ (document["state"].text (), "done") << document;
    return document;
  }
  std::string
  online ()
  {
    return vm.guest ().run ("cat /sys/devices/system/cpu/online");
  }
  /* In MiB. */
  long
  total ()
  {
    return std::stol (vm.guest ().run ("sed -n 's/MemTotal: *//p' /proc/meminfo")) / 1024;
  }
};
INSTANTIATE_TEST_SUITE_P (Machine, Resize, testing::Values ("q35", "pc"), [] (const auto &row) {
  return std::string (row.param);
});

TEST_P (Resize, CpusComeAndGo)
{
  vm.boot ({ "--machine", GetParam (), "--max-cpus", "4" });

  Json document = resize ({ "--cpus", "3" });
  EXPECT_EQ (document["cpus"]["asked"].number (), 3) << document;
  EXPECT_EQ (document["cpus"]["now"].number (), 3) << document;
  EXPECT_EQ (document["cpus"]["unanswered"].number (), 0) << document;
  /* To bring them online is the guest's affair. */
  EXPECT_EQ (vm.guest ().run ("cat /sys/devices/system/cpu/present"), "0-2\n");
  vm.guest ().run ("for i in 1 2; do echo 1 >/sys/devices/system/cpu/cpu$i/online; done");
  EXPECT_EQ (online (), "0-2\n");
  EXPECT_EQ (vm.status ()["cpus"]["now"].number (), 3) << vm.status ();
  EXPECT_EQ (vm.status ()["cpus"]["max"].number (), 4) << vm.status ();

  expect_failure (vm.vmplug ({ "resize", "vm", "--cpus", "5", "--json" }), 2,
                  { "the VM can have 4", "--max-cpus 5" });

  document = resize ({ "--cpus", "1" });
  EXPECT_EQ (document["cpus"]["now"].number (), 1) << document;
  EXPECT_EQ (online (), "0\n");

  /* A CPU that came after another has gone would be the end of an emulated VM. */
  const Outcome again = vm.vmplug ({ "resize", "vm", "--cpus", "2", "--json" });
  EXPECT_EQ (again.status, 6) << again;
  document = Json::parse (again.out);
  EXPECT_EQ (document["state"].text (), "refused") << document;
  EXPECT_EQ (document["cpus"]["now"].number (), 1) << document;
  EXPECT_EQ (document["error"]["code"].text (), "wrong-state") << document;
  EXPECT_EQ (vm.status ()["state"].text (), "running");
}

TEST_P (Resize, MemoryComesAndGoes)
{
  vm.boot ({ "--machine", GetParam (), "--memory", "256M", "--max-memory", "1G" });
  /* Where the guest can take it back from, and at once. */
  vm.guest ().run ("echo online_movable >/sys/devices/system/memory/auto_online_blocks");
  const long before = total ();

  Json document = resize ({ "--memory", "512M" });
  EXPECT_EQ (document["memory"]["asked"].number (), 512 * MiB) << document;
  EXPECT_EQ (document["memory"]["now"].number (), 512 * MiB) << document;
  EXPECT_TRUE (eventually ([&] { return total () == before + 256; })) << total ();
  EXPECT_EQ (vm.status ()["memory"]["now"].number (), 512 * MiB) << vm.status ();
  EXPECT_EQ (vm.status ()["memory"]["max"].number (), 1024 * MiB) << vm.status ();

  for (const auto &[size, text] :
       std::vector<std::pair<std::string, std::string>>{ { "2G", "--max-memory 2048M" },
                                                         { "128M", "started with 256 MiB" },
                                                         { "301M", "steps of 2 MiB" } })
    expect_failure (vm.vmplug ({ "resize", "vm", "--memory", size, "--json" }), 2, { text });

  document = resize ({ "--memory", "256M" });
  EXPECT_EQ (document["memory"]["now"].number (), 256 * MiB) << document;
  EXPECT_EQ (total (), before);

  /* A reset takes it away, and the guest's driver takes it anew. */
  resize ({ "--memory", "512M" });
  vm.guest ().say ("reboot -f\n");
  vm.guest ().wait_until_ready ();
  EXPECT_TRUE (eventually ([&] { return vm.status ()["memory"]["now"].number () == 512 * MiB; }))
      << vm.status ();
}

TEST (ResizeOfNothing, IsRefused)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());
  expect_failure (vm.vmplug ({ "resize", "vm", "--json" }), 2, { "--cpus or --memory" });
  expect_failure (vm.vmplug ({ "resize", "vm", "--cpus", "2", "--json" }), 2,
                  { "the VM can have 1", "--max-cpus 2" });
  expect_failure (vm.vmplug ({ "resize", "vm", "--memory", "2G", "--json" }), 2,
                  { "the VM can have 1 GiB", "--max-memory 2048M" });
  EXPECT_EQ (vm.ask ({ "resize", "vm", "--cpus", "1", "--memory", "1G" })["state"].text (), "done");
}

/* Nobody listens: what QEMU has is told, and what the guest has not done. */
TEST (ResizeWithoutAGuest, IsToldAsUnfinished)
{
  Vm vm;
  ASSERT_TRUE (vm.start ({ "--max-cpus", "3", "--max-memory", "2G" }));
  const Outcome outcome =
      vm.vmplug ({ "resize", "vm", "--cpus", "3", "--memory", "2G", "--timeout", "1", "--json" });
  const Json document = Json::parse (outcome.out);
  EXPECT_EQ (outcome.status, 7) << outcome;
  EXPECT_EQ (document["state"].text (), "pending") << document;
  EXPECT_EQ (document["cpus"]["now"].number (), 3) << document;
  EXPECT_EQ (document["cpus"]["unanswered"].number (), 2) << document;
  EXPECT_EQ (document["memory"]["now"].number (), 1024 * MiB) << document;
  EXPECT_EQ (document["error"]["code"].text (), "pending") << document;
}

class ReadyPort : public testing::TestWithParam<const char *>
{
};
INSTANTIATE_TEST_SUITE_P (Machine, ReadyPort, testing::Values ("q35", "pc"), [] (const auto &row) {
  return std::string (row.param);
});

TEST_P (ReadyPort, OpensTheWayForHotplugs)
{
  Vm vm;
  Guest &guest = vm.boot ({ "--machine", GetParam (), "--ready", "port:org.guest.ready", "--device",
                            "qemu,driver=e1000e,id=lan,plug=hot,mac=52:54:00:01:02:03" });

  EXPECT_EQ (guest.run ("cat /sys/class/virtio-ports/*/name"), "org.guest.ready\n");
  EXPECT_FALSE (guest.can ("grep -q 52:54:00:01:02:03 /sys/class/net/*/address"));
  EXPECT_NE (vm.state_of ("lan"), "usable");

  /* What is written goes nowhere, and nobody has to read it. */
  guest.run ("exec 3<>/dev/$(basename /sys/class/virtio-ports/*); echo ready >&3");
  EXPECT_TRUE (eventually ([&] { return vm.state_of ("lan") == "usable"; })) << vm.status ();
  EXPECT_TRUE (eventually (
      [&] { return guest.can ("grep -q 52:54:00:01:02:03 /sys/class/net/*/address"); }));
}

} // namespace
