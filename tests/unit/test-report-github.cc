#include "launcher/boottest/report-github.h"

#include "launcher/error.h"

#include "tests/support/boot-documents.h"
#include "tests/support/golden.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>
#include <sstream>

namespace
{

std::string
commands_of (const BootDocuments &documents)
{
  g_autofree char *text = vp_report_github_commands (documents.get ());

  return text;
}

std::string
summary_of (const BootDocuments &documents, const char *title = "boot.toml")
{
  g_autofree char *text = vp_report_github_summary (title, documents.get ());

  return text;
}

TEST (ReportGithub, SaysWhatIsKnown)
{
  BootDocuments documents;
  documents.add_all ();

  expect_golden ("boot-report/github-commands", commands_of (documents));
  expect_golden ("boot-report/github-summary.md", summary_of (documents));
}

TEST (ReportGithub, CommandsAreEscaped)
{
  BootDocuments documents;
  documents.add (R"({"name":"a:b,c%d","verdict":"fail","reason":"50 %, ::warning::: x",
                     "evidence":{"command":"vmplug boot --name 'a:b'"}})");

  EXPECT_EQ (commands_of (documents), "::error title=a%3Ab%2Cc%25d%3A fail::50 %25, ::warning::: x"
                                      "%0Avmplug boot --name 'a:b'\n");
}

TEST (ReportGithub, NoTextOfAGuestIsACommand)
{
  BootDocuments documents;
  documents.add_hostile ();
  std::istringstream lines (commands_of (documents));
  std::string line;
  guint n_lines = 0;

  while (std::getline (lines, line))
    {
      EXPECT_EQ (line.rfind ("::error title=", 0), 0u) << line;
      EXPECT_EQ (line.find ('\r'), std::string::npos) << line;
      n_lines++;
    }
  EXPECT_EQ (n_lines, documents.get ()->len);
}

TEST (ReportGithub, NoTextOfAGuestIsMarkdown)
{
  BootDocuments documents;
  documents.add_hostile ();
  std::istringstream lines (summary_of (documents, "<b>a</b> | `c`"));
  std::string line;
  guint n_rows = 0;

  while (std::getline (lines, line))
    {
      if (line.rfind ("| <code>", 0) == 0)
        {
          EXPECT_EQ (std::count (line.begin (), line.end (), '|'), 6) << line;
          n_rows++;
        }
      for (const char *bad : { "<b>", "`", "@user", "](y)", "</pre>x", "</system-out>", "\x1b" })
        {
          EXPECT_EQ (line.find (bad), std::string::npos) << line;
        }
    }
  EXPECT_EQ (n_rows, documents.get ()->len);
}

TEST (ReportGithub, SummaryIsWithinWhatGithubTakes)
{
  BootDocuments documents;
  const std::string pattern (160, '|');
  std::string text = R"({"name":"a","verdict":"fail","milestones":[)";
  for (int i = 0; i < 64; i++)
    text += (i > 0 ? "," : "") + (R"({"seconds":1,"pattern":")" + pattern + R"("})");
  text += R"(],"evidence":{"console_tail":[)";
  for (int i = 0; i < 40; i++)
    text += std::string (i > 0 ? "," : "") + "\"" + std::string (8192, '|') + "\"";
  text += "]}}";
  for (int i = 0; i < 100; i++)
    documents.add (text);
  const std::string summary = summary_of (documents);

  EXPECT_LT (summary.size (), 1000u * 1024);
  EXPECT_GT (summary.size (), 500u * 1024);
  EXPECT_NE (summary.find ("more cases are left out."), std::string::npos);
}

class ReportGithubPublish : public testing::Test
{
protected:
  void
  TearDown () override
  {
    g_unsetenv ("GITHUB_ACTIONS");
    g_unsetenv ("GITHUB_STEP_SUMMARY");
    g_clear_error (&error_);
  }

  std::string
  publish ()
  {
    testing::internal::CaptureStderr ();
    ok_ = vp_report_github_publish ("boot.toml", documents_.get (), &error_);
    return testing::internal::GetCapturedStderr ();
  }

  TempFolder folder_;
  BootDocuments documents_;
  bool ok_ = false;
  GError *error_ = nullptr;
};

TEST_F (ReportGithubPublish, AppendsToTheSummary)
{
  const std::string path = folder_.write ("summary.md", "before\n");
  documents_.add_all ();
  g_setenv ("GITHUB_ACTIONS", "true", TRUE);
  g_setenv ("GITHUB_STEP_SUMMARY", path.c_str (), TRUE);

  EXPECT_EQ (publish (), commands_of (documents_));
  EXPECT_TRUE (ok_);
  g_autofree char *content = nullptr;
  ASSERT_TRUE (g_file_get_contents (path.c_str (), &content, nullptr, nullptr));
  EXPECT_EQ (content, "before\n" + summary_of (documents_));
}

TEST_F (ReportGithubPublish, DoesNothingElsewhere)
{
  const std::string path = folder_.path ("summary.md");
  documents_.add_all ();
  g_unsetenv ("GITHUB_ACTIONS");
  g_setenv ("GITHUB_STEP_SUMMARY", path.c_str (), TRUE);

  EXPECT_EQ (publish (), "");
  EXPECT_TRUE (ok_);
  EXPECT_FALSE (g_file_test (path.c_str (), G_FILE_TEST_EXISTS));
}

TEST_F (ReportGithubPublish, SaysWhichFileItCannotWrite)
{
  documents_.add_all ();
  g_setenv ("GITHUB_ACTIONS", "true", TRUE);
  for (const std::string &path : { folder_.path ("none/summary.md"), std::string ("/dev/full") })
    {
      g_clear_error (&error_);
      g_setenv ("GITHUB_STEP_SUMMARY", path.c_str (), TRUE);
      publish ();
      EXPECT_FALSE (ok_) << path;
      ASSERT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_HOST));
      EXPECT_NE (std::string (error_->message).find (path), std::string::npos) << error_->message;
    }
}

} // namespace
