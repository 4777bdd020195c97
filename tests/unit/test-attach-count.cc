#include "devices/attach-count.h"
#include "devices/error.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

constexpr guint MAX = VP_ATTACH_COUNT_MAX;

struct Row
{
  const char *name;
  guint count;
  bool attach;
  guint after;
  bool is_last; /* of a detach */
  int error;    /* -1: none */
};

class AttachCount : public testing::TestWithParam<Row>
{
};

TEST_P (AttachCount, Counts)
{
  const Row &row = GetParam ();
  guint count = row.count;
  gboolean is_last = FALSE;
  g_autoptr (GError) error = nullptr;
  const gboolean ok = row.attach ? vp_attach_count_up (&count, &error)
                                 : vp_attach_count_down (&count, &is_last, &error);

  EXPECT_EQ (count, row.after);
  EXPECT_EQ (static_cast<bool> (is_last), row.is_last);
  EXPECT_EQ (static_cast<bool> (ok), row.error < 0);
  EXPECT_EQ (error != nullptr ? error->code : -1, row.error);
}

INSTANTIATE_TEST_SUITE_P (
    Table,
    AttachCount,
    testing::Values (Row{ "the_first", 0, true, 1, false, -1 },
                     Row{ "one_more", 1, true, 2, false, -1 },
                     Row{ "the_last_that_fits", MAX - 1, true, MAX, false, -1 },
                     Row{ "one_too_many", MAX, true, MAX, false, VP_DEVICE_ERROR_DUPLICATE },
                     Row{ "not_attached", 0, false, 0, false, VP_DEVICE_ERROR_NOT_FOUND },
                     Row{ "the_last_leaves", 1, false, 0, true, -1 },
                     Row{ "one_leaves", 2, false, 1, false, -1 },
                     Row{ "one_of_many_leaves", MAX, false, MAX - 1, false, -1 }),
    name_of_row<Row>);

TEST (AttachCount, TwoIntoOne)
{
  guint count = 0;
  gboolean is_last;

  ASSERT_TRUE (vp_attach_count_up (&count, nullptr));
  ASSERT_TRUE (vp_attach_count_up (&count, nullptr));
  EXPECT_EQ (count, 2u);
  ASSERT_TRUE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_FALSE (is_last);
  ASSERT_TRUE (vp_attach_count_down (&count, &is_last, nullptr));
  EXPECT_TRUE (is_last);
  EXPECT_FALSE (vp_attach_count_down (&count, &is_last, nullptr));
}

} // namespace
