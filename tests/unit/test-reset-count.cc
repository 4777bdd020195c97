#include "launcher/boottest/reset-count.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{
/* What is heard, in order: g and o are resets of the guest's and ours, "." is output, "|" a pause,
 * in which all that has been said is heard. */
struct Row
{
  const char *name;
  std::string happenings;
  guint n;
};

class ResetCount : public testing::TestWithParam<Row>
{
};

TEST_P (ResetCount, Counts)
{
  VpResetCount count = {};

  for (char happening : GetParam ().happenings)
    switch (happening)
      {
      case '.':
        vp_reset_count_hear (&count);
        break;
      case '|':
        vp_reset_count_settle (&count);
        break;
      default:
        vp_reset_count_add (&count, happening == 'g');
        break;
      }
  EXPECT_EQ (count.n, GetParam ().n);
}

std::string
repeat (const std::string &text, int times)
{
  return times == 0 ? "" : text + repeat (text, times - 1);
}

const Row rows[] = {
  { "none", "..||.|", 0 },
  { "one", ".|g|", 1 },
  { "one_before_it_has_said_a_word", "g|", 1 },
  { "is_not_counted_before_a_pause", "g", 0 },
  { "firmware_adds_its_own", ".|g|g|ggg|.|", 1 },
  { "firmware_adds_its_own_at_once", ".|gggg|.|", 1 },
  { "each_after_a_word", ".|g|g|.|g|g|.|g|g|", 3 },
  { "a_word_that_comes_after_its_reset", ".|g.|g|.|g.|g|", 2 },
  { "seventeen_in_silence", repeat ("g|", 17), 2 },
  { "sixteen_in_silence", repeat ("g|", 16), 1 },
  { "seventeen_in_silence_at_once", repeat ("g", 17) + "|", 2 },
  { "a_word_ends_the_silence", repeat ("g|", 16) + ".|" + repeat ("g|", 16), 2 },
  { "ours", ".|o|", 0 },
  { "ours_and_what_firmware_adds", ".|o|gg|.|", 0 },
  { "ours_and_what_firmware_adds_at_once", ".|ogg|.|", 0 },
  { "ours_and_then_the_guests", ".|o|g|.|g|g|", 1 },
};
INSTANTIATE_TEST_SUITE_P (Table, ResetCount, testing::ValuesIn (rows), name_of_row<Row>);
}
