#include "tests/e2e/failure.h"
#include "tests/e2e/newer-qemu.h"
#include "tests/e2e/vfio-user-server.h"
#include "tests/e2e/vm.h"
#include "tests/support/temp-folder.h"

/* Devices that another process emulates, as large as a GPU, on a host without any IOMMU. Only
 * QEMU 10.1 and later have them. */

namespace
{

using Args = std::vector<std::string>;

constexpr uint64_t GiB = UINT64_C (1) << 30;
const std::vector<VfioUserServer::Bar> BIG = { { 0, 4096 }, { 2, 16 * GiB } };

/* A script, which could start any firmware, so that vmplug has to be told. */
const Args QEMU = { "--qemu", newer_qemu ("11"), "--firmware-version", "1.17.0" };

class VfioUser : public testing::Test
{
protected:
  TempFolder folder_;
  Vm vm_;

  std::string
  socket (const std::string &name) const
  {
    return folder_.path (name);
  }
  std::string
  spec (const std::string &name) const
  {
    return "vfio-user,socket=" + socket (name) + ",id=" + name;
  }
  /* The 16 GiB have an address, as large as they are, and the guest's kernel says the same. */
  void
  expect_mapped (const Json &device)
  {
    EXPECT_EQ (device["state"].text (), "usable") << device;
    EXPECT_EQ (device["kind"].text (), "vfio-user") << device;
    EXPECT_EQ (device["socket"].text (), socket (device["id"].text ())) << device;
    EXPECT_TRUE (device["address"].is_null ()) << device;
    ASSERT_EQ (device["bars"].size (), 2u) << device;
    const Json bar = device["bars"].at (1);
    EXPECT_EQ (bar["index"].number (), 2) << device;
    EXPECT_EQ (bar["size"].number (), static_cast<long> (16 * GiB)) << device;
    ASSERT_EQ (bar["guest_address"].text ().rfind ("0x", 0), 0u) << device;
    const uint64_t address = std::stoull (bar["guest_address"].text (), nullptr, 16);
    EXPECT_GE (address, 4 * GiB) << device;
    EXPECT_EQ (address % (16 * GiB), 0u) << device;

    char line[32];
    snprintf (line, sizeof line, "0x%016lx", static_cast<unsigned long> (address));
    EXPECT_TRUE (
        vm_.guest ().can ("grep " + std::string (line) + " /sys/bus/pci/devices/*/resource"))
        << device;
  }
  /* Whether the guest has a device of a server, that answers. */
  bool
  guest_has_one ()
  {
    return vm_.guest ().can ("grep 0x00f5 /sys/bus/pci/devices/*/device");
  }
};

TEST_F (VfioUser, SixteenGigabytesColdAndHot)
{
  VfioUserServer cold (socket ("cold"), BIG);
  VfioUserServer declared (socket ("declared"), BIG);
  VfioUserServer hot (socket ("hot"), BIG);

  vm_.boot (QEMU + Args{ "--spare", "1", "--spare-window", "16G", "--ready", "console:guest: ready",
                         "--device", spec ("cold"), "--device", spec ("declared") + ",plug=hot" });
  EXPECT_TRUE (eventually ([&] { return vm_.state_of ("cold") == "usable"; }));
  EXPECT_EQ (vm_.device ("cold")["plug"].text (), "cold");
  expect_mapped (vm_.device ("cold"));
  EXPECT_TRUE (eventually ([&] { return vm_.state_of ("declared") == "usable"; })) << vm_.status ();
  EXPECT_EQ (vm_.device ("declared")["plug"].text (), "hot");
  expect_mapped (vm_.device ("declared"));

  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("cold") + "2" }), 2,
                  { "vfio-user " + socket ("cold"), "already has cold for that server" });

  /* A server serves the next client when one has left. */
  for (int round = 0; round < 2; round++)
    {
      expect_mapped (vm_.ask ({ "attach", "vm", spec ("hot") }));
      expect_mapped (vm_.device ("hot"));
      EXPECT_EQ (vm_.ask ({ "detach", "vm", "hot" })["state"].text (), "removed");
    }

  /* QEMU tells nobody when a server dies. The device stays, does nothing, and can be removed. */
  cold.kill ();
  EXPECT_EQ (vm_.status ()["state"].text (), "running");
  EXPECT_EQ (vm_.state_of ("cold"), "usable");
  EXPECT_EQ (vm_.ask ({ "detach", "vm", "cold" })["state"].text (), "removed");
  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("cold") }), 6,
                  { "cold: QEMU refused it: ", "Connection refused" });
  expect_mapped (vm_.ask ({ "attach", "vm", spec ("hot") }));
}

TEST_F (VfioUser, InAPortThatWasNotPreparedItFindsNoWindow)
{
  VfioUserServer server (socket ("big"), BIG);
  VfioUserServer small_server (socket ("small"), { { 0, 4096 } });

  vm_.boot (QEMU + Args{ "--spare", "1", "--shared-memory", "on" });
  const std::string before = vm_.guest ().run ("ls /sys/bus/pci/devices");
  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("big") }), 6,
                  { "big: BAR 2 (16 GiB) has no window behind port1" });
  EXPECT_TRUE (eventually ([&] { return vm_.status ()["devices"].is_empty (); })) << vm_.status ();
  EXPECT_EQ (vm_.status ()["ports"]["spare"].number (), 1);
  EXPECT_EQ (vm_.guest ().run ("ls /sys/bus/pci/devices"), before);
  EXPECT_EQ (vm_.ask ({ "attach", "vm", spec ("small") })["state"].text (), "usable");
  EXPECT_TRUE (guest_has_one ());
}

TEST_F (VfioUser, WhatIsMissingIsSaid)
{
  const Args run = Args{ "run", "--accel", "tcg" };
  const std::string path = socket ("late");
  const std::string no_server = "vfio-user " + path + ": No such file or directory";

  expect_failure (vm_.vmplug (run + QEMU + Args{ "--device", spec ("late") }), 3, { no_server });
  folder_.write ("late", "no socket");
  expect_failure (vm_.vmplug (run + QEMU + Args{ "--device", spec ("late"), "--detach", "--json" }),
                  3, { path + ": not a socket" });
  std::filesystem::remove (path);

  VfioUserServer server (path, BIG);
  expect_failure (vm_.vmplug (run + Args{ "--device", spec ("late") }), 3,
                  { "qemu-system-x86_64: has no vfio-user-pci", "QEMU 10.1" });
  server.kill ();
  expect_failure (vm_.vmplug (run + QEMU + Args{ "--device", spec ("late") }), 4,
                  { "QEMU did not start: ", path, "Connection refused" });

  /* The server could not map its memory. */
  ASSERT_TRUE (vm_.start (QEMU));
  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("late") }), 6,
                  { "vfio-user " + path, "--shared-memory on" });
  vm_.end ();

  ASSERT_TRUE (vm_.start (Args{ "--shared-memory", "on" }));
  std::filesystem::remove (path);
  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("late") }), 3, { no_server });
  VfioUserServer again (path, BIG);
  expect_failure (vm_.vmplug ({ "attach", "vm", spec ("late") }), 6,
                  { "late: QEMU refused it: ", "vfio-user-pci" });
  EXPECT_TRUE (vm_.status ()["devices"].is_empty ());
}

} // namespace
