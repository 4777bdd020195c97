#include "launcher/vm/guest-windows.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <vector>

namespace
{

constexpr uint64_t LAST = UINT64_MAX;

struct RoomRow
{
  const char *name;
  VpGuestRange range;
  std::vector<VpGuestRange> taken;
  uint64_t size;
  bool found;
  uint64_t address;
};

const RoomRow room_rows[] = {
  { "at_the_start", { 0x1000, 0x1fff }, {}, 0x1000, true, 0x1000 },
  { "at_the_next_multiple", { 0x1800, 0x2fff }, {}, 0x1000, true, 0x2000 },
  { "one_byte_too_small", { 0x1000, 0x1ffe }, {}, 0x1000, false, 0 },
  { "aligned_it_does_not_fit", { 0x1800, 0x2bff }, {}, 0x1000, false, 0 },
  { "empty", { 1, 0 }, {}, 1, false, 0 },
  { "behind_what_is_taken", { 0x1000, 0x3fff }, { { 0x1000, 0x17ff } }, 0x1000, true, 0x2000 },
  { "in_a_gap",
    { 0x1000, 0x3fff },
    { { 0x3000, 0x3fff }, { 0x1000, 0x1fff } },
    0x1000,
    true,
    0x2000 },
  { "all_is_taken", { 0x1000, 0x2fff }, { { 0x0, LAST } }, 0x1000, false, 0 },
  { "elsewhere_does_not_matter", { 0x1000, 0x1fff }, { { 0x2000, 0x2fff } }, 0x1000, true, 0x1000 },
  { "an_empty_one_takes_nothing", { 0x1000, 0x1fff }, { { 1, 0 } }, 0x1000, true, 0x1000 },
  { "up_to_the_last_address", { LAST - 0xfff, LAST }, {}, 0x1000, true, LAST - 0xfff },
  { "no_multiple_before_the_last", { LAST - 0xffe, LAST }, {}, 0x1000, false, 0 },
  { "half_of_everything", { 0, LAST }, { { 0, 0 } }, UINT64_C (1) << 63, true, UINT64_C (1) << 63 },
};

class Room : public testing::TestWithParam<RoomRow>
{
};
INSTANTIATE_TEST_SUITE_P (Table, Room, testing::ValuesIn (room_rows), name_of_row<RoomRow>);

TEST_P (Room, IsAlignedAndFree)
{
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (VpGuestRange));
  uint64_t address = 0;

  for (const VpGuestRange &range : GetParam ().taken)
    g_array_append_val (taken, range);
  EXPECT_EQ (vp_guest_range_find_room (&GetParam ().range, taken, GetParam ().size, &address),
             GetParam ().found);
  EXPECT_EQ (address, GetParam ().address);
}

struct HoldsRow
{
  const char *name;
  VpGuestRange range;
  uint64_t address, size;
  bool holds;
};

const HoldsRow holds_rows[] = {
  { "all_of_it", { 0x1000, 0x1fff }, 0x1000, 0x1000, true },
  { "one_byte_before", { 0x1000, 0x1fff }, 0xfff, 1, false },
  { "one_byte_over", { 0x1000, 0x1fff }, 0x1001, 0x1000, false },
  { "round_the_end", { 0x1000, LAST }, LAST, 2, false },
  { "empty", { 0x2000, 0x1fff }, 0x2000, 1, false },
};

class Holds : public testing::TestWithParam<HoldsRow>
{
};
INSTANTIATE_TEST_SUITE_P (Table, Holds, testing::ValuesIn (holds_rows), name_of_row<HoldsRow>);

TEST_P (Holds, ToTheByte)
{
  EXPECT_EQ (vp_guest_range_holds (&GetParam ().range, GetParam ().address, GetParam ().size),
             GetParam ().holds);
}

/* A reply that makes no sense has no bridge, or one without windows. */
TEST (GuestWindows, TrustNoReply)
{
  for (const char *text : { "[]", "[1]", "[{}]", R"([{"devices":7}])", R"([{"devices":[1,{}]}])",
                            R"([{"devices":[{"qdev_id":"port1"}]}])",
                            R"([{"devices":[{"qdev_id":"port1","pci_bridge":{"bus":1}}]}])" })
    {
      g_autoptr (JsonNode) reply = json_from_string (text, nullptr);
      VpGuestWindows windows;
      EXPECT_FALSE (vp_guest_windows_find (json_node_get_array (reply), "port1", &windows)) << text;
    }

  g_autoptr (JsonNode) reply = json_from_string (
      R"([{"devices":[{"qdev_id":"port1","pci_bridge":{"bus":{"memory_range":{"base":"x"}}}}]}])",
      nullptr);
  VpGuestWindows windows;
  ASSERT_TRUE (vp_guest_windows_find (json_node_get_array (reply), "port1", &windows));
  EXPECT_TRUE (vp_guest_range_is_empty (&windows.mem));
  EXPECT_TRUE (vp_guest_range_is_empty (&windows.pref));
}

} // namespace
