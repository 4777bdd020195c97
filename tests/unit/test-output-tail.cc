#include "launcher/vm/output-tail.h"

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

TEST (OutputTail, ALineLongerThanTheTailIsItsEnd)
{
  EXPECT_EQ (last_line (std::string (1000, 'a') + "end", 8), "aaaaaend");
}

} // namespace
