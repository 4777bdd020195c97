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
  guint64 rom_size = 99;
  std::string message;

  explicit Result (const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    ok = vp_pci_resource_parse (text.c_str (), bars, &n_bars, &rom_size, &error);
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
      EXPECT_EQ (result.bars[i].max_size, wanted[i].size) << i;
    }
  EXPECT_EQ (result.rom_size, 512u << 10);
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
  { "largest", { "0x0 0xfffffffffffffff 0x14220c" }, 1, 0, VP_BAR_MAX_SIZE },
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
  { "half_of_all_memory", padded ({ "0x0 0x7fffffffffffffff 0x14220c" }),
    "line 1, \"0x0 0x7fffffffffffffff 0x14220c\": its size is no power of two up to 2^60" },
  { "larger_than_the_largest", padded ({ "0x0 0x1fffffffffffffff 0x14220c" }), "line 1," },
  { "rom_of_words", padded ({}) + "rubbish\n", "line 7, \"rubbish\": not \"0xSTART" },
  { "rom_cut", padded ({}) + "0xb5000000 0xb507", "line 7, \"0xb5000000 0xb507\": not" },
  { "rom_line_empty", padded ({}) + "\n" + EMPTY, "line 7, \"\": not" },
  { "rom_backwards", padded ({}) + "0xb507ffff 0xb5000000 0x46200\n",
    "line 7, \"0xb507ffff 0xb5000000 0x46200\": ends before it starts" },
  { "rom_no_power_of_two", padded ({}) + "0xb5000000 0xb5077fff 0x46200\n",
    "line 7, \"0xb5000000 0xb5077fff 0x46200\": its size is no power of two" },
  { "rom_of_all_memory", padded ({}) + "0x0 0xffffffffffffffff 0x46200\n", "line 7," },
  { "rom_in_ports", padded ({}) + "0x1000 0x1fff 0x40101\n",
    "line 7, \"0x1000 0x1fff 0x40101\": an expansion ROM is memory" },
  { "rom_without_type", padded ({}) + "0x1000 0x1fff 0x0\n", "line 7," },
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
  EXPECT_EQ (result.rom_size, 99u) << "touched on failure";
  EXPECT_EQ (result.bars[0].size, 0u) << "touched on failure";
}

INSTANTIATE_TEST_SUITE_P (Table, PciResourceBad, testing::ValuesIn (bad), name_of_row<Bad>);

struct Rom
{
  const char *name;
  const char *text; /* behind the six BARs */
  guint64 size;
};

const Rom roms[] = {
  { "six_lines", "", 0 },
  { "empty", "0x0 0x0 0x0\n", 0 },
  { "half_a_mebibyte", "0xb5000000 0xb507ffff 0x46200\n", 512 << 10 },
  { "last_line_without_its_end", "0xb5000000 0xb507ffff 0x46200", 512 << 10 },
  { "enabled", "0xb5000000 0xb5000fff 0x46201\n", 4096 },
  { "unassigned", "0x0 0x7fff 0x20046200\n", 32 << 10 },
  { "shadow", "0xc0000 0xdffff 0x212\n", 0 },
  { "shadow_elsewhere", "0xf0400000 0xf043ffff 0x212\n", 0 },
  { "shadow_of_an_odd_size", "0xc0000 0xdfffe 0x212\n", 0 },
  { "there_but_not_shadow", "0xc0000 0xdffff 0x210\n", 128 << 10 },
  { "what_follows_is_not_looked_at", "0xb5000000 0xb507ffff 0x46200\nrubbish\n", 512 << 10 },
};

class PciResourceRom : public testing::TestWithParam<Rom>
{
};

TEST_P (PciResourceRom, IsTheSeventhLine)
{
  const Result result (padded ({ "0xc6000000 0xc6ffffff 0x40200" }) + GetParam ().text);

  ASSERT_TRUE (result.ok) << result.message;
  EXPECT_EQ (result.rom_size, GetParam ().size);
  EXPECT_EQ (result.n_bars, 1u) << "a ROM is no BAR";
}

INSTANTIATE_TEST_SUITE_P (Table, PciResourceRom, testing::ValuesIn (roms), name_of_row<Rom>);

struct Sizes
{
  const char *name;
  VpBarKind kind;
  guint64 size;
  const char *text;
  guint64 largest;
};

const Sizes sizes[] = {
  { "kernel_example", VP_BAR_MEM64, 64 * MiB, "00000000000001c0", 256 * MiB },
  { "one_mebibyte", VP_BAR_MEM64, 1 * MiB, "0000000000000001", 1 * MiB },
  { "upper_case", VP_BAR_MEM64, 64 * MiB, "000000000000FFC0", 32 * GiB },
  { "largest_now", VP_BAR_MEM64, 256 * MiB, "00000000000001c0", 256 * MiB },
  { "larger_now_than_offered", VP_BAR_MEM64, 16 * GiB, "00000000000001c0", 16 * GiB },
  { "smaller_than_a_mebibyte", VP_BAR_MEM64, 4096, "0000000000000001", 1 * MiB },
  { "none", VP_BAR_MEM64, 64 * MiB, "0000000000000000", 64 * MiB },
  { "largest_bar", VP_BAR_MEM64, 64 * MiB, "0000010000000000", VP_BAR_MAX_SIZE },
  { "beyond_the_largest_bar", VP_BAR_MEM64, 64 * MiB, "fffffe0000000000", 64 * MiB },
  { "all_bits", VP_BAR_MEM64, 64 * MiB, "ffffffffffffffff", VP_BAR_MAX_SIZE },
  { "all_bits_of_32", VP_BAR_MEM32, 64 * MiB, "ffffffffffffffff", 2 * GiB },
  { "ports", VP_BAR_IO, 32, "00000000000001c0", 32 },
  { "empty", VP_BAR_MEM64, 64 * MiB, "", 64 * MiB },
  { "cut", VP_BAR_MEM64, 64 * MiB, "00000000000001c", 64 * MiB },
  { "longer", VP_BAR_MEM64, 64 * MiB, "00000000000001c00", 64 * MiB },
  { "prefix", VP_BAR_MEM64, 64 * MiB, "0x000000000001c0", 64 * MiB },
  { "sign", VP_BAR_MEM64, 64 * MiB, "-0000000000001c0", 64 * MiB },
  { "blank", VP_BAR_MEM64, 64 * MiB, " 0000000000001c0", 64 * MiB },
  { "word", VP_BAR_MEM64, 64 * MiB, "sixteen letters!", 64 * MiB },
};

void
PrintTo (const Sizes &row, std::ostream *out)
{
  *out << row.name;
}

class BarSizes : public testing::TestWithParam<Sizes>
{
};

TEST_P (BarSizes, OnlyALargerOneCounts)
{
  const Sizes &row = GetParam ();
  const VpBar bar = { 0, row.kind, TRUE, 0, row.size, row.size };

  EXPECT_EQ (vp_bar_largest_size (&bar, row.text), row.largest);
}

INSTANTIATE_TEST_SUITE_P (Table, BarSizes, testing::ValuesIn (sizes), name_of_row<Sizes>);

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
