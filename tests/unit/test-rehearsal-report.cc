#include "launcher/vm/rehearsal-report.h"

#include "launcher/error.h"

#include "tests/support/hand-plan.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

constexpr uint64_t MiB = UINT64_C (1) << 20;
constexpr uint64_t GiB = UINT64_C (1) << 30;

/* One function as query-pci shows it, with BARs "index:size@address". */
struct Seen
{
  struct Region
  {
    int bar;
    uint64_t size;
    int64_t address;
  };
  std::string id;
  std::vector<Region> regions;
};

std::string
number (int64_t value)
{
  return std::to_string (value);
}

std::string
device_text (const Seen &seen)
{
  std::string text = R"({"bus":1,"slot":0,"function":0,"qdev_id":")" + seen.id + R"(","regions":[)";
  for (size_t i = 0; i < seen.regions.size (); i++)
    text += std::string (i > 0 ? "," : "") +
            R"({"type":"memory","mem_type_64":true,"prefetch":true,)" + R"("bar":)" +
            number (seen.regions[i].bar) + R"(,"size":)" +
            number (static_cast<int64_t> (seen.regions[i].size)) + R"(,"address":)" +
            number (seen.regions[i].address) + "}";
  return text + "]}";
}

std::string
range_text (VpGuestRange range)
{
  return R"({"base":)" + number (static_cast<int64_t> (range.base)) + R"(,"limit":)" +
         number (static_cast<int64_t> (range.limit)) + "}";
}

/* A port with a window for prefetchable memory, 2 MiB for other, and what is behind it. */
std::string
port_text (const std::string &id, VpGuestRange pref, const std::vector<std::string> &behind)
{
  std::string text = R"({"bus":0,"slot":1,"function":0,"qdev_id":")" + id +
                     R"(","regions":[],"pci_bridge":{"bus":{"memory_range":)" +
                     range_text ({ 0xfe000000, 0xfe1fffff }) + R"(,"prefetchable_range":)" +
                     range_text (pref) + R"(},"devices":[)";
  for (size_t i = 0; i < behind.size (); i++)
    text += (i > 0 ? "," : "") + behind[i];
  return text + "]}}";
}

VpRehearsalReport *
judge (const HandPlan &plan, const std::vector<std::string> &on_root, guint address_bits = 0)
{
  std::string text = R"([{"bus":0,"devices":[)";
  for (size_t i = 0; i < on_root.size (); i++)
    text += (i > 0 ? "," : "") + on_root[i];
  g_autoptr (JsonNode) reply = json_from_string ((text + "]}]").c_str (), nullptr);
  g_autoptr (VpStandIns) stand_ins = vp_stand_ins_new (plan.get ());
  const VpRehearsalView view = { json_node_get_array (reply), nullptr, address_bits };

  return vp_rehearsal_report_new (plan.get (), stand_ins, &view);
}

const VpRehearsedDevice *
device_at (const VpRehearsalReport *report, guint i)
{
  return static_cast<const VpRehearsedDevice *> (report->devices->pdata[i]);
}

const VpRehearsedBar &
bar_at (const VpRehearsalReport *report, guint device, guint i)
{
  return g_array_index (device_at (report, device)->bars, VpRehearsedBar, i);
}

struct ColdRow
{
  const char *name;
  int64_t address;
  VpGuestRange window;
  guint address_bits;
  VpBarPlace place;
  const char *problem; /* nullptr: none */
};

const VpGuestRange FOUR_TO_TWENTY = { 4 * GiB, 20 * GiB - 1 };

