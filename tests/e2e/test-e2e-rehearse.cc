#include "tests/e2e/failure.h"
#include "tests/e2e/newer-qemu.h"
#include "tests/e2e/tree.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <cstdlib>

/* Real firmware and real QEMU, and hosts that nobody has. With VMPLUG_TEST_QEMU in the environment,
 * another QEMU than that of the PATH. */

namespace
{

using Args = std::vector<std::string>;

constexpr uint64_t KiB = UINT64_C (1) << 10;
constexpr uint64_t MiB = UINT64_C (1) << 20;
constexpr uint64_t GiB = UINT64_C (1) << 30;

/* What an 80 GB GPU has, but for I/O. */
const std::vector<FakeBar> GPU = { { 0, FakeBar::MEM32, 16 * MiB },
                                   { 1, FakeBar::MEM64_PREF, 128 * GiB },
                                   { 3, FakeBar::MEM64_PREF, 32 * MiB } };
const std::vector<FakeBar> SMALL_GPU = { { 0, FakeBar::MEM32, 16 * MiB },
                                         { 1, FakeBar::MEM64_PREF, 16 * GiB },
                                         { 3, FakeBar::MEM64_PREF, 32 * MiB } };

/* A host whose devices no driver and no IOMMU have heard of. */
class RehearseTest
{
public:
  FakeSysfs host;

