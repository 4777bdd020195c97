#include "devices/device-id.h"
#include "devices/plan.h"

#include "tests/support/plan-dump.h"
#include "tests/support/random-host.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace
{

constexpr unsigned N_CASES = 10000;

bool
is_power_of_two (guint64 n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

bool
is_on_root_bus (const VpPlan *plan, const VpPlanPort *p)
{
  return g_str_equal (p->bus, vp_topology_root_bus (plan->root.machine));
}

void
check_reserves (const VpPlan *plan, const VpPlanPort *p)
{
  for (guint64 part : { p->reserve.mem, p->reserve.pref64 })
    {
      EXPECT_TRUE (part == 0 || (is_power_of_two (part) && part > VP_WINDOW_DEFAULT))
          << p->id << " reserves " << part;
      EXPECT_TRUE (part == 0 || p->kind == VP_PORT_ROOT_PORT ||
                   (plan->root.machine == VP_MACHINE_PC && p->use == VP_PORT_BRIDGE))
          << p->id << " has no reserve";
    }
  if (p->use != VP_PORT_SPARE && plan->root.machine == VP_MACHINE_Q35)
    {
      EXPECT_EQ (p->reserve.io + p->reserve.mem + p->reserve.pref64, 0U) << p->id;
    }
}

/* Own devices and the machine's stay where they are. */
void
check_root_slots (const VpPlan *plan, std::set<std::pair<std::string, guint>> *taken)
{
  const char *bus = vp_topology_root_bus (plan->root.machine);
  guint8 slot;

  for (guint i = 0; i < plan->root.n_own; i++)
    {
      ASSERT_TRUE (vp_topology_own_slot (&plan->root, i, &slot));
      EXPECT_TRUE (taken->emplace (bus, slot).second);
    }
  for (guint i = 0; i < plan->expanders->len; i++)
    {
      slot = static_cast<VpPlanExpander *> (g_ptr_array_index (plan->expanders, i))->slot;
      EXPECT_TRUE (taken->emplace (bus, slot).second);
    }
  taken->emplace (bus, 0);
  taken->emplace (bus, plan->root.machine == VP_MACHINE_PC ? 1 : 0x1f);
}

void
check_ports (const VpPlan *plan)
{
  const bool is_pc = plan->root.machine == VP_MACHINE_PC;
  std::set<std::pair<std::string, guint>> reserved;
  std::set<std::tuple<std::string, guint, guint>> addresses;
  std::set<guint> chassis;
  std::set<std::string> names;
  guint n_io = 0, n_buses = 1, n_bridges = 0;

  check_root_slots (plan, &reserved);
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *p = port_at (plan, i);
      const bool holds_bridge = p->use == VP_PORT_BRIDGE || p->use == VP_PORT_SWITCH;

      EXPECT_TRUE (names.insert (p->id).second) << p->id;
      const bool is_new = addresses.emplace (p->bus, p->slot, p->function).second;
      const bool has_function_0 = addresses.count ({ p->bus, p->slot, 0 }) == 1;
      const bool is_taken = reserved.count ({ p->bus, p->slot }) > 0;
      EXPECT_TRUE (is_new && !is_taken) << p->id;
      EXPECT_TRUE (has_function_0) << p->id << " would not be found";
      EXPECT_LT (p->slot, 32U) << p->id;
      EXPECT_LT (p->function, 8U) << p->id;
      EXPECT_EQ (p->bridge != nullptr, holds_bridge) << p->id;
      EXPECT_TRUE (p->bridge == nullptr || names.insert (p->bridge).second) << p->bridge;
      check_reserves (plan, p);
      n_bridges += holds_bridge;
      if (is_pc)
        continue;

      EXPECT_TRUE (chassis.insert (p->chassis).second && p->chassis > 0) << p->id;
      EXPECT_EQ (p->id, "port" + std::to_string (p->chassis));
      EXPECT_TRUE (p->kind == VP_PORT_ROOT_PORT || !p->has_io) << p->id;
      EXPECT_TRUE (p->kind == VP_PORT_ROOT_PORT || names.count (p->bus) == 1)
          << p->id << " stands before its switch";
      n_io += p->has_io;
      if (is_on_root_bus (plan, p) || p->kind == VP_PORT_DOWNSTREAM)
        n_buses += holds_bridge ? 2 : 1;
    }
  EXPECT_LE (n_io, 14U) << "SeaBIOS would panic";
  EXPECT_LE (n_buses, plan->root.n_nodes > 1 ? 128U : 256U);
  EXPECT_TRUE (!is_pc || n_bridges <= 8) << "SeaBIOS would panic";
}

/* Whether the BARs find an aligned place in a window of @bytes that starts at any multiple of
 * @step, when the largest is placed first. Tried out, not calculated. */
bool
fits_anywhere (std::vector<guint64> sizes, guint64 bytes, guint64 step)
{
  std::sort (sizes.rbegin (), sizes.rend ());
  for (guint64 n : { 1, 2, 3, 5, 4095, 4096, 4097 })
    {
      const guint64 start = n * step;
      guint64 at = start;

      for (guint64 size : sizes)
        at = (at + size - 1) / size * size + size;
      if (at > start + bytes)
        return false;
    }
  return true;
}

void
check_hot_window (const VpPlan *plan, const VpPlanPort *p)
{
  std::vector<guint64> mem, pref64;
  guint64 bytes, step;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      for (guint n = 0; g_str_equal (d->port, p->id) && d->function && n < d->function->n_bars; n++)
        {
          const VpBar *bar = &d->function->bars[n];
          if (bar->kind == VP_BAR_MEM64 && bar->prefetchable)
            pref64.push_back (bar->size);
          else if (bar->kind != VP_BAR_IO)
            mem.push_back (bar->size);
        }
    }
  vp_firmware_window (plan->firmware, p->reserve.mem, &bytes, &step);
  EXPECT_TRUE (fits_anywhere (mem, bytes, step)) << p->id << " mem";
  vp_firmware_window (plan->firmware, p->reserve.pref64, &bytes, &step);
  EXPECT_TRUE (fits_anywhere (pref64, bytes, step)) << p->id << " pref64";
}