const ColdRow cold_rows[] = {
  { "inside", 4 * GiB, FOUR_TO_TWENTY, 40, VP_BAR_PLACED, nullptr },
  { "unassigned", -1, FOUR_TO_TWENTY, 40, VP_BAR_UNASSIGNED, "BAR 2 (16 GiB) got no address" },
  { "before_its_window", 2 * GiB, FOUR_TO_TWENTY, 40, VP_BAR_OUTSIDE,
    "BAR 2 (16 GiB) at 0x80000000 is not forwarded: the window of port1 is "
    "0x100000000-0x4ffffffff" },
  { "over_its_end", 8 * GiB, FOUR_TO_TWENTY, 40, VP_BAR_OUTSIDE,
    "BAR 2 (16 GiB) at 0x200000000 is not forwarded: the window of port1 is "
    "0x100000000-0x4ffffffff" },
  { "up_to_the_last_address", 4 * GiB, FOUR_TO_TWENTY, 35, VP_BAR_PLACED, nullptr },
  { "beyond_the_cpu", 4 * GiB, FOUR_TO_TWENTY, 34, VP_BAR_TOO_HIGH,
    "BAR 2 (16 GiB) at 0x100000000 is above the 34 address bits of the CPU" },
  { "negative_as_qemu_prints_it",
    -16 * static_cast<int64_t> (GiB),
    { UINT64_C (0xfffffffc00000000), UINT64_C (0xfffffffffffffffe) + 1 },
    40,
    VP_BAR_TOO_HIGH,
    "BAR 2 (16 GiB) at 0xfffffffc00000000 is above the 40 address bits of the CPU" },
};

class Cold : public testing::TestWithParam<ColdRow>
{
};
INSTANTIATE_TEST_SUITE_P (Table, Cold, testing::ValuesIn (cold_rows), name_of_row<ColdRow>);

TEST_P (Cold, IsInItsWindow)
{
  HandPlan plan;
  plan.port ("port1").cold ("gpu", "port1", { { 2, FakeBar::MEM64_PREF, 16 * GiB } });
  g_autoptr (VpRehearsalReport) report = judge (
      plan,
      { port_text ("port1", GetParam ().window,
                   { device_text ({ "gpu.0", { { 2, 16 * GiB, GetParam ().address } } }) }) },
      GetParam ().address_bits);
  g_autoptr (GError) error = nullptr;

  EXPECT_TRUE (report->is_set_up);
  EXPECT_EQ (bar_at (report, 0, 0).place, GetParam ().place);
  EXPECT_STREQ (device_at (report, 0)->problem, GetParam ().problem);
  EXPECT_EQ (report->ok, GetParam ().problem == nullptr);
  EXPECT_EQ (vp_rehearsal_report_check (report, &error), report->ok);
  if (GetParam ().problem != nullptr)
    {
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_REHEARSAL));
      EXPECT_EQ (error->message, std::string ("rehearsal: gpu: ") + GetParam ().problem);
    }
}

struct HotRow
{
  const char *name;
  VpGuestRange window;
  std::vector<FakeBar> bars;
  std::vector<uint64_t> addresses; /* 0: no room */
};

const FakeBar BIG = { 2, FakeBar::MEM64_PREF, 16 * GiB };
const FakeBar MEDIUM = { 4, FakeBar::MEM64_PREF, 32 * MiB };

const HotRow hot_rows[] = {
  { "aligned_window", { 16 * GiB, 32 * GiB - 1 }, { BIG }, { 16 * GiB } },
  { "as_large_and_not_aligned", { 4 * GiB, 20 * GiB - 1 }, { BIG }, { 0 } },
  { "twice_as_large", { 4 * GiB, 36 * GiB - 1 }, { BIG }, { 16 * GiB } },
  { "too_small", { 16 * GiB, 32 * GiB - MiB - 1 }, { BIG }, { 0 } },
  { "the_largest_goes_first",
    { 16 * GiB, 32 * GiB + 32 * MiB - 1 },
    { MEDIUM, BIG },
    { 32 * GiB, 16 * GiB } },
  { "no_room_for_both", { 16 * GiB, 32 * GiB - 1 }, { BIG, MEDIUM }, { 16 * GiB, 0 } },
  { "a_gap_is_used", { 15 * GiB, 32 * GiB - 1 }, { BIG, MEDIUM }, { 16 * GiB, 15 * GiB } },
  { "below_4_gib",
    { 16 * GiB, 32 * GiB - 1 },
    { { 0, FakeBar::MEM32, MiB }, { 1, FakeBar::MEM64, MiB } },
    { 0xfe000000, 0xfe100000 } },
  { "not_prefetchable_and_too_large",
    { 16 * GiB, 32 * GiB - 1 },
    { { 0, FakeBar::MEM32, 4 * MiB } },
    { 0 } },
  { "prefetchable_in_the_other_window",
    { 1, 0 },
    { { 0, FakeBar::MEM64_PREF, MiB } },
    { 0xfe000000 } },
  { "no_window", { 1, 0 }, { BIG }, { 0 } },
};

