#include "launcher/boottest/console-text.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
text_of (const std::string &bytes, size_t chunk)
{
  g_autoptr (VpConsoleText) console = vp_console_text_new ();
  g_autoptr (GString) text = g_string_new (nullptr);
  for (size_t at = 0; at < bytes.size (); at += chunk)
    vp_console_text_push (console, reinterpret_cast<const guint8 *> (bytes.data ()) + at,
                          MIN (chunk, bytes.size () - at), text);
  return std::string (text->str, text->len);
}

struct Row
{
  const char *name;
  std::string bytes;
  std::string text;
};

class ConsoleText : public testing::TestWithParam<Row>
{
};

TEST_P (ConsoleText, IsWhatAPersonWouldRead)
{
  for (size_t chunk = 1; chunk <= MIN (GetParam ().bytes.size (), 8u); chunk++)
    EXPECT_EQ (text_of (GetParam ().bytes, chunk), GetParam ().text) << "in chunks of " << chunk;
}

const Row rows[] = {
  { "plain", "a\tb\nc", "a\tb\nc" },
  { "crlf", "a\r\nb\r\r\nc", "a\nb\nc" },
  { "empty_lines", "\n\r\n\n", "\n\n\n" },
  { "carriage_return", "10%\r20%\r\n", "10%\n20%\n" },
  { "controls", std::string ("a\0b\b\a\x7f", 6), "ab" },
  { "any_bytes", "\xff\xc3\xa9\x85", "\xff\xc3\xa9\x85" },
  { "colours", "\033[0;1;31mred\033[m", "red" },
  { "cursor", "a\033[2J\033[01;01Hb\033[3;4fc", "a\nb\nc" },
  { "title", "\033]0;title\007a\033]8;;x\033\\b", "ab" },
  { "charset", "\033(Ba\033=b\0337", "ab" },
  { "title_without_end", "\033]0;title\nnext", "\nnext" },
  { "device_control", "\033P1$r0m\033\\a", "a" },
  { "broken_sequence", "\033[12\033[1ma\033[3\nb", "a\nb" },
  { "no_sequence", "\033[1\xc3\xa9", "\xc3\xa9" },
  { "within_crlf", "a\r\033[K\nb", "a\nb" },
};

INSTANTIATE_TEST_SUITE_P (Table, ConsoleText, testing::ValuesIn (rows), name_of_row<Row>);

TEST (ConsoleTextBounds, ASequenceWithoutEndIsTextAgain)
{
  for (const char *begin : { "\033]", "\033[", "\033P" })
    EXPECT_EQ (text_of (begin + std::string (5000, '0') + "x", 7).back (), 'x');
}

} // namespace
