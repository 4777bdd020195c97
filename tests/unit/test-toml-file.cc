#include "launcher/config/toml-bounds.h"
#include "launcher/config/toml-file.h"
#include "launcher/error.h"
#include "qmp/json-writer.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace
{

using namespace std::string_literals;

VpTomlFile *
parse (const std::string &text, GError **error)
{
  return vp_toml_file_parse ("a.toml", text.data (), text.size (), error);
}

/* The values as JSON; json-glib has members in the order in which they were added. */
std::string
to_json (VpTomlFile *file)
{
  g_autoptr (JsonNode) node =
      json_node_init_object (json_node_alloc (), vp_toml_file_get_root (file));
  g_autoptr (GString) text = g_string_new (nullptr);

  vp_json_write (text, node);
  return text->str;
}

std::string
repeat (const std::string &text, guint times)
{
  std::string all;
  for (guint i = 0; i < times; i++)
    all += text;
  return all;
}

struct Row
{
  const char *name;
  std::string text;
  const char *json;          /* or nullptr: refused */
  const char *why = nullptr; /* with this at the start of the message */
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "empty", "", "{}" },
  { "scalars", "a = 1\nb = true\nc = \"x\"\nd = -0.5\n",
    "{\"a\":1,\"b\":true,\"c\":\"x\",\"d\":-0.5}" },
  { "integers_are_exact", "a = 9223372036854775807\nb = -9223372036854775808\nc = 0xff\n",
    "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":255}" },
  { "tables", "[a.b]\nc = 1\n[a]\nd = [1, [2]]\n", "{\"a\":{\"b\":{\"c\":1},\"d\":[1,[2]]}}" },
  { "array_of_tables", "[[r]]\na = 1\n[[r]]\na = 2\n", "{\"r\":[{\"a\":1},{\"a\":2}]}" },
  { "dates_are_strings",
    "a = 1979-05-27T07:32:00.5Z\nb = 1979-05-27\nc = 07:32:00\nd = 1979-05-27 00:32:00-07:30\n",
    "{\"a\":\"1979-05-27T07:32:00.5Z\",\"b\":\"1979-05-27\",\"c\":\"07:32:00\","
    "\"d\":\"1979-05-27T00:32:00-07:30\"}" },
  { "byte_order_mark",
    "\xef\xbb\xbf"
    "a = 1\n",
    "{\"a\":1}" },
  { "crlf", "a = 1\r\n[t]\r\nb = \"x\"\r\n", "{\"a\":1,\"t\":{\"b\":\"x\"}}" },
  { "no_newline_at_the_end", "a = 1 # c", "{\"a\":1}" },
  { "utf8", "\"\xc3\xa9\" = '\xe2\x82\xac'\n", "{\"\xc3\xa9\":\"\xe2\x82\xac\"}" },
};

class TomlFile : public testing::TestWithParam<Row>
{
};

TEST_P (TomlFile, IsReadAsJson)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = parse (GetParam ().text, &error);

  ASSERT_NE (file, nullptr) << error->message;
  EXPECT_EQ (to_json (file), GetParam ().json);
}

INSTANTIATE_TEST_SUITE_P (Table, TomlFile, testing::ValuesIn (rows), name_of_row<Row>);

