#include "devices/error.h"
#include "devices/window.h"

#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

struct Row
{
  const char *name;
  VpWindow before;
  std::vector<FakeBar> bars;
  bool fits;
  VpWindow after;
};

const Row rows[] = {
  { "no_bars", {}, {}, true, {} },
  { "io_goes_to_4_kib", {}, { { 0, FakeBar::IO, 32 } }, true, { 4 * KiB, 0, 0 } },
  { "two_small_io_bars_share_4_kib",
    {},
    { { 0, FakeBar::IO, 256 }, { 1, FakeBar::IO, 8 } },
    true,
    { 4 * KiB, 0, 0 } },
  { "io_over_4_kib", {}, { { 0, FakeBar::IO, 8 * KiB } }, true, { 8 * KiB, 0, 0 } },
  { "mem32", {}, { { 0, FakeBar::MEM32, 16 * MiB } }, true, { 0, 16 * MiB, 0 } },
  { "mem32_goes_to_1_mib", {}, { { 0, FakeBar::MEM32, 4 * KiB } }, true, { 0, 1 * MiB, 0 } },
  { "prefetchable_32_bit_is_below_4_gib",
    {},
    { { 0, FakeBar::MEM32_PREF, 16 * MiB } },
    true,
    { 0, 16 * MiB, 0 } },
  { "mem64_not_prefetchable_is_below_4_gib",
    {},
    { { 0, FakeBar::MEM64, 16 * MiB } },
    true,
    { 0, 16 * MiB, 0 } },
  { "mem64_prefetchable", {}, { { 0, FakeBar::MEM64_PREF, 16 * GiB } }, true, { 0, 0, 16 * GiB } },
  { "gpu",
    {},
    { { 0, FakeBar::MEM32, 16 * MiB },
      { 1, FakeBar::MEM64_PREF, 16 * GiB },
      { 3, FakeBar::MEM64_PREF, 32 * MiB },
      { 5, FakeBar::IO, 128 } },
    true,
    { 4 * KiB, 16 * MiB, 16 * GiB + 32 * MiB } },
  { "adds_to_what_is_there",
    { 4 * KiB, 1 * MiB, 2 * MiB },
    { { 0, FakeBar::IO, 4 * KiB },
      { 1, FakeBar::MEM32, 1 * MiB },
      { 2, FakeBar::MEM64_PREF, 2 * MiB } },
    true,
    { 8 * KiB, 2 * MiB, 4 * MiB } },
  { "largest_mem",
    { 0, 2 * GiB, 0 },
    { { 0, FakeBar::MEM32, 1 * GiB }, { 1, FakeBar::MEM32, 512 * MiB } },
    true,
    { 0, 3 * GiB + 512 * MiB, 0 } },
  { "mem_of_4_gib", { 0, 2 * GiB, 0 }, { { 0, FakeBar::MEM32, 2 * GiB } }, false, {} },
  { "mem_that_rounds_to_4_gib",
    { 0, 4 * GiB - 1 * MiB, 0 },
    { { 0, FakeBar::MEM32, 4 * KiB } },
    false,
    {} },
  { "mem64_not_prefetchable_of_8_gib", {}, { { 0, FakeBar::MEM64, 8 * GiB } }, false, {} },
  { "mem_wraps",
    {},
    { { 0, FakeBar::MEM64, UINT64_C (1) << 63 }, { 2, FakeBar::MEM64, UINT64_C (1) << 63 } },
    false,
    {} },
  { "pref64_largest_bar",
    {},
    { { 0, FakeBar::MEM64_PREF, UINT64_C (1) << 63 } },
    true,
    { 0, 0, UINT64_C (1) << 63 } },
  { "pref64_wraps",
    {},
    { { 0, FakeBar::MEM64_PREF, UINT64_C (1) << 63 },
      { 2, FakeBar::MEM64_PREF, UINT64_C (1) << 63 } },
    false,
    {} },
  { "pref64_largest_window",
    { 0, 0, UINT64_MAX - 2 * MiB + 1 },
    { { 0, FakeBar::MEM64_PREF, 1 * MiB } },
    true,
    { 0, 0, UINT64_MAX - 1 * MiB + 1 } },
  { "pref64_cannot_be_rounded",
    { 0, 0, UINT64_MAX - 1 * MiB + 1 },
    { { 0, FakeBar::MEM64_PREF, 4 * KiB } },
    false,
    {} },
  { "io_saturates",
    {},
    { { 0, FakeBar::IO, UINT64_C (1) << 63 }, { 1, FakeBar::IO, UINT64_C (1) << 63 } },
    true,
    { UINT64_MAX - 4 * KiB + 1, 0, 0 } },
};