class Hot : public testing::TestWithParam<HotRow>
{
};
INSTANTIATE_TEST_SUITE_P (Table, Hot, testing::ValuesIn (hot_rows), name_of_row<HotRow>);

TEST_P (Hot, WouldFindItsPlace)
{
  HandPlan plan;
  plan.port ("port1").hot ("gpu", "port1", GetParam ().bars);
  g_autoptr (VpRehearsalReport) report =
      judge (plan, { port_text ("port1", GetParam ().window, {}) });
  bool all = true;

  for (guint i = 0; i < GetParam ().addresses.size (); i++)
    {
      const uint64_t address = GetParam ().addresses[i];
      all &= address != 0;
      EXPECT_EQ (bar_at (report, 0, i).address, address) << "BAR " << i;
      EXPECT_EQ (bar_at (report, 0, i).place, address != 0 ? VP_BAR_PLACED : VP_BAR_NO_ROOM);
      EXPECT_FALSE (bar_at (report, 0, i).assigned);
    }
  EXPECT_EQ (report->ok, all);
}

/* They share the 2 MiB of one bridge, with each other and with the cold one. */
TEST (Rehearsal, HotDevicesOfABusShareItsWindow)
{
  HandPlan plan;
  plan.cold ("first", "bridge1", { { 0, FakeBar::MEM32, MiB } }, 1);
  plan.hot ("second", "bridge1", { { 0, FakeBar::MEM32, MiB } });
  plan.hot ("third", "bridge1", { { 0, FakeBar::MEM32, MiB } });
  g_autoptr (VpRehearsalReport) report =
      judge (plan, { port_text ("bridge1", { 1, 0 },
                                { device_text ({ "first.0", { { 1, MiB, 0xfe000000 } } }) }) });
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (bar_at (report, 1, 0).address, 0xfe100000u);
  EXPECT_EQ (bar_at (report, 2, 0).place, VP_BAR_NO_ROOM);
  EXPECT_FALSE (vp_rehearsal_report_check (report, &error));
  EXPECT_STREQ (error->message, "rehearsal: third: BAR 0 (1 MiB) would find no aligned place: the "
                                "window of bridge1 is 0xfe000000-0xfe1fffff");
}

/* What a switch does not forward does not reach its ports, whatever their windows say. */
TEST (Rehearsal, EveryBridgeOnTheWayMustForward)
{
  HandPlan plan;
  plan.cold ("gpu", "down1", { BIG });
  const std::string device = device_text ({ "gpu.0", { { 2, 16 * GiB, 16 * GiB } } });
  const std::string down = port_text ("down1", { 16 * GiB, 32 * GiB - 1 }, { device });

  g_autoptr (VpRehearsalReport) good =
      judge (plan, { port_text ("up1", { 16 * GiB, 64 * GiB - 1 }, { down }) });
  g_autoptr (VpRehearsalReport) bad =
      judge (plan, { port_text ("up1", { 20 * GiB, 64 * GiB - 1 }, { down }) });

  EXPECT_TRUE (good->ok);
  EXPECT_EQ (bar_at (bad, 0, 0).place, VP_BAR_OUTSIDE);
}