  static std::string
  address (int i)
  {
    char text[32];
    snprintf (text, sizeof text, "0000:%02x:00.0", 0x41 + i);
    return text;
  }
  /* The options that name @n of them. */
  Args
  devices (int n, const std::vector<FakeBar> &bars, const std::string &options = "")
  {
    Args args;
    for (int i = 0; i < n; i++)
      {
        host.pci (address (i)).class_code (0x030200).bars (bars);
        args = args + Args{ "--device", address (i) + options };
      }
    return args;
  }
  static Args
  command (const Args &options)
  {
    Args args = { "rehearse", "--name", "vm", "--accel", "tcg" };
    /* A script, which could start any firmware, so that vmplug has to be told. */
    if (std::getenv ("VMPLUG_TEST_NEWER_QEMU") != nullptr)
      {
        args = args + Args{ "--qemu", newer_qemu () };
        if (std::find (options.begin (), options.end (), "--firmware-version") == options.end ())
          args = args + Args{ "--firmware-version", "1.16.3" };
      }
    return args + options;
  }
  Outcome
  rehearse (const Args &options)
  {
    return VmplugProgram::run (command (options), host.root (), 200);
  }
  Json
  must_pass (const Args &options)
  {
    const Outcome outcome = rehearse (options + Args{ "--json" });
    EXPECT_EQ (outcome.status, 0) << outcome;
    const Json report = Json::parse (outcome.out);
    EXPECT_TRUE (report["ok"].flag ()) << report;
    return report;
  }
};

uint64_t
address_of (const Json &text)
{
  return text.text ().rfind ("0x", 0) == 0 ? std::stoull (text.text (), nullptr, 16) : 0;
}

/* Each memory BAR is assigned, at a multiple of its size, in a window of its port. */
void
expect_all_placed (const Json &report, unsigned n_devices, unsigned n_bars)
{
  ASSERT_EQ (report["devices"].size (), n_devices) << report;
  for (unsigned i = 0; i < n_devices; i++)
    {
      const Json device = report["devices"].at (i);
      EXPECT_TRUE (device["ok"].flag ()) << device;
      ASSERT_EQ (device["bars"].size (), n_bars) << device;
      for (unsigned j = 0; j < n_bars; j++)
        {
          const Json bar = device["bars"].at (j);
          const uint64_t size = static_cast<uint64_t> (bar["size"].number ());
          const uint64_t at = address_of (bar["guest_address"]);
          bool is_inside = device["window"].is_null ();

          if (bar["kind"].text () == "io")
            continue;
          for (const char *window : { "mem", "pref64" })
            is_inside |= !device["window"][window].is_null () &&
                         at >= address_of (device["window"][window]["base"]) &&
                         at + (size - 1) <= address_of (device["window"][window]["limit"]);
          EXPECT_TRUE (is_inside) << device;
          EXPECT_NE (at, 0u) << device;
          EXPECT_EQ (at % size, 0u) << device;
          EXPECT_EQ (bar["place"].text (), "placed") << device;
          EXPECT_TRUE (bar["exact"].flag ()) << device;
          EXPECT_EQ (bar["assigned"].flag (), device["plug"].text () == "cold") << device;
        }
    }
}

struct PassRow
{
  const char *name;
  Args options;
  int n;
  std::vector<FakeBar> bars;
  std::string plug = "";
};

const PassRow pass_rows[] = {
  { "eight_gpus_seabios", { "--cpu", "max,phys-bits=46" }, 8, GPU },
  { "eight_gpus_ovmf", { "--firmware", "ovmf", "--cpu", "max,phys-bits=46" }, 8, GPU },
  { "sixteen_gpus_seabios", { "--cpu", "max,phys-bits=46" }, 16, GPU },
  { "gpus_of_16_gib", {}, 4, SMALL_GPU },
  { "pc", { "--machine", "pc" }, 4, SMALL_GPU },
  { "many_bars",
    {},
    2,
    { { 0, FakeBar::MEM32, 64 * KiB },
      { 1, FakeBar::MEM32, 1 * MiB },
      { 2, FakeBar::MEM64_PREF, 8 * GiB },
      { 4, FakeBar::MEM64_PREF, 64 * KiB } },
    ",plug=cold" },
  { "with_io", {}, 4, { { 1, FakeBar::MEM64_PREF, 4 * GiB }, { 5, FakeBar::IO, 256 } } },
  { "hot_with_a_window", { "--spare-window", "16G" }, 2, SMALL_GPU, ",plug=hot" },
  { "more_memory_than_there_is", { "--memory", "2T", "--cpu", "max,phys-bits=46" }, 1, SMALL_GPU },
};

class Pass : public testing::TestWithParam<PassRow>
{
};
INSTANTIATE_TEST_SUITE_P (Table, Pass, testing::ValuesIn (pass_rows), name_of_row<PassRow>);

TEST_P (Pass, EveryBarHasItsPlace)
{
  RehearseTest test;
  const Args devices = test.devices (GetParam ().n, GetParam ().bars, GetParam ().plug);
  const auto before = tree_of (test.host.root ());

  const Json report = test.must_pass (GetParam ().options + devices);
  expect_all_placed (report, static_cast<unsigned> (GetParam ().n),
                     static_cast<unsigned> (GetParam ().bars.size ()));
  EXPECT_EQ (tree_of (test.host.root ()), before) << "nothing on the host is touched";
}

/* 14 ports with a BAR for I/O behind each are what SeaBIOS stands. The plan knows that, but not
 * what the user adds to it. */
TEST (Fail, FirmwareOutOfIoSpace)
{
  RehearseTest test;
  const Args devices =
      test.devices (14, { { 1, FakeBar::MEM64_PREF, 4 * GiB }, { 5, FakeBar::IO, 256 } });
  const Args one_more = {
    "--", "-device", R"({"driver":"pcie-pci-bridge","id":"more","bus":"pcie.0","addr":"1d.0"})"
  };

  const Outcome outcome = test.rehearse (devices + Args{ "--spare", "0", "--json" } + one_more);
  const Json report = Json::parse (outcome.out);

  EXPECT_EQ (outcome.status, 8) << outcome;
  EXPECT_TRUE (outcome.says ("rehearsal: firmware set up no PCI device in ")) << outcome;
  EXPECT_TRUE (outcome.says ("I/O address space")) << outcome;
  EXPECT_FALSE (report["ok"].flag ());
  EXPECT_EQ (report["error"]["code"].text (), "rehearsal-failed");
  EXPECT_EQ (report["devices"].at (0)["bars"].at (0)["place"].text (), "unassigned");
}

/* Two GPUs are what such a CPU can address above memory, and the user adds a third device. */
const Args TOO_NARROW = { "--cpu", "max,phys-bits=37", "--firmware-version", "1.16.2" };
const Args A_THIRD = { "--", "-device",
                       R"({"driver":"pci-testdev","membar":68719476736,"addr":"1d.0"})" };

TEST (Fail, AnAddressBeyondTheCpu)
{
  RehearseTest test;
  const Args devices = test.devices (2, SMALL_GPU);

  const Outcome outcome = test.rehearse (TOO_NARROW + Args{ "--json" } + devices + A_THIRD);
  const Json report = Json::parse (outcome.out);

  EXPECT_EQ (outcome.status, 8) << outcome;
  EXPECT_TRUE (outcome.says ("is above the 37 address bits of the CPU")) << outcome;
  EXPECT_TRUE (outcome.says ("BAR ")) << outcome;
  EXPECT_FALSE (report["ok"].flag ());
  EXPECT_NE (report["devices"].at (0)["problem"].text (), "") << report;
}

TEST (Fail, ForAPerson)
{
  RehearseTest test;
  const Outcome outcome = test.rehearse (TOO_NARROW + test.devices (2, SMALL_GPU) + A_THIRD);

  EXPECT_EQ (outcome.status, 8) << outcome;
  EXPECT_NE (outcome.out.find ("FAIL  vfio-41-00.0  0000:41:00.0  cold  port1  BAR "),
             std::string::npos)
      << outcome;
}

TEST (Fail, QemuThatRefuses)
{
  RehearseTest test;
  const Outcome outcome = test.rehearse ({ "--json", "--", "-device", "no-such-device" });

  EXPECT_EQ (outcome.status, 4) << outcome;
  EXPECT_TRUE (outcome.says ("'no-such-device' is not a valid device model name")) << outcome;
  EXPECT_EQ (Json::parse (outcome.out)["error"]["code"].text (), "qemu-start");
}

TEST (Fail, NoQemu)
{
  RehearseTest test;

  expect_failure (
      VmplugProgram::run ({ "rehearse", "--qemu", "/nonexistent/qemu" }, test.host.root ()), 3,
      { "/nonexistent/qemu" });
}

TEST (Fail, FirmwareThatDoesNothing)
{
  RehearseTest test;
  test.host.write ("firmware.bin", std::string (64 * KiB, '\xf4'));

  const Outcome outcome = test.rehearse (
      { "--firmware", std::string (test.host.root ()) + "/firmware.bin", "--timeout", "1" });
  EXPECT_EQ (outcome.status, 8) << outcome;
  EXPECT_TRUE (outcome.says ("firmware set up no PCI device in ")) << outcome;
}

/* NothingIsLeft looks after the rest. */
TEST (Interrupted, EndsQemuToo)
{
  RehearseTest test;
  test.host.write ("firmware.bin", std::string (64 * KiB, '\xf4'));
  VmplugProgram program (
      RehearseTest::command ({ "--firmware", std::string (test.host.root ()) + "/firmware.bin" }),
      test.host.root ());
  const std::string children = "/proc/" + std::to_string (program.pid ()) + "/task/" +
                               std::to_string (program.pid ()) + "/children";
  pid_t qemu = -1;

  ASSERT_TRUE (eventually ([&] {
    std::ifstream file (children);
    return static_cast<bool> (file >> qemu);
  }));
  program.signal (SIGINT);
  EXPECT_EQ (program.wait ().status, 128 + SIGINT);
  EXPECT_EQ (process_state (qemu), 'X');
}

TEST (Run, StartsOnlyWhatPassed)
{
  RehearseTest test;
  test.host.write ("firmware.bin", std::string (64 * KiB, '\xf4'));
  const Outcome outcome = VmplugProgram::run (
      { "run", "--detach", "--rehearse", "--name", "vm", "--accel", "tcg", "--cpu",
        "max,phys-bits=37", "--device", "qemu,driver=pci-testdev,membar=128G,plug=cold" },
      test.host.root ());

  expect_failure (outcome, 8, { "rehearsal: ", "BAR 2 (128 GiB)" });
  EXPECT_FALSE (std::filesystem::exists (std::string (test.host.root ()) + "/run/vmplug/vms/vm"));
}

TEST (Run, StartsWhatPassed)
{
  Vm vm;

  ASSERT_TRUE (vm.start (
      { "--rehearse", "--device", "qemu,driver=pci-testdev,membar=16G,id=big,plug=cold" }));
  EXPECT_EQ (vm.device ("big")["plug"].text (), "cold");
}

} // namespace
