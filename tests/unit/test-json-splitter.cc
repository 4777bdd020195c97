#include "qmp/json-splitter.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace
{

/* Values in brackets, gaps as they are: "{1} [{2}]" for " {1}" would be wrong. An unfinished value
 * has no closing bracket. */
std::string
cut (const std::string &bytes, size_t chunk)
{
  VpJsonSplitter splitter;
  std::string out;
  bool is_inside = false;

  vp_json_splitter_init (&splitter);
  for (size_t at = 0; at < bytes.size (); at += chunk)
    {
      const std::string piece = bytes.substr (at, chunk);
      const guint8 *data = reinterpret_cast<const guint8 *> (piece.data ());
      size_t done = 0;

      while (done < piece.size ())
        {
          VpJsonPiece kind;
          gsize n = vp_json_splitter_scan (&splitter, data + done, piece.size () - done, &kind);

          if (kind != VP_JSON_PIECE_GAP && !is_inside)
            out += '<';
          is_inside = kind == VP_JSON_PIECE_PART;
          out += piece.substr (done, n);
          if (kind == VP_JSON_PIECE_END)
            out += '>';
          done += n;
        }
    }
  return out;
}

struct Row
{
  const char *name;
  std::string bytes;
  std::string cuts;
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

std::string
nested (char open, size_t n)
{
  return std::string (n, open);
}

/* What QEMU 7.2 and 10.0 answer has been counted for each of the strange ones. */
const Row rows[] = {
  { "nothing", "", "" },
  { "blanks", " \t\r\n", " \t\r\n" },
  { "object", "{}\n", "<{}>\n" },
  { "two_without_a_blank", "{}{}", "<{}><{}>" },
  { "gap_between", "{} \r\n{}", "<{}> \r\n<{}>" },
  { "nested", R"({"a":[{"b":{}}]} )", R"(<{"a":[{"b":{}}]}> )" },
  { "newlines_inside", "{\n\"a\":\n1\n}\n", "<{\n\"a\":\n1\n}>\n" },
  { "braces_in_a_string", R"({"a":"}{]["}{})", R"(<{"a":"}{]["}><{}>)" },
  { "escaped_quote", R"({"a":"\"}"}{})", R"(<{"a":"\"}"}><{}>)" },
  { "escaped_backslash", R"({"a":"\\"}{})", R"(<{"a":"\\"}><{}>)" },
  { "apostrophes", "{'a':'}\"'}{}", "<{'a':'}\"'}><{}>" },
  { "unfinished", "{}{\"a\":", "<{}><{\"a\":" },
  { "unfinished_string", "{\"a", "<{\"a" },
  { "array", "[1,[2]] {}", "<[1,[2]]> <{}>" },
  { "words", "hello, world ", "<hello><,> <world> " },
  { "numbers", "1 22 -3 4.5 6e7 8.9E+1 0 ", "<1> <22> <-3> <4.5> <6e7> <8.9E+1> <0> " },
  { "number_ends_with_what_follows", "12{}", "<12><{}>" },
  { "number_without_an_end", "12", "<12" },
  { "string", "\"a\"'b'", "<\"a\"><'b'>" },
  { "stray_brackets", "]] }", "<]><]> <}>" },
  { "kinds_are_counted_apart", "{\"a\": [}] {}", "<{\"a\": [}]> <{}>" },
  { "one_kind_too_many", "{\"a\": ] {}", "<{\"a\": ]> <{}>" },
  { "stray_byte", "@@@@\n{}", "<@>@@@\n<{}>" },
  { "recovery_goes_over_blanks", "@ @ 12 @\n1 ", "<@> @ 12 @\n<1> " },
  { "capitals", "Hello World {}", "<H>ello World <{}>" },
  { "stray_byte_inside", "{\"a\":@ 1 }", "<{\"a\":@> 1 <}>" },
  { "stray_byte_deep_inside", "{\"a\":{ @ } }", "<{\"a\":{ @> <}> <}>" },
  { "control_byte_in_a_string", "\"x\x01yz\" 1\n2 ", "<\"x\x01>yz<\" 1\n>2 " },
  { "leading_zero", "012 3\n4 ", "<01>2 3\n<4> " },
  { "no_digits", "-x\n1.x\n", "<-x>\n<1.x>\n" },
  { "exponent_of_nothing", "0e5 ", "<0><e><5> " },
  { "high_byte",
    "\x80"
    "abc\n{}",
    "<\x80>abc\n<{}>" },
  { "number_before_a_high_byte",
    "1\x80"
    "5\n",
    "<1><\x80>5\n" },
  { "ff_resets", "{\"a\xff{}", "<{\"a\xff><{}>" },
  { "ff_alone", "\xff\n{}", "<\xff>\n<{}>" },
  { "nul", std::string ("\0{}", 3), std::string ("<\0><{}>", 7) },
  { "deepest", nested ('[', 1024) + nested (']', 1024),
    "<" + nested ('[', 1024) + nested (']', 1024) + ">" },
  { "too_deep", nested ('[', 1025) + "]{}", "<" + nested ('[', 1025) + "><]><{}>" },
};

class JsonSplitter : public testing::TestWithParam<Row>
{
};

TEST_P (JsonSplitter, CutsTheSameInEveryChunkSize)
{
  const Row &row = GetParam ();

  for (size_t chunk = 1; chunk <= std::min<size_t> (row.bytes.size () + 1, 40); chunk++)
    EXPECT_EQ (cut (row.bytes, chunk), row.cuts) << "chunks of " << chunk;
}

INSTANTIATE_TEST_SUITE_P (Table, JsonSplitter, testing::ValuesIn (rows), name_of_row<Row>);

TEST (JsonSplitterProperty, ChunksDoNotMatterAndNoByteIsLost)
{
  static const char alphabet[] = "{}[]{}[],:\"\"'\\ \n01-.eEtruA@\x01\x80\xff";
  std::mt19937 random (7);

  for (int i = 0; i < 20000; i++)
    {
      std::string bytes, whole, kept;

      for (size_t n = random () % 24; n > 0; n--)
        bytes += alphabet[random () % (sizeof alphabet - 1)];
      whole = cut (bytes, bytes.size () + 1);
      for (char byte : whole)
        if (byte != '<' && byte != '>')
          kept += byte;
      ASSERT_EQ (kept, bytes);
      ASSERT_EQ (cut (bytes, 1 + random () % 5), whole) << bytes;
    }
}

TEST (JsonSplitterProperty, AMegabyteOfStringIsQuick)
{
  const std::string bytes = "\"" + std::string (8 << 20, 'x') + "\"";
  gint64 start = g_get_monotonic_time ();

  EXPECT_EQ (cut (bytes, 65536).size (), bytes.size () + 2);
  EXPECT_LT (g_get_monotonic_time () - start, 2 * G_USEC_PER_SEC);
}

} // namespace