TEST (Rehearsal, OnPcAnAddressIsEnough)
{
  HandPlan plan (VP_MACHINE_PC);
  plan.port ("slot2").cold ("gpu", "pci.0", { BIG }, 2).hot ("hot", "pci.0", { BIG });
  g_autoptr (VpRehearsalReport) report =
      judge (plan, { device_text ({ "gpu.0", { { 2, 16 * GiB, 16 * GiB } } }) });

  EXPECT_TRUE (report->ok);
  EXPECT_FALSE (device_at (report, 0)->has_windows);
}

/* As QEMU starts: nothing has an address, and no bridge has a window. */
TEST (Rehearsal, SeesThatNothingIsSetUp)
{
  HandPlan plan;
  plan.port ("port1").cold ("gpu", "port1", { BIG });
  g_autoptr (VpRehearsalReport) report =
      judge (plan, { R"({"bus":0,"slot":1,"function":0,"qdev_id":"port1","regions":[],)"
                     R"("pci_bridge":{"bus":{"memory_range":{"base":4293918720,"limit":1048575},)"
                     R"("prefetchable_range":{"base":4293918720,"limit":1048575}},"devices":[)" +
                     device_text ({ "gpu.0", { { 2, 16 * GiB, -1 } } }) + "]}}" });
  g_autoptr (GError) error = nullptr;

  report->seconds = 30;
  report->last_words = g_strdup ("PCI: out of I/O address space");
  EXPECT_FALSE (report->is_set_up);
  EXPECT_FALSE (vp_rehearsal_report_check (report, &error));
  EXPECT_STREQ (error->message, "rehearsal: firmware set up no PCI device in 30.0 s (its last "
                                "words: PCI: out of I/O address space)");
}

TEST (Rehearsal, NothingToPlaceIsFine)
{
  HandPlan plan (VP_MACHINE_PC);
  g_autoptr (VpRehearsalReport) report = judge (plan, {});

  EXPECT_TRUE (report->ok);
}

TEST (Rehearsal, IsPrintedForPersonsAndPrograms)
{
  HandPlan plan;
  plan.port ("port1").port ("port2");
  plan.cold ("gpu", "port1", { BIG }).hot ("late", "port2", { MEDIUM });
  g_autoptr (VpRehearsalReport) report =
      judge (plan, { port_text ("port1", { 16 * GiB, 32 * GiB - 1 },
                                { device_text ({ "gpu.0", { { 2, 16 * GiB, 16 * GiB } } }) }),
                     port_text ("port2", { 32 * GiB, 32 * GiB + 2 * MiB - 1 }, {}) });
  g_autofree char *text = vp_rehearsal_report_to_text (report);
  g_autoptr (JsonObject) json = vp_rehearsal_report_to_json (report);
  JsonArray *devices = json_object_get_array_member (json, "devices");
  JsonObject *bar = json_array_get_object_element (
      json_object_get_array_member (json_array_get_object_element (devices, 0), "bars"), 0);

  EXPECT_STREQ (text, "ok    gpu  0000:00:00.0  cold  port1  BAR 2 16 GiB at 0x400000000  in "
                      "0x400000000-0x7ffffffff\n"
                      "FAIL  late  0000:00:00.0  hot   port2  BAR 4 (32 MiB) would find no aligned "
                      "place: the window of port2 is 0x800000000-0x8001fffff\n"
                      "FAIL: 1 of 2 devices placed by SeaBIOS of an unknown version in 0.0 s\n");
  EXPECT_FALSE (json_object_get_boolean_member (json, "ok"));
  EXPECT_EQ (json_object_get_int_member (bar, "index"), 2);
  EXPECT_EQ (json_object_get_int_member (bar, "size"), static_cast<gint64> (16 * GiB));
  EXPECT_TRUE (json_object_get_boolean_member (bar, "assigned"));
  EXPECT_STREQ (json_object_get_string_member (bar, "guest_address"), "0x400000000");
}

} // namespace
