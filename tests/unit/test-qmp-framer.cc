#include "qmp/error.h"
#include "qmp/framer.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using Lines = std::vector<std::string>;

bool
push (VpFramer *framer, const std::string &bytes, GError **error = nullptr)
{
  return vp_framer_push (framer, reinterpret_cast<const guint8 *> (bytes.data ()), bytes.size (),
                         error);
}

Lines
pop_all (VpFramer *framer)
{
  Lines lines;

  for (;;)
    {
      g_autofree char *line = vp_framer_pop (framer);
      if (line == nullptr)
        return lines;
      lines.push_back (line);
    }
}

struct Row
{
  const char *name;
  std::string bytes;
  bool ok; /* with a limit of 8 bytes */
  Lines lines;
};

/* GoogleTest would print all its bytes, padding too, which valgrind minds. */
void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "nothing", "", true, {} },
  { "lf", "a\nb\n", true, { "a", "b" } },
  { "crlf", "a\r\nb\r\n", true, { "a", "b" } },
  { "empty_lines", "\n\r\n\n", true, { "", "", "" } },
  { "unfinished", "a\nb", true, { "a" } },
  { "only_the_last_cr_goes", "a\r\r\n\rb\n", true, { "a\r", "\rb" } },
  { "lone_cr_is_no_end", "a\rb\n", true, { "a\rb" } },
  { "longest", "12345678\n", true, { "12345678" } },
  { "cr_counts", "12345678\r\n", false, {} },
  { "too_long", "123456789\n", false, {} },
  { "too_long_unfinished", "123456789", false, {} },
  { "lines_before_the_fault", "a\nb\n123456789\nc\n", false, { "a", "b" } },
  { "nul", std::string ("a\nb\0c\n", 6), false, { "a" } },
  { "nul_in_an_unfinished_line", std::string ("a\nb\0", 4), false, { "a" } },
  { "high_bytes", "\xff\xfe\n", true, { "\xff\xfe" } },
};

class Framer : public testing::TestWithParam<Row>
{
};

TEST_P (Framer, GivesTheSameLinesForEveryChunkSize)
{
  const Row &row = GetParam ();

  for (size_t size = 1; size <= row.bytes.size () + 1; size++)
    {
      g_autoptr (VpFramer) framer = vp_framer_new (8);
      g_autoptr (GError) error = nullptr;
      bool ok = true;
      Lines lines;

      for (size_t at = 0; ok && at < row.bytes.size (); at += size)
        {
          ok = push (framer, row.bytes.substr (at, size), &error);
          for (auto &line : pop_all (framer))
            lines.push_back (line);
        }
      EXPECT_EQ (ok, row.ok) << "chunks of " << size;
      EXPECT_EQ (lines, row.lines) << "chunks of " << size;
      if (!row.ok)
        {
          EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
        }
    }
}

INSTANTIATE_TEST_SUITE_P (Table, Framer, testing::ValuesIn (rows), name_of_row<Row>);

TEST (FramerState, NothingIsAcceptedAfterAFault)
{
  g_autoptr (VpFramer) framer = vp_framer_new (4);
  g_autoptr (GError) first = nullptr;
  g_autoptr (GError) second = nullptr;

  EXPECT_FALSE (push (framer, "12345", &first));
  EXPECT_FALSE (push (framer, "\nok\n", &second));
  EXPECT_TRUE (g_error_matches (second, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  EXPECT_EQ (pop_all (framer), Lines ());
  EXPECT_FALSE (push (framer, "ok\n")); /* nobody has to listen */
}

TEST (FramerState, LinesCanStayWhileMoreComes)
{
  g_autoptr (VpFramer) framer = vp_framer_new (100);
  Lines expected, lines;

  for (int i = 0; i < 3000; i++)
    {
      EXPECT_TRUE (push (framer, "line " + std::to_string (2 * i) + "\nline "));
      EXPECT_TRUE (push (framer, std::to_string (2 * i + 1) + "\r\n"));
      expected.push_back ("line " + std::to_string (2 * i));
      expected.push_back ("line " + std::to_string (2 * i + 1));
      g_autofree char *line = vp_framer_pop (framer);
      ASSERT_NE (line, nullptr);
      lines.push_back (line);
    }
  for (auto &line : pop_all (framer))
    lines.push_back (line);
  EXPECT_EQ (lines, expected);
}

gint64
time_lines (size_t count)
{
  std::string bytes;
  for (size_t i = 0; i < count; i++)
    bytes += "{\"event\":\"RESET\",\"data\":{\"guest\":true}}\r\n";
  g_autoptr (VpFramer) framer = vp_framer_new (100);
  gint64 start = g_get_monotonic_time ();

  EXPECT_TRUE (push (framer, bytes));
  EXPECT_EQ (pop_all (framer).size (), count);
  return g_get_monotonic_time () - start;
}

TEST (FramerState, TenThousandLinesInOnePushAreNoSquare)
{
  gint64 small = std::max<gint64> (time_lines (10000), 1000);
  gint64 large = time_lines (200000);

  /* 20 times the lines: 20 when linear, 400 when quadratic; the machine may be busy */
  EXPECT_LT (large, 120 * small);
}

TEST (FramerState, AGiantLineInSingleBytesIsNoSquare)
{
  g_autoptr (VpFramer) framer = vp_framer_new (2 << 20);
  gint64 start = g_get_monotonic_time ();

  for (int i = 0; i < 1 << 20; i++)
    {
      ASSERT_TRUE (vp_framer_push (framer, reinterpret_cast<const guint8 *> ("x"), 1, nullptr));
      ASSERT_EQ (vp_framer_pop (framer), nullptr);
    }
  ASSERT_TRUE (push (framer, "\n"));
  EXPECT_EQ (pop_all (framer).at (0).size (), 1u << 20);
  EXPECT_LT (g_get_monotonic_time () - start, 15 * G_USEC_PER_SEC); /* a square takes far longer */
}

} // namespace
