#include "launcher/boottest/report-tap.h"

#include "tests/support/boot-documents.h"
#include "tests/support/golden.h"
#include "tests/support/program-run.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>

namespace
{

std::string
tap_of (const BootDocuments &documents)
{
  g_autofree char *head = vp_report_tap_head (documents.get ()->len);
  std::string text = head;

  for (guint i = 0; i < documents.get ()->len; i++)
    {
      g_autofree char *lines = vp_report_tap_case (i + 1, documents.at (i));
      text += lines;
    }
  return text;
}

/* As prove sees it when a test prints it. */
ProgramRun
prove (const std::string &tap)
{
  TempFolder folder;
  const std::string file = folder.write ("tap", tap);

  return ProgramRun ({ "prove", "--norc", "--exec", "cat", file });
}

TEST (ReportTap, SaysWhatIsKnown)
{
  BootDocuments documents;
  documents.add_all ();

  expect_golden ("boot-report/tap", tap_of (documents));
}

TEST (ReportTap, ProveSeesWhichFailed)
{
  BootDocuments documents;
  documents.add_all ();
  const ProgramRun run = prove (tap_of (documents));

  EXPECT_FALSE (run.ok);
  EXPECT_NE (run.out.find ("Tests: 6 Failed: 3)"), std::string::npos) << run.out << run.err;
  EXPECT_NE (run.out.find ("Failed tests:  2-4"), std::string::npos) << run.out;
  EXPECT_EQ (run.out.find ("Parse errors"), std::string::npos) << run.out;
}

TEST (ReportTap, ProveSeesThatAllPassed)
{
  BootDocuments documents;
  documents.add (R"({"name":"a","verdict":"pass","seconds":1})");
  documents.add (R"({"name":"b","verdict":"skip","reason":"no-kvm"})");
  const ProgramRun run = prove (tap_of (documents));

  EXPECT_TRUE (run.ok) << run.out << run.err;
  EXPECT_NE (run.out.find ("Result: PASS"), std::string::npos) << run.out;
}

/* A name cannot make a failure one that is expected, nor a line of a console end the block. */
TEST (ReportTap, NoTextOfAGuestMeansAnything)
{
  BootDocuments documents;
  documents.add_hostile ();
  const std::string n = std::to_string (documents.get ()->len);
  const std::string tap = tap_of (documents);
  const ProgramRun run = prove (tap);

  EXPECT_FALSE (run.ok);
  EXPECT_NE (run.out.find ("Tests: " + n + " Failed: " + n + ")"), std::string::npos)
      << run.out << run.err;
  EXPECT_EQ (run.out.find ("Parse errors"), std::string::npos) << run.out << tap;
  EXPECT_EQ (run.out.find ("TODO passed"), std::string::npos) << run.out;
}

} // namespace
