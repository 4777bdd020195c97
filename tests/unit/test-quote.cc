#include "devices/quote.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <ostream>
#include <string>

namespace
{

struct Row
{
  const char *name;
  std::string text;
  std::string quoted;
};

/* Or GoogleTest prints the bytes of a row, among them some that nobody set. */
void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "empty", "", "\"\"" },
  { "plain", "0000:41:00.0", "\"0000:41:00.0\"" },
  { "quote_and_backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
  { "controls", "a\n\t\r\x1b\x7f", "\"a\\n\\t\\r\\033\\177\"" },
  { "not_ascii", "0000\xe2\x80\x91", "\"0000\\342\\200\\221\"" }, /* a dash out of a document */
  { "not_utf8", "\xff\xfe", "\"\\377\\376\"" },
  { "percent", "%s%n", "\"%s%n\"" },
  { "longest", std::string (64, 'a'), "\"" + std::string (64, 'a') + "\"" },
  { "cut", std::string (65, 'a'), "\"" + std::string (64, 'a') + "...\"" },
  { "cut_in_a_character", std::string (63, 'a') + "\xc3\xa9",
    "\"" + std::string (63, 'a') + "\\303...\"" },
};

class Quote : public testing::TestWithParam<Row>
{
};

TEST_P (Quote, GivesOnePrintableLine)
{
  g_autofree char *quoted = vp_quote (GetParam ().text.c_str ());

  EXPECT_EQ (quoted, GetParam ().quoted);
}

INSTANTIATE_TEST_SUITE_P (Table, Quote, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
