#include "launcher/boottest/report-text.h"

#include "tests/support/boot-documents.h"
#include "tests/support/golden.h"

#include <gtest/gtest.h>

namespace
{

std::string
text_of (const BootDocuments &documents, gboolean has_colour)
{
  std::string text;

  for (guint i = 0; i < documents.get ()->len; i++)
    {
      g_autofree char *lines = vp_report_text_case (documents.at (i), has_colour);
      text += lines;
    }
  g_autofree char *summary = vp_report_text_summary (documents.get (), has_colour);
  return text + summary;
}

TEST (ReportText, SaysWhatIsKnown)
{
  BootDocuments documents;
  documents.add_all ();

  expect_golden ("boot-report/text", text_of (documents, FALSE));
}

TEST (ReportText, ColoursAddNothingElse)
{
  BootDocuments documents;
  documents.add_all ();
  g_autoptr (GRegex) colour =
      g_regex_new ("\033\\[[0-9]*m", (GRegexCompileFlags) 0, (GRegexMatchFlags) 0, nullptr);
  const std::string text = text_of (documents, TRUE);
  g_autofree char *plain =
      g_regex_replace_literal (colour, text.c_str (), -1, 0, "", (GRegexMatchFlags) 0, nullptr);

  EXPECT_NE (text, plain);
  EXPECT_EQ (text_of (documents, FALSE), plain);
}

TEST (ReportText, NoTextOfAGuestReachesTheTerminalAsItIs)
{
  BootDocuments documents;
  documents.add_hostile ();
  const std::string text = text_of (documents, FALSE);

  EXPECT_TRUE (g_utf8_validate (text.c_str (), -1, nullptr));
  for (char c : text)
    EXPECT_TRUE (c == '\n' || (static_cast<unsigned char> (c) >= 0x20 && c != 0x7f)) << int (c);
  EXPECT_EQ (text.find ("\u202e"), std::string::npos);
}

TEST (ReportText, SummaryOfOneAndOfNone)
{
  BootDocuments none, one;
  one.add (R"({"verdict":"pass"})");
  g_autofree char *of_none = vp_report_text_summary (none.get (), FALSE);
  g_autofree char *of_one = vp_report_text_summary (one.get (), FALSE);

  EXPECT_STREQ (of_none, "0 cases\n");
  EXPECT_STREQ (of_one, "1 case, 1 pass\n");
}

} // namespace
