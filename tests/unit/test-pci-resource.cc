#include "devices/error.h"
#include "devices/pci-resource.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

namespace
{

constexpr uint64_t MiB = UINT64_C (1) << 20;
constexpr uint64_t GiB = UINT64_C (1) << 30;

const char EMPTY[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";

/* Six lines, of which the first are given. */
std::string
padded (std::vector<std::string> lines)
{
  std::string text;
  for (unsigned i = 0; i < VP_PCI_N_BARS; i++)
    text += i < lines.size () ? lines[i] + "\n" : EMPTY;
  return text;
}

struct Result
{
  bool ok = false;
  VpBar bars[VP_PCI_N_BARS] = {};
  guint n_bars = 99;
  std::string message;

  explicit Result (const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    ok = vp_pci_resource_parse (text.c_str (), bars, &n_bars, &error);
    if (error != nullptr)
      {
        message = error->message;
        EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
      }
    EXPECT_EQ (ok, error == nullptr);
  }
};

TEST (PciResource, ReadsAGraphicsCardAsTheKernelWritesIt)
{
  /* An NVIDIA A100's, from a running host. */
  const Result result ("0x00000000b4000000 0x00000000b4ffffff 0x0000000000040200\n"
                       "0x0000382000000000 0x0000382fffffffff 0x000000000014220c\n"
                       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                       "0x0000383030000000 0x0000383031ffffff 0x000000000014220c\n"
                       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                       "0x0000000000004000 0x000000000000407f 0x0000000000040101\n"
                       "0x00000000b5000000 0x00000000b507ffff 0x0000000000046200\n"
                       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");

  ASSERT_TRUE (result.ok) << result.message;
  ASSERT_EQ (result.n_bars, 4u);
  const VpBar wanted[] = {
    { 0, VP_BAR_MEM32, FALSE, 0xb4000000, 16 * MiB },
    { 1, VP_BAR_MEM64, TRUE, 0x382000000000, 64 * GiB },
    { 3, VP_BAR_MEM64, TRUE, 0x383030000000, 32 * MiB },
    { 5, VP_BAR_IO, FALSE, 0x4000, 128 },
  };
  for (guint i = 0; i < result.n_bars; i++)
    {
      EXPECT_EQ (result.bars[i].index, wanted[i].index) << i;
      EXPECT_EQ (result.bars[i].kind, wanted[i].kind) << i;
      EXPECT_EQ (result.bars[i].prefetchable, wanted[i].prefetchable) << i;
      EXPECT_EQ (result.bars[i].start, wanted[i].start) << i;
      EXPECT_EQ (result.bars[i].size, wanted[i].size) << i;
    }
}

TEST (PciResource, TheFakeWritesWhatItWasTold)
{
  const Result result (FakeSysfs::resource_text ({
      { 0, FakeBar::MEM32_PREF, 4096, 0xe0000000 },
      { 1, FakeBar::IO, 32, 0x1000 },
      { 2, FakeBar::MEM64, 16 * GiB, 0x380000000000 },
      { 5, FakeBar::MEM32, 16, 0xe1000000 },
  }));

  ASSERT_TRUE (result.ok) << result.message;
  ASSERT_EQ (result.n_bars, 4u);
  EXPECT_EQ (result.bars[0].kind, VP_BAR_MEM32);
  EXPECT_TRUE (result.bars[0].prefetchable);
  EXPECT_EQ (result.bars[1].kind, VP_BAR_IO);
  EXPECT_EQ (result.bars[2].kind, VP_BAR_MEM64);
  EXPECT_FALSE (result.bars[2].prefetchable);
  EXPECT_EQ (result.bars[2].size, 16 * GiB);
  EXPECT_EQ (result.bars[3].size, 16u);
}

struct Good
{
  const char *name;
  std::vector<std::string> lines;
  guint n_bars;
  guint64 start; /* of the first BAR */
  guint64 size;
};

/* Or GoogleTest prints the bytes of a row, among them some that nobody set. */
void
PrintTo (const Good &row, std::ostream *out)
{
  *out << row.name;
}

const Good good[] = {
  { "no_bars", {}, 0, 0, 0 },
  { "short_numbers", { "0xc6000000 0xc6ffffff 0x40200" }, 1, 0xc6000000, 16 * MiB },
  { "unassigned", { "0x0 0xffffff 0x40200" }, 1, 0, 16 * MiB },
  { "unset_start_means_nothing", { "0xc6000000 0xc6ffffff 0x20040200" }, 1, 0, 16 * MiB },
  { "flags_of_an_empty_bar", { "0x0 0x0 0x40200" }, 0, 0, 0 },
  { "one_port", { "0x3f6 0x3f6 0x110" }, 1, 0x3f6, 1 },
  { "half_of_all_memory", { "0x0 0x7fffffffffffffff 0x14220c" }, 1, 0, UINT64_C (1) << 63 },
  { "top_of_memory",
    { "0xffffffff00000000 0xffffffffffffffff 0x14220c" },
    1,
    0xffffffff00000000,
    4 * GiB },
  { "last_bar_of_32_bits",
    { "0x0 0x0 0x0", "0x0 0x0 0x0", "0x0 0x0 0x0", "0x0 0x0 0x0", "0x0 0x0 0x0",
      "0xfe000000 0xfe000fff 0x40200" },
    1,
    0xfe000000,
    4096 },
  { "three_of_64_bits",
    { "0x100000000 0x1ffffffff 0x14220c", "0x0 0x0 0x0", "0x200000000 0x2ffffffff 0x14220c",
      "0x0 0x0 0x0", "0x300000000 0x3ffffffff 0x14220c", "0x0 0x0 0x0" },
    3,
    0x100000000,
    4 * GiB },
};

class PciResourceGood : public testing::TestWithParam<Good>
{
};

TEST_P (PciResourceGood, IsRead)
{
  const Good &row = GetParam ();
  const Result result (padded (row.lines));

  ASSERT_TRUE (result.ok) << result.message;
  ASSERT_EQ (result.n_bars, row.n_bars);
  if (row.n_bars > 0)
    {
      EXPECT_EQ (result.bars[0].start, row.start);
      EXPECT_EQ (result.bars[0].size, row.size);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, PciResourceGood, testing::ValuesIn (good), name_of_row<Good>);

struct Bad
{
  const char *name;
  std::string text;
  const char *message; /* how it starts */
};

void
PrintTo (const Bad &row, std::ostream *out)
{
  *out << row.name;
}

const Bad bad[] = {
  { "empty", "", "line 1 is missing" },
  { "truncated_after_a_line", std::string (EMPTY), "line 2 is missing" },
  { "truncated_in_a_line", std::string (EMPTY) + "0x0000", "line 2, \"0x0000\"" },
  { "five_lines", std::string (EMPTY) + EMPTY + EMPTY + EMPTY + "0x0 0x0 0x0",
    "line 6 is missing" },
  { "blank", padded ({ "   " }), "line 1, \"   \": not" },
  { "empty_line", padded ({ "0x0 0x0 0x0", "" }), "line 2, \"\": not" },
  { "kata_words", padded ({ "abc zyx" }), "line 1, \"abc zyx\": not" },
  { "kata_one_column", padded ({ "0x00015", "0x0013" }), "line 1, \"0x00015\": not" },
  { "kata_two_columns", padded ({ "0x383800000000 0x383bffffffff" }), "line 1," },
  { "four_columns", padded ({ "0x0 0x0 0x0 0x0" }), "line 1," },
  { "no_prefix", padded ({ "0 0 0" }), "line 1," },
  { "prefix_alone", padded ({ "0x 0x0 0x0" }), "line 1," },
  { "upper_case_prefix", padded ({ "0X0 0x0 0x0" }), "line 1," },
  { "sign", padded ({ "0x-1 0x0 0x0" }), "line 1," },
  { "two_blanks", padded ({ "0x0  0x0 0x0" }), "line 1," },
  { "tab", padded ({ "0x0\t0x0 0x0" }), "line 1, \"0x0\\t0x0 0x0\": not" },
  { "carriage_return", padded ({ "0x0 0x0 0x0\r" }), "line 1," },
  { "trailing_blank", padded ({ "0x0 0x0 0x0 " }), "line 1," },
  { "number_of_17_digits", padded ({ "0x10000000000000000 0x0 0x0" }), "line 1," },
  { "backwards", padded ({ "0x0 0x0 0x0", "0xc6ffffff 0xc6000000 0x40200" }),
    "line 2, \"0xc6ffffff 0xc6000000 0x40200\": ends before it starts" },
  { "ends_at_zero", padded ({ "0x1 0x0 0x40200" }), "line 1, \"0x1 0x0 0x40200\": ends before" },
  { "no_power_of_two", padded ({ "0x0 0x2ffffff 0x40200" }),
    "line 1, \"0x0 0x2ffffff 0x40200\": its size is no power of two" },
  { "all_of_memory", padded ({ "0x0 0xffffffffffffffff 0x14220c" }),
    "line 1, \"0x0 0xffffffffffffffff 0x14220c\": its size is no power of two" },
  { "all_of_memory_but_one_byte", padded ({ "0x1 0xffffffffffffffff 0x14220c" }), "line 1," },
  { "no_type", padded ({ "0x1000 0x1fff 0x0" }),
    "line 1, \"0x1000 0x1fff 0x0\": neither I/O ports nor memory" },
  { "interrupt", padded ({ "0x1000 0x1fff 0x400" }), "line 1," },
  { "ports_and_memory", padded ({ "0x1000 0x1fff 0x300" }), "line 1," },
  { "upper_half_in_use",
    padded ({ "0x100000000 0x1ffffffff 0x14220c", "0xc6000000 0xc6ffffff 0x40200" }),
    "line 2, \"0xc6000000 0xc6ffffff 0x40200\": not empty" },
  { "last_bar_of_64_bits",
    std::string (EMPTY) + EMPTY + EMPTY + EMPTY + EMPTY + "0x100000000 0x1ffffffff 0x14220c\n",
    "line 6, \"0x100000000 0x1ffffffff 0x14220c\": a 64-bit BAR has no line left" },
};

class PciResourceBad : public testing::TestWithParam<Bad>
{
};

TEST_P (PciResourceBad, IsRefusedByLine)
{
  const Bad &row = GetParam ();
  const Result result (row.text);

  ASSERT_FALSE (result.ok);
  EXPECT_EQ (result.message.rfind (row.message, 0), 0u) << result.message;
  EXPECT_EQ (result.n_bars, 99u) << "touched on failure";
  EXPECT_EQ (result.bars[0].size, 0u) << "touched on failure";
}

INSTANTIATE_TEST_SUITE_P (Table, PciResourceBad, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (PciResource, LinesAfterTheSixBarsAreNotLookedAt)
{
  const Result result (padded ({}) + "0xb5000000 0xb507ffff 0x46200\nrubbish\n");

  EXPECT_TRUE (result.ok) << result.message;
  EXPECT_EQ (result.n_bars, 0u);
}

TEST (PciResource, NoTextReachesTheMessageRaw)
{
  const Result result ("\x1b[2J" + std::string (10000, 'x'));

  ASSERT_FALSE (result.ok);
  EXPECT_EQ (result.message.find ('\x1b'), std::string::npos);
  EXPECT_LT (result.message.size (), 200u);
}

struct Large
{
  const char *name;
  VpBarKind kind;
  guint64 size;
  guint64 threshold;
  bool is_large;
};

const Large large[] = {
  { "at_the_threshold", VP_BAR_MEM64, 4 * GiB, 4 * GiB, true },
  { "kata_16_gib", VP_BAR_MEM64, 16 * GiB, 4 * GiB, true },
  { "below", VP_BAR_MEM64, 2 * GiB, 4 * GiB, false },
  { "kata_16_mib", VP_BAR_MEM32, 16 * MiB, 4 * GiB, false },
  { "of_32_bits", VP_BAR_MEM32, 2 * GiB, 1 * GiB, false },
  { "ports", VP_BAR_IO, 256, 1, false },
  { "lower_threshold", VP_BAR_MEM64, 256 * MiB, 256 * MiB, true },
  { "largest", VP_BAR_MEM64, UINT64_C (1) << 63, UINT64_MAX, false },
};

class BarIsLarge : public testing::TestWithParam<Large>
{
};

TEST_P (BarIsLarge, CountsOnly64BitMemory)
{
  const Large &row = GetParam ();
  const VpBar bar = { 0, row.kind, TRUE, 0, row.size };

  EXPECT_EQ (vp_bar_is_large (&bar, row.threshold), row.is_large);
}

INSTANTIATE_TEST_SUITE_P (Table, BarIsLarge, testing::ValuesIn (large), name_of_row<Large>);

TEST (BarKind, HasAName)
{
  EXPECT_STREQ (vp_bar_kind_to_string (VP_BAR_IO), "io");
  EXPECT_STREQ (vp_bar_kind_to_string (VP_BAR_MEM32), "mem32");
  EXPECT_STREQ (vp_bar_kind_to_string (VP_BAR_MEM64), "mem64");
}

} // namespace
