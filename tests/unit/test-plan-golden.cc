#include "launcher/config/guest-cpu.h"
#include "launcher/vm/blueprint.h"

#include "tests/support/golden.h"
#include "tests/support/named-hosts.h"
#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace
{

using namespace named_hosts;

using Options = std::vector<std::pair<std::string, std::string>>;

/* A host as somebody may have it, and what they ask for. */
struct Row
{
  const char *name;
  std::function<void (FakeSysfs &)> furnish;
  Options options;
  bool is_refused = false;
};

Options
operator+ (Options one, const Options &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

Options
devices (const std::vector<std::string> &specs)
{
  Options options;
  for (const std::string &spec : specs)
    options.emplace_back ("device", spec);
  return options;
}

template <typename Name>
Options
n_devices (unsigned n, Name name)
{
  Options options;
  for (unsigned i = 0; i < n; i++)
    options.emplace_back ("device", name (i));
  return options;
}

Options
seabios (const char *version)
{
  return { { "firmware", "seabios" }, { "firmware-version", version } };
}

/* The machine may have none, and its path is not ours to record. */
const Options ovmf = { { "firmware", "HOST/OVMF.fd" } };
const Options pc = { { "machine", "pc" } };

const Options whole_dgx =
    n_devices (8, [] (unsigned i) { return "/dev/vfio/" + std::to_string (11 + i); }) +
    n_devices (6, [] (unsigned i) { return "0000:c" + std::to_string (4 + i) + ":00.0"; }) +
    Options{ { "memory", "512G" }, { "smp", "128" }, { "spare", "2" } };
const Options all_three =
    devices ({ "17:00.0", "65:00.0", "ca:00.0" }) + Options{ { "memory", "64G" } };
const Options all_vfs = n_devices (16, connectx_vf);
const Options all_drives = n_devices (40, nvme_address);
const Options all_six =
    n_devices (
        6, [] (unsigned i) { return "/dev/vfio/" + std::to_string (31 + i % 3 + i / 3 * 100); }) +
    Options{ { "memory", "64G" } };
const Options card_and_nic = devices ({ "/dev/vfio/17,bind=on", "/dev/vfio/20" });

const Row rows[] = {
  { "dgx_seabios_1_16_2", dgx, whole_dgx + seabios ("1.16.2") },
  { "dgx_seabios_1_16_3", dgx, whole_dgx + seabios ("1.16.3") },
  { "dgx_seabios_1_17_0", dgx, whole_dgx + seabios ("1.17.0") },
  { "dgx_ovmf", dgx, whole_dgx + ovmf },
  { "dgx_pc", dgx, whole_dgx + seabios ("1.17.0") + pc },
  { "dgx_one_gpu_hot", dgx,
    devices ({ "/dev/vfio/11,plug=hot" }) + ovmf + Options{ { "memory", "64G" } } },
  { "dgx_one_gpu_hot_pc", dgx, devices ({ "/dev/vfio/11,plug=hot" }) + seabios ("1.17.0") + pc,
    true },

  { "card_in_use", workstation, devices ({ "/dev/vfio/17" }) + seabios ("1.16.2"), true },
  { "card_without_its_sound", workstation, devices ({ "0a:00.0,bind=on" }) + seabios ("1.16.2"),
    true },
  { "card_and_nic", workstation, card_and_nic + seabios ("1.16.2") },
  { "card_and_nic_ovmf", workstation, card_and_nic + ovmf },
  { "card_and_nic_pc", workstation, card_and_nic + seabios ("1.16.3") + pc },
  { "card_cold", workstation,
    devices ({ "/dev/vfio/17,bind=on,plug=cold", "06:00.0,plug=cold" }) + seabios ("1.17.0") },
  { "card_with_large_bar", workstation_with_large_bar,
    devices ({ "/dev/vfio/17" }) + seabios ("1.17.0") },
  { "card_with_large_bar_pc", workstation_with_large_bar,
    devices ({ "/dev/vfio/17" }) + seabios ("1.16.3") + pc },
  { "card_sound_first", workstation_with_large_bar,
    devices ({ "0a:00.1", "06:00.0", "0a:00.0", "0a:00.2" }) + seabios ("1.16.2") },

  { "three_gpus_seabios_1_16_2", three_gpus, all_three + seabios ("1.16.2") },
  { "three_gpus_seabios_1_16_3", three_gpus, all_three + seabios ("1.16.3") },
  { "three_gpus_seabios_1_17_0", three_gpus, all_three + seabios ("1.17.0") },
  { "three_gpus_ovmf", three_gpus, all_three + ovmf },
  { "three_gpus_hot", three_gpus,
    devices ({ "17:00.0,plug=hot", "65:00.0,plug=hot", "ca:00.0,plug=hot" }) + seabios ("1.17.0") +
        Options{ { "memory", "64G" }, { "spare", "1" } } },
  { "three_gpus_and_little_memory", three_gpus,
    devices ({ "17:00.0", "65:00.0,plug=hot" }) + seabios ("1.16.3") },

  { "connectx_pf", connectx, devices ({ "3b:00.0,bind=on" }) + seabios ("1.16.2"), true },
  { "connectx_vfs", connectx, all_vfs + seabios ("1.16.2") },
  { "connectx_vfs_pc", connectx, all_vfs + seabios ("1.16.2") + pc },

  { "forty_nvme", storage, all_drives + seabios ("1.16.3") },
  { "forty_nvme_pc", storage, all_drives + seabios ("1.16.2") + pc },

  { "two_sockets", two_sockets, all_six + seabios ("1.17.0") },
  { "two_sockets_and_two_nodes", two_sockets,
    all_six + seabios ("1.16.2") + Options{ { "numa", "2" }, { "smp", "8" } } },

  { "laptop", laptop, devices ({ "/dev/vfio/1" }) + seabios ("1.16.2") },
  { "laptop_pc", laptop, devices ({ "00:02.0,plug=cold" }) + seabios ("1.16.3") + pc },
  { "laptop_with_the_hosts_width", laptop,
    devices ({ "00:02.0" }) + seabios ("1.16.3") +
        Options{ { "cpu", "max,phys-bits=39" }, { "memory", "8G" }, { "spare-window", "4G" } } },
  { "laptop_beyond_the_hosts_width", laptop,
    devices ({ "00:02.0" }) + seabios ("1.16.3") +
        Options{ { "cpu", "max,phys-bits=39" }, { "memory", "8G" }, { "spare-window", "64G" } },
    true },

  { "old_cards", old_cards, devices ({ "/dev/vfio/14" }) + seabios ("1.16.2") },
  { "old_cards_cold", old_cards,
    devices ({ "07:00.0,plug=cold", "07:01.0,plug=cold", "07:02.0" }) + ovmf },
  { "old_cards_pc", old_cards, devices ({ "/dev/vfio/14" }) + seabios ("1.16.2") + pc },
  { "old_cards_bridge", old_cards, devices ({ "06:00.0" }) + seabios ("1.16.2"), true },

  { "named_twice", dgx, devices ({ "/dev/vfio/11", "07:00.0" }) + seabios ("1.16.2") },
  { "named_twice_by_group", old_cards,
    devices ({ "07:01.0", "/dev/vfio/14" }) + seabios ("1.16.2") },
};

/* Whatever depends on where the host is: its root is a new folder each time. */
std::string
without_root (const FakeSysfs &host, const std::string &text)
{
  g_auto (GStrv) parts = g_strsplit (text.c_str (), host.root (), -1);
  g_autofree char *joined = g_strjoinv ("HOST", parts);

  return joined;
}

VpConfig *
make_config (const FakeSysfs &host, const Options &options)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  for (const auto &[name, value] : Options{ { "qemu", "/bin/true" }, { "name", "vm" } } + options)
    {
      const std::string real =
          value.rfind ("HOST/", 0) == 0 ? host.root () + value.substr (4) : value;
      EXPECT_TRUE (vp_config_set (config, name.c_str (), real.c_str (), &error))
          << name << ": " << error->message;
      g_clear_error (&error);
    }
  return static_cast<VpConfig *> (g_steal_pointer (&config));
}

class PlanGolden : public testing::TestWithParam<Row>
{
};

TEST_P (PlanGolden, IsAsItWas)
{
  const Row &row = GetParam ();
  FakeSysfs host;
  g_autoptr (GError) error = nullptr;

  row.furnish (host);
  host.write ("OVMF.fd", "");
  g_autoptr (VpBlueprint) blueprint = vp_blueprint_new (
      make_config (host, row.options + Options{ { "accel", "tcg" } }), host.root (), &error);
  ASSERT_EQ (blueprint == nullptr, row.is_refused) << (error != nullptr ? error->message : "");

  g_autofree char *text = blueprint != nullptr ? vp_blueprint_to_text (blueprint, FALSE)
                                               : g_strconcat (error->message, "\n", nullptr);
  expect_golden (std::string ("hosts/") + row.name + ".txt", without_root (host, text));
}

INSTANTIATE_TEST_SUITE_P (Hosts, PlanGolden, testing::ValuesIn (rows), name_of_row<Row>);

/* With KVM the guest addresses what the host does, and no more. */
TEST (PlanOfLaptop, KeepsToTheHostsWidth)
{
  FakeSysfs host;
  VpHostCpu cpu;
  VpGuestCpu guest;
  VpPciAddress address;
  g_autoptr (GError) error = nullptr;

  laptop (host);
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), &error);
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, &error);
  vp_host_cpu_read (sysfs, &cpu);
  vp_guest_cpu_get (nullptr, VP_ACCEL_KVM, &cpu, &guest);
  ASSERT_TRUE (vp_pci_address_parse ("00:02.0", &address, &error));
  const VpPlanRequest request = { "00:02.0", vp_inventory_find (inventory, &address), nullptr,
                                  VP_PLUG_AUTO };
  VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                          .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.3"),
                          .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                          .n_spare = 2,
                          .spare_window = 4 * G,
                          .space = { .machine = VP_MACHINE_Q35, .ram = 8 * G },
                          .default_bits = guest.default_bits,
                          .max_bits = guest.max_bits };

  g_autoptr (VpPlan) plan = vp_plan_build (&policy, &request, 1, &error);
  ASSERT_NE (plan, nullptr) << error->message;
  EXPECT_EQ (plan->phys_bits, 39u);

  policy.spare_window = 64 * G;
  g_autoptr (VpPlan) too_wide = vp_plan_build (&policy, &request, 1, &error);
  ASSERT_EQ (too_wide, nullptr);
  EXPECT_NE (std::string (error->message).find ("the guest's CPU has 39"), std::string::npos)
      << error->message;
}

} // namespace
