#include "launcher/vm/guest-bars.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

const char *const ASSIGNED_BAR0 = R"({"bar":0,"size":4096,"address":4269801472,"type":"memory",
  "prefetch":false,"mem_type_64":false})";
const char *const UNMAPPED_BAR2 = R"({"bar":2,"size":17179869184,"address":-1,"type":"memory",
  "prefetch":true,"mem_type_64":true})";
const char *const UNMAPPED_IO = R"({"bar":1,"size":256,"address":-1,"type":"io"})";
const char *const UNMAPPED_ROM = R"({"bar":6,"size":65536,"address":-1,"type":"memory",
  "prefetch":false,"mem_type_64":false})";

/* A device "gpu" on bus 1, behind a port with a 2 MiB window and a 16 GiB one. */
std::string
query_pci (const std::string &regions)
{
  return R"([{"bus":0,"devices":[{"bus":0,"slot":1,"function":0,"qdev_id":"port1","regions":[],
    "pci_bridge":{"bus":{"secondary":1,
      "memory_range":{"base":4269801472,"limit":4271898623},
      "prefetchable_range":{"base":17179869184,"limit":34359738367}},
    "devices":[{"bus":1,"slot":0,"function":0,"qdev_id":"gpu","regions":[)" +
         regions + "]}]}}]}]";
}

VpGuestBars
read_bars (const std::string &regions)
{
  g_autoptr (JsonNode) reply = json_from_string (query_pci (regions).c_str (), nullptr);
  VpGuestBars bars = {};

  EXPECT_TRUE (vp_guest_bars_from_query_pci (json_node_get_array (reply), "gpu", &bars));
  return bars;
}

TEST (GuestBars, KnowsBusAndBridge)
{
  VpGuestBars bars = read_bars (ASSIGNED_BAR0);

  EXPECT_EQ (bars.bus, 1u);
  EXPECT_EQ (bars.slot, 0u);
  EXPECT_TRUE (bars.has_bridge);
  EXPECT_EQ (bars.pref_base, 0x400000000u);
}

struct JudgeRow
{
  const char *name;
  std::string regions;
  VpBarsVerdict verdict;
  const char *missing; /* nullptr: none */
};

class Judge : public testing::TestWithParam<JudgeRow>
{
};

TEST_P (Judge, CountsTheBarsThatAreWanted)
{
  VpGuestBars bars = read_bars (GetParam ().regions);
  g_autofree char *missing = vp_guest_bars_describe_missing (&bars);

  EXPECT_EQ (vp_guest_bars_judge (&bars), GetParam ().verdict);
  EXPECT_STREQ (missing, GetParam ().missing);
}

std::string
both (const std::string &a, const std::string &b)
{
  return a + "," + b;
}

std::string
memory_bar (gint64 size, gint64 address)
{
  return R"({"bar":0,"size":)" + std::to_string (size) + R"(,"address":)" +
         std::to_string (address) + R"(,"type":"memory","prefetch":false,"mem_type_64":false})";
}

const JudgeRow judge_rows[] = {
  { "all", ASSIGNED_BAR0, VP_BARS_ALL, nullptr },
  { "none", UNMAPPED_BAR2, VP_BARS_NONE, "BAR 2 (16 GiB) has no window" },
  { "partial", both (ASSIGNED_BAR0, UNMAPPED_BAR2), VP_BARS_PARTIAL,
    "BAR 2 (16 GiB) has no window" },
  { "io_does_not_count", both (ASSIGNED_BAR0, UNMAPPED_IO), VP_BARS_ALL, nullptr },
  { "io_counts_where_there_is_nothing_else", UNMAPPED_IO, VP_BARS_NONE,
    "BAR 1 (256 B) has no window" },
  { "rom_does_not_count", both (ASSIGNED_BAR0, UNMAPPED_ROM), VP_BARS_ALL, nullptr },
  { "nothing_to_map", "", VP_BARS_ALL, nullptr },
  { "address_zero_is_unmapped", memory_bar (4096, 0), VP_BARS_NONE, "BAR 0 (4 KiB) has no window" },
  /* SeaBIOS 1.16.3 could place a second BAR outside of its bridge's window. */
  { "outside_of_the_window", memory_bar (4096, 4096), VP_BARS_NONE, "BAR 0 (4 KiB) has no window" },
  { "over_the_end_of_the_window", memory_bar (4194304, 4269801472), VP_BARS_NONE,
    "BAR 0 (4 MiB) has no window" },
  { "two_missing", both (UNMAPPED_BAR2, memory_bar (4096, -1)), VP_BARS_NONE,
    "BAR 2 (16 GiB), BAR 0 (4 KiB) have no window" },
};
INSTANTIATE_TEST_SUITE_P (Table, Judge, testing::ValuesIn (judge_rows), name_of_row<JudgeRow>);

struct RegisterRow
{
  const char *name;
  guint32 low;
  guint32 high;
  bool assigned;
};

class Registers : public testing::TestWithParam<RegisterRow>
{
};

/* What query-pci hides while decoding is off, the registers tell. */
TEST_P (Registers, TellAnAddress)
{
  VpGuestBars bars = read_bars (UNMAPPED_BAR2);
  const guint32 words[VP_PCI_N_BARS] = { 0, 0, GetParam ().low, GetParam ().high, 0, 0 };

  vp_guest_bars_apply_registers (&bars, words);
  EXPECT_EQ (bars.bars[0].assigned, GetParam ().assigned);
  if (GetParam ().assigned)
    {
      EXPECT_EQ (bars.bars[0].address, 0x400000000u);
    }
}

const RegisterRow register_rows[] = {
  { "assigned", 0x0000000c, 0x4, true },
  { "unassigned", 0x0000000c, 0x0, false },
  { "being_sized", 0x0000000c, 0xfffffffc, false },
  { "all_ones", 0xffffffff, 0xffffffff, false },
  { "outside_of_the_window", 0x0000000c, 0x10, false },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          Registers,
                          testing::ValuesIn (register_rows),
                          name_of_row<RegisterRow>);

TEST (GuestBars, RegistersDoNotTakeBackWhatQueryPciShows)
{
  VpGuestBars bars = read_bars (ASSIGNED_BAR0);
  const guint32 words[VP_PCI_N_BARS] = { 0 };

  vp_guest_bars_apply_registers (&bars, words);
  EXPECT_TRUE (bars.bars[0].assigned);
}

struct WordsRow
{
  const char *name;
  const char *text;
  bool ok;
};

class Words : public testing::TestWithParam<WordsRow>
{
};

TEST_P (Words, AreSixOrNothing)
{
  guint32 words[VP_PCI_N_BARS] = { 0 };

  EXPECT_EQ (vp_guest_bars_parse_words (GetParam ().text, words), GetParam ().ok);
  if (GetParam ().ok)
    {
      EXPECT_EQ (words[0], 0xfe800000u);
      EXPECT_EQ (words[5], 0x6u);
    }
}

const WordsRow words_rows[] = {
  { "two_lines",
    "00000000b0100010: 0xfe800000 0x0000c001 0x0000000c 0x00000004\r\n"
    "00000000b0100020: 0x00000000 0x00000006\r\n",
    true },
  { "too_few", "00000000b0100010: 0xfe800000 0x0000c001\r\n", false },
  { "no_memory_there", "00000000b0100010: Cannot access memory\r\n", false },
  { "no_number", "x: 0xfe800000 0xzz 0x1 0x2 0x3 0x4\r\n", false },
  { "empty", "", false },
};
INSTANTIATE_TEST_SUITE_P (Table, Words, testing::ValuesIn (words_rows), name_of_row<WordsRow>);

TEST (GuestBars, AStrangerIsNotFound)
{
  g_autoptr (JsonNode) reply = json_from_string (query_pci ("").c_str (), nullptr);
  VpGuestBars bars = {};

  EXPECT_FALSE (vp_guest_bars_from_query_pci (json_node_get_array (reply), "nic", &bars));
}

/* QEMU is not trusted once it runs: any shape of reply is looked at without harm. */
TEST (GuestBars, GarbageIsNoDevice)
{
  for (const char *text :
       { "[]", "[1,null,[]]", R"([{"devices":7}])", R"([{"devices":[1,"x",{}]}])",
         R"([{"devices":[{"pci_bridge":[]},{"pci_bridge":{"devices":{}}}]}])",
         R"([{"devices":[{"qdev_id":7,"regions":[{}]}]}])" })
    {
      g_autoptr (JsonNode) reply = json_from_string (text, nullptr);
      VpGuestBars bars = {};

      EXPECT_FALSE (vp_guest_bars_from_query_pci (json_node_get_array (reply), "gpu", &bars))
          << text;
    }
}

TEST (GuestBars, TooManyRegionsAreCut)
{
  std::string regions;

  for (int i = 0; i < 40; i++)
    regions += (i > 0 ? "," : "") + std::string (ASSIGNED_BAR0);
  EXPECT_EQ (read_bars (regions).n_bars, 6u);
}

TEST (GuestBars, JsonHasTheContractsKeys)
{
  VpGuestBars bars = read_bars (both (ASSIGNED_BAR0, UNMAPPED_BAR2));
  g_autoptr (JsonArray) array = vp_guest_bars_to_json (&bars);
  JsonObject *first = json_array_get_object_element (array, 0);
  JsonObject *second = json_array_get_object_element (array, 1);

  EXPECT_EQ (json_object_get_int_member (first, "index"), 0);
  EXPECT_EQ (json_object_get_int_member (first, "size"), 4096);
  EXPECT_TRUE (json_object_get_boolean_member (first, "assigned"));
  EXPECT_STREQ (json_object_get_string_member (first, "guest_address"), "0xfe800000");
  EXPECT_FALSE (json_object_get_boolean_member (second, "assigned"));
  EXPECT_TRUE (json_object_get_null_member (second, "guest_address"));
}

} // namespace
