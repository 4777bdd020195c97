#include "devices/device-id.h"
#include "devices/plan.h"

#include "tests/support/plan-dump.h"
#include "tests/support/plan-input.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>
#include <tuple>

namespace
{

constexpr unsigned N_CASES = 10000;

/* A host and a wish that nobody had in mind. The same seed gives the same ones. */
class RandomInput
{
public:
  explicit RandomInput (unsigned seed) : random_ (seed)
  {
    input.policy.machine = one_in (4) ? VP_MACHINE_PC : VP_MACHINE_Q35;
    input.policy.firmware = static_cast<VpFirmware> (below (3));
    input.policy.large_bar = UINT64_C (1) << (28 + below (10));
    input.policy.n_spare = below (6);
    input.policy.spare_window = one_in (3) ? UINT64_C (1) << below (36) : 0;

    const bool is_full = one_in (10);
    const unsigned n = below (input.policy.machine == VP_MACHINE_PC ? 14 : is_full ? 100 : 24);
    for (unsigned i = 0; i < n; i++)
      add (i);
  }

  PlanInput input;

private:
  unsigned
  below (unsigned limit)
  {
    return static_cast<unsigned> (random_ () % limit);
  }
  bool
  one_in (unsigned n)
  {
    return below (n) == 0;
  }

  void
  add (unsigned i)
  {
    static const char *const drivers[] = { "nvme", "virtio-net-pci", "9p,x" };
    char address[16];
    snprintf (address, sizeof address, "%02x:%02x.%x", 1 + i / 16, i / 2 % 8, i % 2);
    auto &device = one_in (5) ? input.emulated (drivers[below (3)]) : input.host (address, bars ());

    if (one_in (3))
      device.conventional ();
    if (one_in (6))
      device.cold ();
    else if (one_in (6))
      device.hot ();
    if (one_in (8))
      device.id ("user" + std::to_string (i));
  }

  std::vector<FakeBar>
  bars ()
  {
    std::vector<FakeBar> bars;
    for (unsigned index = 0; index < 5; index += 2)
      switch (below (5))
        {
        case 0:
          bars.push_back ({ index, FakeBar::MEM32, UINT64_C (1) << (12 + below (14)) });
          break;
        case 1:
          bars.push_back ({ index, FakeBar::MEM64, UINT64_C (1) << (12 + below (14)) });
          break;
        case 2:
          bars.push_back ({ index, FakeBar::MEM64_PREF, UINT64_C (1) << (12 + below (26)) });
          break;
        case 3:
          bars.push_back ({ index, FakeBar::IO, UINT64_C (1) << (3 + below (6)) });
          break;
        default:
          break;
        }
    return bars;
  }