/* Functions of one device are side by side, and a guest finds the first of them. */
void
check_functions (const VpPlan *plan)
{
  std::map<std::string, std::string> bus_of;
  std::map<std::pair<std::string, guint>, std::set<guint>> functions_of;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      const std::string bus = std::string (d->bus) + "." + std::to_string (d->slot);

      const bool is_new = functions_of[{ d->bus, d->slot }].insert (d->function_number).second;
      EXPECT_TRUE (is_new) << d->id;
      if (d->function == nullptr || d->function->is_virtual)
        {
          EXPECT_EQ (d->function_number, 0U) << d->id;
          continue;
        }
      const VpPciAddress *a = &d->function->address;
      const std::string host = std::to_string (a->bus) + ":" + std::to_string (a->slot);
      EXPECT_EQ (bus_of.emplace (host, bus).first->second, bus) << d->id;
      EXPECT_TRUE (d->function_number == a->function || d->function_number == 0) << d->id;
    }
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      const auto &functions = functions_of[{ d->bus, d->slot }];

      EXPECT_EQ (functions.count (0), 1U) << d->id << " is never found";
      EXPECT_EQ (d->multifunction, d->function_number == 0 && functions.size () > 1) << d->id;
    }
}

/* Cold and hot devices do not share a bridge of q35. */
bool
is_cold_bridge (const VpPlan *plan, const VpPlanPort *p)
{
  return vp_plan_find_in_port (plan, p->id, 0)->plug == VP_PLUG_COLD;
}

