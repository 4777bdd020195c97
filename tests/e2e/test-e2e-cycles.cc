#include "tests/e2e/control-socket.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <map>

/* Devices that come and go many times: nothing is lost on the way, and nothing is left. */

namespace
{

struct Row
{
  const char *name;
  const char *mode;
  unsigned n_ports;
  unsigned n_rounds; /* of a device in each port that comes and goes */
};

/* Native hotplug waits 5 s at each removal, but in all ports at once. */
const Row rows[] = {
  { "acpi", "acpi", 16, 63 },
  { "native", "native", 13, 4 },
};

class Cycles : public testing::TestWithParam<Row>
{
protected:
  /* Id, port and guest path of each device. */
  using Slots = std::map<std::string, std::string>;

  /* What a process holds. */
  struct Held
  {
    long fds;
    long kib; /* of memory that is its own */
  };

  Vm vm_;
  std::unique_ptr<ControlSocket> control_;

  void
  SetUp () override
  {
    vm_.boot (
        { "--hotplug-mode", GetParam ().mode, "--spare", std::to_string (GetParam ().n_ports) });
    control_ = std::make_unique<ControlSocket> (vm_.run_dir ());
  }

  static Held
  look_at (pid_t pid)
  {
    const std::filesystem::path folder = "/proc/" + std::to_string (pid);
    std::ifstream rollup (folder / "smaps_rollup");
    Held held = { 0, 0 };

    for (std::string word; rollup >> word;)
      if (word == "Private_Dirty:" || word == "Private_Clean:")
        {
          long kib = 0;
          rollup >> kib;
          held.kib += kib;
        }
    held.fds = std::distance (std::filesystem::directory_iterator (folder / "fd"),
                              std::filesystem::directory_iterator ());
    return held;
  }

  static std::string
  id_of (unsigned index)
  {
    return "dev" + std::to_string (index);
  }
  void
  attach_all ()
  {
    std::vector<std::string> arguments;

    for (unsigned i = 0; i < GetParam ().n_ports; i++)
      arguments.push_back (R"({"spec":"rng,id=)" + id_of (i) + R"("})");
    for (const Json &answer : control_->execute_all ("vmplug-attach", arguments))
      EXPECT_EQ (answer["state"].text (), "usable") << answer;
  }
  void
  detach_all ()
  {
    std::vector<std::string> arguments;

    for (unsigned i = 0; i < GetParam ().n_ports; i++)
      arguments.push_back (R"({"id":")" + id_of (i) + R"("})");
    for (const Json &answer : control_->execute_all ("vmplug-detach", arguments))
      EXPECT_EQ (answer["state"].text (), "removed") << answer;
  }

  /* vmplug's own map. */
  Slots
  slots_of_vmplug ()
  {
    const Json status = control_->execute ("vmplug-status");
    const Json devices = status["devices"];
    Slots slots;

    for (unsigned i = 0; i < devices.size (); i++)
      slots[devices.at (i)["id"].text ()] =
          devices.at (i)["port"].text () + " " + devices.at (i)["guest_path"].text ();
    EXPECT_EQ (status["ports"]["spare"].number () + devices.size (), GetParam ().n_ports) << status;
    return slots;
  }
  static std::string
  step (const Json &device)
  {
    char text[32];
    snprintf (text, sizeof text, device["function"].number () > 0 ? "%02lx.%lx" : "%02lx",
              device["slot"].number (), device["function"].number ());
    return text;
  }
  /* That of QEMU. */
  Slots
  slots_of_qemu ()
  {
    const Json ports = control_->execute ("query-pci").at (0)["devices"];
    Slots slots;

    for (unsigned i = 0; i < ports.size (); i++)
      {
        const Json port = ports.at (i), behind = port["pci_bridge"]["devices"];

        for (unsigned j = 0; j < behind.size (); j++)
          slots[behind.at (j)["qdev_id"].text ()] =
              port["qdev_id"].text () + " " + step (port) + "/" + step (behind.at (j));
      }
    return slots;
  }
  void
  cycle ()
  {
    attach_all ();
    const Slots slots = slots_of_vmplug ();
    EXPECT_EQ (slots.size (), GetParam ().n_ports);
    EXPECT_EQ (slots, slots_of_qemu ());

    detach_all ();
    EXPECT_EQ (slots_of_vmplug (), Slots{});
    EXPECT_EQ (slots_of_qemu (), Slots{});
  }
};

TEST_P (Cycles, LeaveNothingBehind)
{
  const std::string devices = vm_.guest ().run ("ls /sys/bus/pci/devices");
  const pid_t pids[] = { vm_.supervisor (), vm_.qemu () };
  std::vector<Held> before;

  cycle (); /* after the first, what is made once is there */
  for (pid_t pid : pids)
    before.push_back (look_at (pid));
  for (unsigned round = 1; round < GetParam ().n_rounds && !HasFailure (); round++)
    cycle ();

  for (size_t i = 0; i < before.size (); i++)
    {
      const Held after = look_at (pids[i]);
      printf ("%s: fds %ld -> %ld, memory %ld KiB -> %ld KiB\n", i == 0 ? "supervisor" : "qemu",
              before[i].fds, after.fds, before[i].kib, after.kib);
      EXPECT_EQ (after.fds, before[i].fds);
    }
  EXPECT_EQ (vm_.guest ().run ("ls /sys/bus/pci/devices"), devices);
}

INSTANTIATE_TEST_SUITE_P (Mode, Cycles, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