const Row bad_rows[] = {
  { "syntax", "a = 1\nb =\n", nullptr, "a.toml:2:" },
  { "key_twice", "a = 1\na = 2\n", nullptr, "a.toml:2:" },
  { "table_twice", "[a]\n[a]\n", nullptr, "a.toml:2:1: " },
  { "key_twice_by_another_way", "a.b = 1\n[a]\nb = 2\n", nullptr, "a.toml:2:1: " },
  { "nul", "a = 1\nb = \0"s, nullptr, "a.toml:2:5: a NUL byte" },
  { "nul_escape", "[t]\na = [\"\\u0000\"]\n", nullptr, "a.toml:2:6: a string cannot hold U+0000" },
  { "nul_escape_in_key", "\"\\u0000\" = 1\n", nullptr, "a.toml:1:1: a key cannot hold U+0000" },
  { "not_utf8", "a = 1\nbb = '\xc3'\n", nullptr, "a.toml:2:7: not valid UTF-8" },
  { "utf16",
    "\xff\xfe"
    "a\0=\0"s,
    nullptr, "a.toml:1:1: not valid UTF-8" },
  { "inf", "a = inf\n", nullptr, "a.toml:1:5: inf and nan are no values here" },
  { "nan", "a = [ nan ]\n", nullptr, "a.toml:1:7: inf and nan are no values here" },
  { "integer_too_large", "a = 9223372036854775808\n", nullptr, "a.toml:1:" },
  { "float_too_large", "a = 1e999\n", nullptr, "a.toml:1:" },
  { "brackets_too_deep", "a = " + repeat ("[", 33) + repeat ("]", 33), nullptr,
    "a.toml:1:37: nested too deep" },
  { "a_million_brackets", "a = " + repeat ("[", 1000000), nullptr, "a.toml:1:37: nested too deep" },
  { "inline_tables_too_deep", "a = " + repeat ("{a=", 33) + "1" + repeat ("}", 33), nullptr,
    "a.toml:1:101: nested too deep" },
  { "key_too_deep", repeat ("a.", 32) + "a = 1\n", nullptr, "a.toml:1:64: nested too deep" },
  { "a_million_keys", repeat ("a.", 500000) + "a = 1\n", nullptr, "a.toml:1:64: nested too deep" },
  { "spaced_keys", repeat ("a . 'b' . ", 20) + "a = 1\n", nullptr, "a.toml:1:" },
  { "header_too_deep", "[" + repeat ("a.", 32) + "a]\n", nullptr, "a.toml:1:65: nested too deep" },
  { "header_and_key_too_deep", "[" + repeat ("a.", 20) + "a]\n" + repeat ("b.", 20) + "b = 1\n",
    nullptr, "a.toml:2:" },
  { "too_many_dots", repeat ("a.b\n", VP_TOML_MAX_DOTS + 1), nullptr,
    "a.toml:16385:2: too many dotted keys" },
  { "control_character", "a = \"\x1b[31m\"\n", nullptr, "a.toml:1:" },
  { "unclosed_string", "a = \"\"\"\n", nullptr, "a.toml:" },
  { "unclosed_escape", "a = \"\\", nullptr, "a.toml:1:" },
  { "vertical_tab_in_header", "[\v", nullptr, "a.toml:1:2: " },
  { "json", "{\"a\": 1}", nullptr, "a.toml:1:1: " },
};

class BadTomlFile : public testing::TestWithParam<Row>
{
};

TEST_P (BadTomlFile, IsRefusedInOneLineWithThePlace)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = parse (GetParam ().text, &error);

  ASSERT_EQ (file, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_TRUE (g_str_has_prefix (error->message, GetParam ().why)) << error->message;
  for (const char *p = error->message; *p != '\0'; p++)
    EXPECT_FALSE (g_ascii_iscntrl (*p)) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, BadTomlFile, testing::ValuesIn (bad_rows), name_of_row<Row>);

TEST (TomlFileBounds, WhatIsInStringsAndCommentsDoesNotCount)
{
  const std::string much = repeat (".[{", 100);
  const std::string text = "# " + much + "\na = \"" + much + "\\\"" + much + "\"\nb = '" + much +
                           "'\nc = \"\"\"\n" + much + "\"\"" + much + "\"\"\"\"\"\nd = '''" + much +
                           "\n''''\n" + "e.b = 1.5\n";
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = parse (text, &error);

  ASSERT_NE (file, nullptr) << error->message;
  EXPECT_EQ (json_object_get_string_member (vp_toml_file_get_root (file), "b"), much);
}

TEST (TomlFileBounds, DeepestIsAccepted)
{
  const std::string text = repeat ("a.", 29) + "a = [1]\n";
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = parse (text, &error);

  ASSERT_NE (file, nullptr) << error->message;
}