void
check_devices (const VpPlan *plan, const VpPlanPolicy &policy)
{
  std::set<std::string> names, paths;

  check_functions (plan);
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      const VpPlanPort *p = vp_plan_find_port (plan, d->port);
      ASSERT_NE (p, nullptr) << d->id;
      const VpPlace place = vp_plan_device_place (d);
      g_autofree char *path = vp_plan_guest_path (plan, &place);
      const bool is_bridged = p->use == VP_PORT_BRIDGE;
      const bool is_cold = d->plug == VP_PLUG_COLD;
      const bool is_large =
          d->function != nullptr && vp_pci_function_is_large (d->function, policy.large_bar);

      EXPECT_TRUE (paths.insert (path).second) << path;
      EXPECT_TRUE (names.insert (d->id).second) << d->id;
      EXPECT_FALSE (vp_device_id_is_reserved (d->id)) << d->id;
      EXPECT_STRNE (d->reason, "");
      EXPECT_STREQ (d->bus, is_bridged ? p->bridge : p->kind == VP_PORT_PCI_SLOT ? "pci.0" : p->id);
      EXPECT_TRUE (!is_bridged || (d->slot >= 1 && d->slot <= 31)) << d->id;
      EXPECT_TRUE (is_bridged || is_cold == (p->use == VP_PORT_COLD)) << d->id;
      EXPECT_TRUE (is_cold || is_on_root_bus (plan, p) || p->kind == VP_PORT_DOWNSTREAM)
          << d->id << " is hot behind an expander";
      if (policy.root.machine == VP_MACHINE_PC)
        {
          EXPECT_FALSE (is_large && !is_cold) << d->id;
          continue;
        }
      EXPECT_FALSE (is_bridged && is_large) << d->id;
      EXPECT_FALSE (is_bridged && (d->function == nullptr || d->function->pcie)) << d->id;
      EXPECT_TRUE (!is_bridged || is_cold == is_cold_bridge (plan, p)) << d->id;
      if (!is_cold)
        check_hot_window (plan, p);
    }
}

/* Where a device is; another function of it may join it, and then it may have to be cold and get
 * its own function number back. */
std::string
place_of (const VpPlan *plan, guint i)
{
  const VpPlanDevice *d = device_at (plan, i);

  return std::string (d->id) + " in " + d->port + ", " + d->bus + "." + std::to_string (d->slot);
}

/* All that one device sees of a plan. */
std::string
whole_place_of (const VpPlan *plan, guint i)
{
  return dump_device (plan, device_at (plan, i)) +
         dump_port (vp_plan_find_port (plan, device_at (plan, i)->port));
}

bool
is_joined_later (const PlanInput &input, guint i, guint first)
{
  for (guint later = first; later < input.size (); later++)
    if (input.are_functions_of_one_device (i, later))
      return true;
  return false;
}

TEST (PlanProperty, HoldsForTenThousandHosts)
{
  const char *only = g_getenv ("VMPLUG_SEED");
  const unsigned first = only != nullptr ? static_cast<unsigned> (atoi (only)) : 1;
  const unsigned last = only != nullptr ? first : N_CASES;
  unsigned n_planned = 0, n_longer = 0;

  for (unsigned seed = first; seed <= last && !HasFailure (); seed++)
    {
      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed));
      const PlanInput input = RandomHost (seed).input;
      g_autoptr (VpPlan) plan = input.build (nullptr);

      /* Every prefix of a plan that exists exists too. */
      const guint shorter = input.size () > 0 ? seed % input.size () : 0;
      g_autoptr (VpPlan) prefix = input.build (shorter, nullptr);
      if (plan == nullptr)
        continue;
      n_planned++;

      const PlanInput same = RandomHost (seed).input;
      g_autoptr (VpPlan) again = same.build (nullptr);
      ASSERT_NE (again, nullptr);
      EXPECT_EQ (dump_plan (plan), dump_plan (again)) << "equal inputs, unequal plans";
      ASSERT_EQ (plan->devices->len, input.size ());
      check_ports (plan);
      check_devices (plan, input.policy);

      ASSERT_NE (prefix, nullptr) << "of " << shorter;
      bool is_joined = false;
      for (guint i = 0; i < shorter; i++)
        is_joined |= is_joined_later (input, i, shorter);
      for (guint i = 0; i < shorter; i++)
        if (!is_joined)
          {
            n_longer++;
            EXPECT_EQ (place_of (prefix, i), place_of (plan, i)) << "moved by later requests";
            /* A bridge of pc asks for more when more is behind it. */
            if (vp_plan_find_port (plan, device_at (plan, i)->port)->use != VP_PORT_BRIDGE)
              {
                EXPECT_EQ (whole_place_of (prefix, i), whole_place_of (plan, i));
              }
          }
    }
  if (only == nullptr)
    {
      EXPECT_GT (n_planned, N_CASES / 2) << "most hosts must be possible, or nothing was tested";
      EXPECT_GT (n_longer, N_CASES);
    }
}

} // namespace
