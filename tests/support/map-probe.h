#pragma once

#include "devices/error.h"
#include "devices/slot-map.h"

#include "tests/support/plan-input.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

/* A plan, its map, and short ways to ask it. */
class MapProbe
{
public:
  explicit MapProbe (const std::function<void (PlanInput &)> &fill)
  {
    fill (input_);
    plan_ = must_build (input_);
    map_ = vp_slot_map_new (plan_);
  }
  ~MapProbe ()
  {
    vp_slot_map_free (map_);
    vp_plan_free (plan_);
  }
  MapProbe (const MapProbe &) = delete;

  /* What comes together: each as "PORT BUS.SLOT", or ".FUNCTION" too when that is not 0, and "+"
   * when function 0 is not alone; or the error's message. */
  std::string
  reserve_all (const std::vector<std::pair<std::string, const VpPciFunction *>> &wanted)
  {
    g_autoptr (GError) error = nullptr;
    std::vector<VpSlotRequest> requests;
    std::string places;

    for (const auto &[id, function] : wanted)
      requests.push_back ({ id.c_str (), function, {} });
    code = -1;
    if (!vp_slot_map_reserve (map_, requests.data (), static_cast<guint> (requests.size ()),
                              input_.policy.large_bar, &error))
      {
        EXPECT_EQ (error->domain, VP_DEVICE_ERROR);
        code = error->code;
        return error->message;
      }
    for (const VpSlotRequest &request : requests)
      places += (places.empty () ? "" : ", ") + text (request.place);
    return places;
  }
  std::string
  reserve (const std::string &id, const VpPciFunction *function = nullptr)
  {
    return reserve_all ({ { id, function } });
  }
  std::string
  reserve (const std::string &id, const VpPciFunction &function)
  {
    return reserve (id, &function);
  }

  void
  release (const std::string &id)
  {
    vp_slot_map_release (map_, id.c_str ());
  }

  /* "PORT BUS.SLOT", or "nowhere". */
  std::string
  find (const std::string &id)
  {
    VpPlace place = {};
    return vp_slot_map_find (map_, id.c_str (), &place) ? text (place) : "nowhere";
  }

  /* "SPARE of TOTAL" */
  std::string
  count ()
  {
    guint total = 99, spare = 99;
    vp_slot_map_count (map_, &total, &spare);
    return std::to_string (spare) + " of " + std::to_string (total);
  }

  /* The host function of the plan's device @i. */
  const VpPciFunction *
  function (guint i)
  {
    return device_at (plan_, i)->function;
  }

  int code = -1; /* of the last reserve(), or -1 */

private:
  static std::string
  text (const VpPlace &place)
  {
    return std::string (place.port) + " " + place.bus + "." + std::to_string (place.slot) +
           (place.function_number > 0 ? "." + std::to_string (place.function_number) : "") +
           (place.multifunction ? "+" : "");
  }

  PlanInput input_;
  VpPlan *plan_;
  VpSlotMap *map_;
};

/* Devices that come while the VM runs. */

inline const VpPciFunction nvme = fake_function ("0000:51:00.0", NVME);
inline const VpPciFunction gpu = fake_function ("0000:52:00.0", GPU);

inline VpPciFunction
conventional (const std::string &address, const std::vector<FakeBar> &bars = {})
{
  VpPciFunction function = fake_function (address, bars);
  function.pcie = FALSE;
  return function;
}

inline VpPciFunction
with_pref64 (const std::string &address, uint64_t size)
{
  return fake_function (address, { { 0, FakeBar::MEM64_PREF, size } });
}