TEST (TomlFileWhere, KnowsThePlaceOfEveryValue)
{
  const std::string text = "\xef\xbb\xbf# c\na = 1\n[t.\"x.y\"]\n  b = [ 1,\n 2]\n"
                           "[[r]]\nq = { z = '\xc3\xa9', \"k\\\"\" = 2 }\n[[r]]\n";
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = parse (text, &error);
  const struct
  {
    const char *path;
    const char *where;
    guint line;
  } wanted[] = {
    { "a", "a.toml:2:5", 2 },
    { "t", "a.toml:3:1", 3 },
    { "t.\"x.y\"", "a.toml:3:1", 3 },
    { "t.\"x.y\".b", "a.toml:4:7", 4 },
    { "t.\"x.y\".b[0]", "a.toml:4:9", 4 },
    { "t.\"x.y\".b[1]", "a.toml:5:2", 5 },
    { "r[0].q.z", "a.toml:7:11", 7 },
    { "r[0].q.\"k\\\"\"", "a.toml:7:24", 7 },
    { "r[1]", "a.toml:8:1", 8 },
    { "r[2]", "a.toml", 0 },
    { "t.x.y", "a.toml", 0 },
  };

  ASSERT_NE (file, nullptr) << error->message;
  EXPECT_STREQ (vp_toml_file_get_name (file), "a.toml");
  for (const auto &row : wanted)
    {
      g_autofree char *where = vp_toml_file_where (file, row.path);

      EXPECT_STREQ (where, row.where) << row.path;
      EXPECT_EQ (vp_toml_file_get_line (file, row.path), row.line) << row.path;
    }
}

class TomlFileRead : public testing::Test
{
protected:
  /* Returns why @path is refused, without the path itself. */
  static std::string
  refusal (const std::string &path)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (VpTomlFile) file = vp_toml_file_read (path.c_str (), &error);

    if (file != nullptr)
      return "none";
    EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
    EXPECT_TRUE (g_str_has_prefix (error->message, (path + ":").c_str ())) << error->message;
    return error->message + path.size () + 1;
  }

  TempFolder folder;
};

TEST_F (TomlFileRead, ReadsAFileAndALinkToIt)
{
  const std::string path = folder.write ("x.toml", "a = 1\n");
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpTomlFile) file = vp_toml_file_read (path.c_str (), &error);

  ASSERT_NE (file, nullptr) << error->message;
  EXPECT_EQ (to_json (file), "{\"a\":1}");
  ASSERT_EQ (symlink ("x.toml", folder.path ("link").c_str ()), 0);
  EXPECT_EQ (refusal (folder.path ("link")), "none");
}

TEST_F (TomlFileRead, RefusesWhatIsNoRegularFileWithoutWaiting)
{
  ASSERT_EQ (mkfifo (folder.path ("fifo").c_str (), 0600), 0);
  ASSERT_EQ (symlink ("nowhere", folder.path ("dangling").c_str ()), 0);

  EXPECT_EQ (refusal (folder.path ("fifo")), " not a regular file");
  EXPECT_EQ (refusal (folder.path ("")), " not a regular file");
  EXPECT_EQ (refusal ("/dev/zero"), " not a regular file");
  EXPECT_EQ (refusal (folder.path ("dangling")), " No such file or directory");
}

TEST_F (TomlFileRead, RefusesMoreThanOneMebibyte)
{
  const std::string comment = "#" + std::string (VP_TOML_MAX_SIZE - 1, 'x');

  EXPECT_EQ (refusal (folder.write ("full", comment)), "none");
  EXPECT_EQ (refusal (folder.write ("more", comment + "x")), " longer than 1 MiB");
  EXPECT_EQ (refusal (folder.write ("two", comment + comment)), " longer than 1 MiB");
}

TEST_F (TomlFileRead, SaysThatAFileIsUnreadable)
{
  if (geteuid () != 0)
    {
      GTEST_SKIP () << "needs root to become somebody else";
    }
  const std::string path = folder.write ("x.toml", "");
  ASSERT_EQ (chmod (path.c_str (), 0), 0);
  ASSERT_EQ (chmod (folder.path ("").c_str (), 0755), 0);

  EXPECT_EQ (as_user (65534, [&] { return refusal (path) == " Permission denied" ? 0 : 1; }), 0);
}

} // namespace
