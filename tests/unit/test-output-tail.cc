#include "launcher/vm/output-tail.h"

#include "tests/support/row-name.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
last_line (const std::string &text, gsize capacity = 64, gsize chunk = 1000)
{
  g_autoptr (VpOutputTail) tail = vp_output_tail_new (capacity);

  for (size_t at = 0; at < text.size (); at += chunk)
    vp_output_tail_push (tail, text.data () + at, std::min<size_t> (chunk, text.size () - at));
  g_autofree char *line = vp_output_tail_last_line (tail);
  return line != nullptr ? line : "(none)";
}

TEST (OutputTail, IsTheLastLineThatSaysSomething)
{
  EXPECT_EQ (last_line ("first\nsecond\n"), "second");
  EXPECT_EQ (last_line ("first\nno newline"), "no newline");
  EXPECT_EQ (last_line ("said\n\n  \r\n"), "said");
}

TEST (OutputTail, SilenceIsNoLine)
{
  EXPECT_EQ (last_line (""), "(none)");
  EXPECT_EQ (last_line ("\n \n\r\n"), "(none)");
}

TEST (OutputTail, WhatCannotBePrintedIsMadeVisibleOrBlank)
{
  EXPECT_EQ (last_line ("a\x1b[31mred\a\n"), "a [31mred");
  EXPECT_EQ (last_line (std::string ("nul\0inside\n", 11)), "nul inside");
  EXPECT_EQ (last_line ("bad \xff utf-8\n"), "bad \xef\xbf\xbd utf-8");
}

TEST (OutputTail, KeepsTheEndHoweverMuchComes)
{
  std::string flood;
  for (int i = 0; i < 100000; i++)
    flood += "line " + std::to_string (i) + "\n";

  EXPECT_EQ (last_line (flood, 64, 1), "line 99999");
  EXPECT_EQ (last_line (flood, 64, 7), "line 99999");
  EXPECT_EQ (last_line (flood, 64, flood.size ()), "line 99999");
}

struct ReportRow
{
  const char *name;
  const char *text;
  const char *report;
};

class LastReport : public testing::TestWithParam<ReportRow>
{
};

TEST_P (LastReport, HasItsHints)
{
  g_autoptr (VpOutputTail) tail = vp_output_tail_new (1000);

  vp_output_tail_push (tail, GetParam ().text, strlen (GetParam ().text));
  g_autofree char *report = vp_output_tail_last_report (tail, "qemu: ");
  EXPECT_STREQ (report, GetParam ().report);
}

const ReportRow report_rows[] = {
  { "nothing", "\n", nullptr },
  { "no_report", "one\ntwo\n", "two" },
  { "report", "qemu: one\nqemu: two\n", "qemu: two" },
  { "hint", "qemu: -blockdev: no \"write\" lock\nIs another process using it?\n",
    "qemu: -blockdev: no \"write\" lock; Is another process using it?" },
  { "three_hints", "qemu: it\na\n\nb\nc\n", "qemu: it; a; b; c" },
  { "report_far_back", "qemu: it\na\nb\nc\nd\n", "d" },
  { "report_after_noise", "noise\nqemu: it\n", "qemu: it" },
};

INSTANTIATE_TEST_SUITE_P (Table,
                          LastReport,
                          testing::ValuesIn (report_rows),
                          name_of_row<ReportRow>);

TEST (OutputTail, ALineLongerThanTheTailIsItsEnd)
{
  EXPECT_EQ (last_line (std::string (1000, 'a') + "end", 8), "aaaaaend");
}

} // namespace