class WindowAddBars : public testing::TestWithParam<Row>
{
};

TEST_P (WindowAddBars, SumsUpOrLeavesTheWindowAlone)
{
  const Row &row = GetParam ();
  const VpPciFunction function = fake_function ("00:00.0", row.bars);
  g_autoptr (GError) error = nullptr;
  VpWindow window = row.before;

  ASSERT_EQ (vp_window_add_bars (&window, function.bars, function.n_bars, &error), row.fits);
  const VpWindow &wanted = row.fits ? row.after : row.before;
  EXPECT_EQ (window.io, wanted.io);
  EXPECT_EQ (window.mem, wanted.mem);
  EXPECT_EQ (window.pref64, wanted.pref64);
  if (!row.fits)
    {
      EXPECT_EQ (window.mem_alignment, 0U);
      EXPECT_EQ (window.pref64_alignment, 0U);
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT));
    }
}

INSTANTIATE_TEST_SUITE_P (Table, WindowAddBars, testing::ValuesIn (rows), name_of_row<Row>);

struct AlignmentRow
{
  const char *name;
  VpWindow before;
  std::vector<FakeBar> bars;
  guint64 mem;
  guint64 pref64;
};

const AlignmentRow alignments[] = {
  { "no_bars", {}, {}, 0, 0 },
  { "io_has_none", {}, { { 0, FakeBar::IO, 8 * KiB } }, 0, 0 },
  { "largest_of_each",
    {},
    { { 0, FakeBar::MEM32, 16 * MiB },
      { 1, FakeBar::MEM64_PREF, 16 * GiB },
      { 3, FakeBar::MEM64_PREF, 32 * MiB },
      { 5, FakeBar::MEM32_PREF, 1 * MiB } },
    16 * MiB,
    16 * GiB },
  { "less_than_a_window_is_kept", {}, { { 0, FakeBar::MEM32, 4 * KiB } }, 4 * KiB, 0 },
  { "larger_one_before_stays",
    { 0, 64 * MiB, 8 * GiB, 64 * MiB, 8 * GiB },
    { { 0, FakeBar::MEM32, 1 * MiB }, { 1, FakeBar::MEM64_PREF, 1 * GiB } },
    64 * MiB,
    8 * GiB },
  { "larger_one_after_counts",
    { 0, 1 * MiB, 1 * GiB, 1 * MiB, 1 * GiB },
    { { 0, FakeBar::MEM64, 64 * MiB }, { 2, FakeBar::MEM64_PREF, 8 * GiB } },
    64 * MiB,
    8 * GiB },
};

class WindowAlignment : public testing::TestWithParam<AlignmentRow>
{
};

TEST_P (WindowAlignment, IsTheLargestBar)
{
  const AlignmentRow &row = GetParam ();
  const VpPciFunction function = fake_function ("00:00.0", row.bars);
  VpWindow window = row.before;

  ASSERT_TRUE (vp_window_add_bars (&window, function.bars, function.n_bars, nullptr));
  EXPECT_EQ (window.mem_alignment, row.mem);
  EXPECT_EQ (window.pref64_alignment, row.pref64);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          WindowAlignment,
                          testing::ValuesIn (alignments),
                          name_of_row<AlignmentRow>);

TEST (Window, RefusalNamesTheSize)
{
  const VpPciFunction function = fake_function ("00:00.0", { { 0, FakeBar::MEM64, 8 * GiB } });
  g_autoptr (GError) error = nullptr;
  VpWindow window = {};

  ASSERT_FALSE (vp_window_add_bars (&window, function.bars, function.n_bars, &error));
  EXPECT_NE (std::string (error->message).find ("8 GiB"), std::string::npos) << error->message;
}

struct HoldsRow
{
  const char *name;
  VpWindow window;
  VpWindow need;
  bool holds;
};

