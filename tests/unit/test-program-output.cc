#include "launcher/error.h"
#include "launcher/vm/program-output.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

/* Far away where the program ends by itself, and soon over where it does not. */
constexpr guint LONG = 60000, SHORT = 200;

struct Row
{
  const char *name;
  const char *script;
  guint milliseconds;
  const char *text; /* nullptr: refused */
  const char *why;
};

const Row rows[] = {
  { "what_it_says", "echo a; echo b >&2; echo c", LONG, "a\nb\nc\n", nullptr },
  { "nothing", ":", LONG, "", nullptr },
  { "no_input", "cat", LONG, "", nullptr },
  { "says_more_after_a_while", "echo a; sleep 0.1; echo b", LONG, "a\nb\n", nullptr },
  { "output_closed_early", "exec >&- 2>&-; sleep 0.1", LONG, "", nullptr },
  { "failed", "exit 3", LONG, nullptr, "ended with status 3, and had said nothing" },
  { "failed_with_words", "echo bad; echo worse; exit 1", LONG, nullptr,
    "ended with status 1, and had said \"bad\"" },
  { "hostile_words", "printf '\\033[2J'; exit 1", LONG, nullptr,
    "ended with status 1, and had said \"\\033[2J\"" },
  { "killed", "kill -9 $$", LONG, nullptr, "was ended by signal 9, and had said nothing" },
  { "never_ends", "echo a; exec sleep 1000", SHORT, nullptr, "did not end in 0.2 s" },
  { "never_ends_silently", "exec >&- 2>&-; exec sleep 1000", SHORT, nullptr,
    "did not end in 0.2 s" },
  { "never_ends_and_is_deaf", "trap '' TERM HUP INT; while :; do :; done", SHORT, nullptr,
    "did not end in 0.2 s" },
  { "says_too_much", "exec yes", LONG, nullptr, "said more than 1024 KiB" },
};

class ProgramOutput : public testing::TestWithParam<Row>
{
};

TEST_P (ProgramOutput, IsTakenWhole)
{
  const Row &row = GetParam ();
  const char *argv[] = { "sh", "-c", row.script, nullptr };
  g_autoptr (GError) error = nullptr;
  g_autofree char *text = vp_program_output (argv, row.milliseconds, &error);

  EXPECT_STREQ (text, row.text);
  if (row.why != nullptr)
    {
      ASSERT_NE (error, nullptr);
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
      EXPECT_STREQ (error->message, row.why);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, ProgramOutput, testing::ValuesIn (rows), name_of_row<Row>);

TEST (ProgramOutputOf, AProgramThatIsNotThere)
{
  const char *argv[] = { "no-such-program-here", nullptr };
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_program_output (argv, LONG, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
}

} // namespace
