#include "launcher/boottest/report-junit.h"

#include "tests/support/boot-documents.h"
#include "tests/support/golden.h"
#include "tests/support/program-run.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>

namespace
{

std::string
junit_of (const BootDocuments &documents, const char *name = "boot.toml")
{
  const VpJunitSuite suite = { name, documents.get () };
  g_autofree char *text = vp_report_junit (&suite, 1);

  return text;
}

ProgramRun
validate (const std::string &xml)
{
  TempFolder folder;
  const std::string file = folder.write ("junit.xml", xml);

  return ProgramRun ({ "xmllint", "--nonet", "--noout", "--schema",
                       std::string (VMPLUG_GOLDEN_DIR) + "/junit.xsd", file });
}

std::string
value_of (const std::string &xml, const std::string &xpath)
{
  TempFolder folder;
  const std::string file = folder.write ("junit.xml", xml);
  const ProgramRun run ({ "xmllint", "--nonet", "--xpath", "string(" + xpath + ")", file });

  EXPECT_TRUE (run.ok) << run.err;
  return run.out.substr (0, run.out.rfind ('\n'));
}

TEST (ReportJunit, SaysWhatIsKnown)
{
  BootDocuments documents;
  documents.add_all ();
  const std::string xml = junit_of (documents);
  const ProgramRun run = validate (xml);

  expect_golden ("boot-report/junit.xml", xml);
  EXPECT_TRUE (run.ok) << run.err;
}

TEST (ReportJunit, CountsOverAllSuites)
{
  BootDocuments some, none;
  some.add_all ();
  const VpJunitSuite suites[] = { { "a", some.get () },
                                  { "b", none.get () },
                                  { "c", some.get () } };
  g_autofree char *xml = vp_report_junit (suites, G_N_ELEMENTS (suites));
  const ProgramRun run = validate (xml);

  EXPECT_TRUE (run.ok) << run.err;
  EXPECT_EQ (value_of (xml, "/testsuites/@tests"), "12");
  EXPECT_EQ (value_of (xml, "/testsuites/@failures"), "4");
  EXPECT_EQ (value_of (xml, "/testsuites/@errors"), "2");
  EXPECT_EQ (value_of (xml, "/testsuites/@skipped"), "2");
  EXPECT_EQ (value_of (xml, "/testsuites/@time"), "145.080");
  EXPECT_EQ (value_of (xml, "count(/testsuites/testsuite[2]/testcase)"), "0");
}

TEST (ReportJunit, NoTextOfAGuestMeansAnything)
{
  BootDocuments documents;
  documents.add_hostile ();
  for (guint i = 0; i < documents.get ()->len; i++)
    {
      BootDocuments one;
      one.add ("{}");
      const char *name = json_object_get_string_member (documents.at (i), "name");
      json_object_set_string_member (one.at (0), "name", name);
      const ProgramRun run = validate (junit_of (one, name));
      EXPECT_TRUE (run.ok) << i << ": " << run.err;
    }
  const std::string xml = junit_of (documents);
  const ProgramRun run = validate (xml);

  EXPECT_TRUE (run.ok) << run.err << xml;
  EXPECT_EQ (value_of (xml, "count(//testcase)"), std::to_string (documents.get ()->len));
  /* What is text stays that text. */
  EXPECT_EQ (value_of (xml, "//testcase[3]/@name"), "]]>");
  EXPECT_EQ (value_of (xml, "//testcase[4]/failure/@message"), "<b>&amp;\"'</b>");
  EXPECT_EQ (value_of (xml, "//testcase[5]/system-err"), "\\x1b[2J\\x01\\x7f");
  EXPECT_EQ (value_of (xml, "//testcase[7]/@name"), "a\\x0ab\\x0d\\x0a");
}

/* Without this a report that is refused may be one that nothing accepts. */
TEST (ReportJunit, TheSchemaRefuses)
{
  BootDocuments documents;
  documents.add_all ();
  const std::string xml = junit_of (documents);
  const std::pair<std::string, std::string> changes[] = {
    { "time=\"3.500\"", "time=\"3,500\"" },
    { "type=\"panic\"", "type=\"none\"" },
    { "<skipped", "<left-out" },
    { " tests=\"6\"", "" },
    { "classname=", "class=" },
  };

  for (const auto &[from, to] : changes)
    {
      std::string bad = xml;
      ASSERT_NE (bad.find (from), std::string::npos) << from;
      bad.replace (bad.find (from), from.size (), to);
      EXPECT_FALSE (validate (bad).ok) << from;
    }
}

} // namespace