const HoldsRow holds[] = {
  { "nothing_in_nothing", {}, {}, true },
  { "exact", { 0, 2 * MiB, 16 * GiB }, { 0, 2 * MiB, 16 * GiB }, true },
  { "smaller", { 0, 2 * MiB, 16 * GiB }, { 0, 1 * MiB, 1 * MiB }, true },
  { "mem_too_small", { 0, 2 * MiB, 16 * GiB }, { 0, 3 * MiB, 1 * MiB }, false },
  { "pref64_too_small", { 0, 2 * MiB, 2 * MiB }, { 0, 0, 3 * MiB }, false },
  { "mem_does_not_help_pref64", { 0, 64 * MiB, 2 * MiB }, { 0, 0, 3 * MiB }, false },
  { "io_can_be_missed", { 0, 2 * MiB, 2 * MiB }, { 4 * KiB, 1 * MiB, 0 }, true },
  { "aligned_as_the_bar", { 0, 0, 16 * GiB, 0, 16 * GiB }, { 0, 0, 16 * GiB, 0, 16 * GiB }, true },
  { "aligned_more_than_the_bar",
    { 0, 0, 16 * GiB, 0, 16 * GiB },
    { 0, 0, 8 * GiB, 0, 8 * GiB },
    true },
  { "not_aligned", { 0, 0, 16 * GiB, 0, MiB }, { 0, 0, 16 * GiB, 0, 16 * GiB }, false },
  { "not_aligned_and_twice", { 0, 0, 32 * GiB, 0, MiB }, { 0, 0, 16 * GiB, 0, 16 * GiB }, true },
  { "waste_leaves_just_enough",
    { 0, 0, 32 * GiB - MiB, 0, MiB },
    { 0, 0, 16 * GiB, 0, 16 * GiB },
    true },
  { "waste_leaves_a_mib_too_little",
    { 0, 0, 32 * GiB - 2 * MiB, 0, MiB },
    { 0, 0, 16 * GiB, 0, 16 * GiB },
    false },
  { "half_aligned", { 0, 0, 24 * GiB, 0, 8 * GiB }, { 0, 0, 16 * GiB, 0, 16 * GiB }, true },
  { "any_start_is_a_mib", { 0, 0, 4 * MiB - MiB }, { 0, 0, 2 * MiB, 0, 2 * MiB }, true },
  { "mem_not_aligned", { 0, 16 * MiB, 0, MiB, 0 }, { 0, 16 * MiB, 0, 16 * MiB, 0 }, false },
  { "mem_aligned", { 0, 16 * MiB, 0, 16 * MiB, 0 }, { 0, 16 * MiB, 0, 16 * MiB, 0 }, true },
  { "mem_alignment_does_not_help_pref64",
    { 0, 16 * MiB, 16 * GiB, 16 * MiB, MiB },
    { 0, 16 * MiB, 16 * GiB, 16 * MiB, 16 * GiB },
    false },
  { "larger_than_any_window",
    { 0, 0, UINT64_MAX - MiB + 1, 0, MiB },
    { 0, 0, UINT64_C (1) << 63, 0, UINT64_C (1) << 63 },
    true },
};

class WindowHolds : public testing::TestWithParam<HoldsRow>
{
};

TEST_P (WindowHolds, ComparesEachPart)
{
  EXPECT_EQ (vp_window_holds (&GetParam ().window, &GetParam ().need), GetParam ().holds);
}

INSTANTIATE_TEST_SUITE_P (Table, WindowHolds, testing::ValuesIn (holds), name_of_row<HoldsRow>);

TEST (Window, RoundsUpToAPowerOfTwo)
{
  const guint64 top = UINT64_C (1) << 63;

  EXPECT_EQ (vp_window_round_up (0), 0U);
  EXPECT_EQ (vp_window_round_up (1), 1U);
  EXPECT_EQ (vp_window_round_up (3), 4U);
  EXPECT_EQ (vp_window_round_up (16 * GiB), 16 * GiB);
  EXPECT_EQ (vp_window_round_up (16 * GiB + 1), 32 * GiB);
  EXPECT_EQ (vp_window_round_up (top - 1), top);
  EXPECT_EQ (vp_window_round_up (top), top);
  EXPECT_EQ (vp_window_round_up (top + 1), top);
  EXPECT_EQ (vp_window_round_up (UINT64_MAX), top);
}

} // namespace