  std::mt19937 random_;
};

bool
is_power_of_two (guint64 n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

void
check_ports (const VpPlan *plan, const VpPlanPolicy &policy)
{
  std::set<std::pair<guint, guint>> addresses;
  std::set<guint> chassis;
  std::set<std::string> names;
  guint n_io = 0;

  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *p = port_at (plan, i);

      EXPECT_TRUE (names.insert (p->id).second) << p->id;
      EXPECT_TRUE (addresses.emplace (p->slot, p->function).second) << p->id;
      EXPECT_EQ (addresses.count ({ p->slot, 0 }), 1U) << p->id << " would not be found";
      EXPECT_EQ (addresses.rbegin ()->first, p->slot) << p->id << " is out of order";
      EXPECT_EQ (p->bridge != nullptr, p->use == VP_PORT_BRIDGE) << p->id;
      for (guint64 part : { p->reserve.mem, p->reserve.pref64 })
        {
          EXPECT_TRUE (part == 0 || (is_power_of_two (part) && part > VP_PLAN_DEFAULT_WINDOW))
              << p->id << " reserves " << part;
        }
      if (policy.machine == VP_MACHINE_PC)
        continue;

      EXPECT_TRUE (chassis.insert (p->chassis).second && p->chassis > 0) << p->id;
      EXPECT_EQ (p->id, "port" + std::to_string (p->chassis));
      n_io += p->has_io;
      if (p->use != VP_PORT_SPARE)
        {
          EXPECT_EQ (p->reserve.io + p->reserve.mem + p->reserve.pref64, 0U) << p->id;
        }
    }
  EXPECT_LE (n_io, 8U) << "SeaBIOS would panic";
}

/* Whether BARs of @bytes find an aligned place in a window of @reserve bytes, wherever the
 * firmware starts it: OVMF at a multiple of its size, the others at any MiB. */
bool
fits (VpFirmware firmware, guint64 reserve, guint64 bytes)
{
  const guint64 window = MAX (reserve, VP_PLAN_DEFAULT_WINDOW);
  const guint64 step = vp_window_round_up (bytes);

  if (window <= VP_PLAN_DEFAULT_WINDOW || firmware == VP_FIRMWARE_OVMF)
    return bytes <= window;
  for (guint64 start : { MiB, 5 * MiB, 4 * GiB, 4 * GiB + MiB, 513 * GiB + 3 * MiB })
    if ((start + step - 1) / step * step + bytes > start + window)
      return false;
  return true;
}

void
check_devices (const VpPlan *plan, const VpPlanPolicy &policy)
{
  std::set<std::pair<std::string, guint>> places;
  std::set<std::string> names, paths;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *d = device_at (plan, i);
      const VpPlanPort *p = vp_plan_find_port (plan, d->port);
      ASSERT_NE (p, nullptr) << d->id;
      g_autofree char *path = vp_plan_guest_path (plan, d->port, d->bus, d->slot);
      const bool is_bridged = p->use == VP_PORT_BRIDGE;

      EXPECT_TRUE (places.emplace (d->bus, d->slot).second) << d->id;
      EXPECT_TRUE (paths.insert (path).second) << path;
      EXPECT_TRUE (names.insert (d->id).second) << d->id;
      EXPECT_FALSE (vp_device_id_is_reserved (d->id)) << d->id;
      EXPECT_STRNE (d->reason, "");
      EXPECT_EQ (d->plug == VP_PLUG_COLD, p->use == VP_PORT_COLD) << d->id;
      if (is_bridged)
        {
          EXPECT_STREQ (d->bus, p->bridge);
          EXPECT_TRUE (d->slot >= 1 && d->slot <= 31) << d->id;
        }
      if (d->function == nullptr || policy.machine == VP_MACHINE_PC)
        continue;

      const bool is_large = vp_pci_function_is_large (d->function, policy.large_bar);
      EXPECT_FALSE (is_bridged && (is_large || d->function->pcie || d->plug == VP_PLUG_COLD))
          << d->id;
      if (d->plug == VP_PLUG_HOT && !is_bridged)
        {
          VpWindow need;
          ASSERT_TRUE (vp_plan_device_window (policy.machine, d->function, &need, nullptr));
          EXPECT_TRUE (fits (policy.firmware, p->reserve.mem, need.mem)) << d->id;
          EXPECT_TRUE (fits (policy.firmware, p->reserve.pref64, need.pref64)) << d->id;
        }
    }
}

/* All that one device sees of a plan. */
std::string
place_of (const VpPlan *plan, guint i)
{
  return dump_device (plan, device_at (plan, i)) +
         dump_port (vp_plan_find_port (plan, device_at (plan, i)->port));
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
      const PlanInput input = RandomInput (seed).input;
      g_autoptr (VpPlan) plan = input.build (nullptr);

      /* Every prefix of a plan that exists exists too. */
      const guint shorter = input.size () > 0 ? seed % input.size () : 0;
      g_autoptr (VpPlan) prefix = input.build (shorter, nullptr);
      if (plan == nullptr)
        continue;
      n_planned++;

      const PlanInput same = RandomInput (seed).input;
      g_autoptr (VpPlan) again = same.build (nullptr);
      ASSERT_NE (again, nullptr);
      EXPECT_EQ (dump_plan (plan), dump_plan (again)) << "equal inputs, unequal plans";
      ASSERT_EQ (plan->devices->len, input.size ());
      check_ports (plan, input.policy);
      check_devices (plan, input.policy);

      ASSERT_NE (prefix, nullptr) << "of " << shorter;
      for (guint i = 0; i < shorter; i++)
        {
          n_longer++;
          EXPECT_EQ (place_of (prefix, i), place_of (plan, i)) << "moved by later requests";
        }
    }
  if (only == nullptr)
    {
      EXPECT_GT (n_planned, N_CASES / 2) << "most hosts must be possible, or nothing was tested";
      EXPECT_GT (n_longer, N_CASES);
    }
}

} // namespace
