#include "launcher/boottest/artifacts.h"
#include "launcher/error.h"

#include "tests/support/temp-folder.h"

#include <csignal>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>

namespace
{

std::string
content_of (const std::string &path)
{
  std::ifstream file (path, std::ios::binary);
  return { std::istreambuf_iterator<char> (file), {} };
}

JsonObject *
document (const char *verdict)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "verdict", verdict);
  return object;
}

VpArtifacts *
open_in (const TempFolder &folder, const char *name, GError **error = nullptr)
{
  g_autoptr (JsonObject) unfinished = document ("infra");

  return vp_artifacts_open (folder.path (name).c_str (), unfinished, error);
}

void
add_console (VpArtifacts *artifacts, const std::string &text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text.data (), text.size ());

  vp_artifacts_add_console (artifacts, bytes);
}

TEST (Artifacts, AreThereFromTheStart)
{
  TempFolder folder;
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a/b/c");

  ASSERT_NE (artifacts, nullptr);
  EXPECT_NE (content_of (folder.path ("a/b/c/verdict.json")).find ("infra"), std::string::npos);
  EXPECT_EQ (vp_artifacts_get_fault (artifacts), nullptr);
}

TEST (Artifacts, KeepTheConsoleAsItIs)
{
  TempFolder folder;
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");

  add_console (artifacts, "one\r\n");
  add_console (artifacts, std::string ("\xff\0\x1b[0m", 6));
  EXPECT_EQ (content_of (folder.path ("a/console.log")), std::string ("one\r\n\xff\0\x1b[0m", 11));
}

TEST (Artifacts, KeepEventsAsLines)
{
  TempFolder folder;
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");
  g_autoptr (JsonObject) event = document ("x");

  vp_artifacts_add_qmp (artifacts, event);
  vp_artifacts_add_qmp (artifacts, event);
  EXPECT_EQ (content_of (folder.path ("a/qmp.jsonl")),
             "{\"verdict\":\"x\"}\n{\"verdict\":\"x\"}\n");
}

TEST (Artifacts, ReplaceTheVerdict)
{
  TempFolder folder;
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");
  g_autoptr (JsonObject) pass = document ("pass");

  EXPECT_TRUE (vp_artifacts_write_verdict (folder.path ("a").c_str (), pass, nullptr));
  EXPECT_EQ (content_of (folder.path ("a/verdict.json")), "{\n  \"verdict\" : \"pass\"\n}\n");
}

TEST (Artifacts, LeaveNothingOfAnEarlierTest)
{
  TempFolder folder;
  folder.make_folder ("a");
  for (const char *name : { "console.log", "qmp.jsonl", "qemu.log", "screenshot.png", "memory.dump",
                            "verdict.json", "mine.txt" })
    folder.write (std::string ("a/") + name, "old");
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");

  ASSERT_NE (artifacts, nullptr);
  EXPECT_EQ (content_of (folder.path ("a/console.log")), "");
  EXPECT_FALSE (std::filesystem::exists (folder.path ("a/screenshot.png")));
  EXPECT_FALSE (std::filesystem::exists (folder.path ("a/memory.dump")));
  EXPECT_FALSE (std::filesystem::exists (folder.path ("a/qemu.log")));
  EXPECT_EQ (content_of (folder.path ("a/mine.txt")), "old");
  EXPECT_EQ (vp_artifacts_get_fault (artifacts), nullptr);
}

TEST (Artifacts, CopyWhatIsThere)
{
  TempFolder folder;
  const std::string log = folder.write ("log", "words");
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");

  vp_artifacts_copy (artifacts, "qemu.log", log.c_str ());
  vp_artifacts_copy (artifacts, "screenshot.png", folder.path ("nothing").c_str ());
  EXPECT_EQ (content_of (folder.path ("a/qemu.log")), "words");
  EXPECT_EQ (vp_artifacts_get_fault (artifacts), nullptr);
}

/* A limit on the size of files is what a full disk is, without one. */
TEST (Artifacts, TellOfADiskThatIsFull)
{
  TempFolder folder;
  g_autoptr (VpArtifacts) artifacts = open_in (folder, "a");
  struct rlimit before, small;

  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 10;
  setrlimit (RLIMIT_FSIZE, &small);
  add_console (artifacts, "0123456789 and more");
  add_console (artifacts, "still more");
  setrlimit (RLIMIT_FSIZE, &before);

  EXPECT_STREQ (vp_artifacts_get_fault (artifacts), "console.log: File too large");
  EXPECT_EQ (content_of (folder.path ("a/console.log")), "0123456789");
}

TEST (Artifacts, NeedAFolder)
{
  TempFolder folder;
  g_autoptr (GError) error = nullptr;

  folder.write ("a", "a file");
  EXPECT_EQ (open_in (folder, "a/b", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
}

} // namespace
