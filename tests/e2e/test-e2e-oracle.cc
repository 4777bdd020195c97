#include "launcher/vm/argv-writer.h"
#include "launcher/vm/argv.h"

#include "tests/e2e/bare-qemu.h"
#include "tests/support/random-host.h"
#include "tests/support/row-name.h"

#include <map>
#include <set>
#include <string>
#include <vector>

/* What QEMU says of plans for hosts that nobody has in mind. It enforces less than the tests of the
 * plan do, but what it refuses is wrong. With VMPLUG_SEED in the environment, of that one only. */

namespace
{

using Args = std::vector<std::string>;

constexpr unsigned N_PLANS = 40;
constexpr unsigned N_OF_A_KIND = 2;

unsigned
count_functions (const VpPlan *plan)
{
  unsigned n = 0;
  for (guint i = 0; i < plan->devices->len; i++)
    n += device_at (plan, i)->multifunction ? 1 : 0;
  return n;
}

unsigned
count_ports (const VpPlan *plan, VpPortUse use)
{
  unsigned n = 0;
  for (guint i = 0; i < plan->ports->len; i++)
    n += port_at (plan, i)->use == use ? 1 : 0;
  return n;
}

/* Equal for plans that try the same of QEMU. */
std::string
kind_of (const VpPlan *plan)
{
  const guint n = plan->devices->len;
  std::string kind = vp_machine_type_to_string (plan->root.machine);

  kind += n > 100 ? ", very many" : n > 24 ? ", many" : n > 4 ? ", some" : ", few";
  kind += plan->expanders->len > 0 ? ", expanders" : "";
  kind += count_ports (plan, VP_PORT_SWITCH) > 0 ? ", switches" : "";
  kind += count_ports (plan, VP_PORT_BRIDGE) > 0 ? ", bridges" : "";
  return kind + (count_functions (plan) > 0 ? ", functions" : "");
}

/* The first seeds of each kind. */
std::vector<unsigned>
choose_seeds ()
{
  const char *only = g_getenv ("VMPLUG_SEED");
  std::map<std::string, unsigned> n_of_kind;
  std::vector<unsigned> seeds;

  if (only != nullptr)
    return { static_cast<unsigned> (atoi (only)) };
  for (unsigned seed = 1; seeds.size () < N_PLANS; seed++)
    {
      const PlanInput input = RandomHost (seed).input;
      g_autoptr (VpPlan) plan = input.build (nullptr);
      if (plan != nullptr && n_of_kind[kind_of (plan)]++ < N_OF_A_KIND)
        seeds.push_back (seed);
    }
  return seeds;
}

/* What QEMU is told of a device that stands in for @planned: it has one BAR, of the size that
 * matters. */
void
add_stand_in (GPtrArray *argv, const VpPlanDevice *planned)
{
  const VpPlace place = vp_plan_device_place (planned);
  std::string text = "qemu,driver=pci-testdev";
  guint64 size = 0;

  for (guint i = 0; planned->function != nullptr && i < planned->function->n_bars; i++)
    if (planned->function->bars[i].kind == VP_BAR_MEM64 && planned->function->bars[i].prefetchable)
      size = MAX (size, planned->function->bars[i].size);
  if (size > 0)
    text += ",membar=" + std::to_string (size);

  g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (text.c_str (), nullptr);
  vp_argv_add_json (argv, "-device", vp_argv_device (spec, nullptr, planned->id, &place));
}

/* Disks and the like, which the plan leaves room for. */
void
add_own_devices (GPtrArray *argv, const VpPlan *plan)
{
  for (guint i = 0; i < plan->root.n_own; i++)
    {
      const std::string id = "own" + std::to_string (i);
      guint8 slot = 0;

      EXPECT_TRUE (vp_topology_own_slot (&plan->root, i, &slot));
      vp_argv_add_json (argv, "-device",
                        vp_argv_new_device ("pci-testdev", id.c_str (),
                                            vp_topology_root_bus (plan->root.machine), slot, 0));
    }
}

/* All of a VM but the devices that are hotplugged. */
Args
command_line (const VpPlan *plan)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const guint n_nodes = MAX (plan->root.n_nodes, 1);
  Args args = { "-machine", vp_machine_type_to_string (plan->root.machine), "-accel", "tcg" };

  args.insert (args.end (), { "-m", std::to_string (64 * n_nodes) });
  for (guint i = 0; i < plan->root.n_nodes; i++)
    {
      const std::string id = "mem" + std::to_string (i);
      args.insert (args.end (), { "-object", "memory-backend-ram,size=64M,id=" + id, "-numa",
                                  "node,nodeid=" + std::to_string (i) + ",memdev=" + id });
    }

  vp_argv_add_topology (argv, plan);
  add_own_devices (argv, plan);
  for (guint i = 0; i < plan->devices->len; i++)
    if (device_at (plan, i)->plug == VP_PLUG_COLD)
      add_stand_in (argv, device_at (plan, i));
  for (guint i = 0; i < argv->len; i++)
    args.push_back (static_cast<char *> (argv->pdata[i]));
  return args;
}

/* In the order that QEMU wants: function 0 of a slot is the last, and shows the others. */
std::vector<const VpPlanDevice *>
hot_devices (const VpPlan *plan)
{
  std::vector<const VpPlanDevice *> devices;

  for (bool is_last : { false, true })
    for (guint i = 0; i < plan->devices->len; i++)
      if (device_at (plan, i)->plug == VP_PLUG_HOT &&
          (device_at (plan, i)->function_number == 0) == is_last)
        devices.push_back (device_at (plan, i));
  return devices;
}

/* It has taken the command line, takes the rest, and has it all. */
void
expect_accepted (BareQemu &qemu, const VpPlan *plan)
{
  std::set<std::string> ids;

  ASSERT_EQ (qemu.start (), "");
  for (const VpPlanDevice *device : hot_devices (plan))
    {
      g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);

      add_stand_in (argv, device);
      EXPECT_EQ (qemu.execute ("device_add", static_cast<char *> (argv->pdata[1])), "")
          << device->id << " in " << device->port;
    }

  ASSERT_EQ (qemu.execute ("qom-list", R"({"path":"/machine/peripheral"})"), "");
  for (unsigned i = 0; i < qemu.reply ().size (); i++)
    ids.insert (qemu.reply ().at (i)["name"].text ());
  for (guint i = 0; i < plan->devices->len; i++)
    EXPECT_EQ (ids.count (device_at (plan, i)->id), 1u) << device_at (plan, i)->id;
  EXPECT_EQ (qemu.quit (), 0);
}

/* Both QEMUs start at once, which takes most of the time. */
TEST (Oracle, AcceptsEveryPlan)
{
  const std::string older = "qemu-system-x86_64", newer = newer_qemu ();
  std::string kinds;

  ASSERT_EQ (access (newer.c_str (), X_OK), 0) << newer << " is missing: run scripts/setup";
  for (unsigned seed : choose_seeds ())
    {
      const PlanInput input = RandomHost (seed).input;
      g_autoptr (VpPlan) plan = must_build (input);
      ASSERT_NE (plan, nullptr);
      const Args args = command_line (plan);
      BareQemu first (older, args), second (newer, args);

      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed) + ": " + kind_of (plan));
      kinds += kind_of (plan) + "\n";
      {
        SCOPED_TRACE (older);
        expect_accepted (first, plan);
      }
      {
        SCOPED_TRACE (newer);
        expect_accepted (second, plan);
      }
    }

  /* Or the sample has lost what it is for. */
  for (const char *kind : { "pc, many, bridges", "very many, expanders", "switches", "functions" })
    EXPECT_TRUE (g_getenv ("VMPLUG_SEED") != nullptr || kinds.find (kind) != std::string::npos)
        << kind;
}

/* What firmware does with them. */
struct FirmwareRow
{
  const char *name;
  Args options;
  unsigned n_plans;
  guint most; /* devices of a host: with more it takes its time */
};

class Firmware : public testing::TestWithParam<FirmwareRow>
{
};
INSTANTIATE_TEST_SUITE_P (
    Table,
    Firmware,
    testing::Values (FirmwareRow{ "seabios", {}, 20, 300 },
                     FirmwareRow{ "newer_seabios", { "--qemu", newer_qemu () }, 10, 60 },
                     FirmwareRow{ "newer_seabios_and_memory_above_4_gib",
                                  { "--qemu", newer_qemu (), "--memory", "4G" },
                                  10,
                                  60 },
                     FirmwareRow{ "ovmf", { "--firmware", "ovmf" }, 2, 30 }),
    name_of_row<FirmwareRow>);

/* All that are there when it looks; hot ones have found room, or the rehearsal would have failed.
 */
void
expect_assigned (const Json &report)
{
  EXPECT_TRUE (report["ok"].flag ()) << report;
  for (unsigned i = 0; i < report["devices"].size (); i++)
    {
      const Json device = report["devices"].at (i);
      for (unsigned n = 0; device["plug"].text () == "cold" && n < device["bars"].size (); n++)
        EXPECT_TRUE (device["bars"].at (n)["assigned"].flag ()) << device;
    }
}

/* What this firmware is known not to do is refused as a matter of usage, and nothing is started; of
 * its bug the user is warned. */
TEST_P (Firmware, AssignsEveryBar)
{
  unsigned n_done = 0;

  for (unsigned seed : choose_seeds ())
    {
      const RandomHost random (seed);
      FakeSysfs host;
      Args args = random.furnish (host);

      if (random.input.size () > GetParam ().most || n_done == GetParam ().n_plans)
        continue;
      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed));
      args.insert (args.begin (), { "rehearse", "--name", "vm", "--accel", "tcg", "--json" });
      args.insert (args.end (), GetParam ().options.begin (), GetParam ().options.end ());
      const Outcome outcome = VmplugProgram::run (args, host.root (), 200);
      if (outcome.status == 2 || outcome.says ("can put one of more than"))
        continue;

      n_done++;
      EXPECT_EQ (outcome.status, 0) << outcome;
      expect_assigned (Json::parse (outcome.out));
    }
  EXPECT_TRUE (n_done == GetParam ().n_plans || g_getenv ("VMPLUG_SEED") != nullptr) << n_done;
}

} // namespace
