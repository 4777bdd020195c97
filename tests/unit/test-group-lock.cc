#include "devices/error.h"
#include "launcher/vm/group-lock.h"

#include "tests/support/temp-folder.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace
{

class GroupLock : public testing::Test
{
protected:
  TempFolder folder_;
  const std::string base_ = folder_.make_folder ("base");

  void
  SetUp () override
  {
    std::filesystem::permissions (base_, std::filesystem::perms::owner_all);
  }
  bool
  has_file (int group) const
  {
    return std::filesystem::exists (base_ + "/groups/" + std::to_string (group));
  }
};

TEST_F (GroupLock, BelongsToOneAtATimeAndLeavesNothing)
{
  g_autoptr (GError) error = nullptr;
  VpGroupLock *first = vp_group_lock_take (base_.c_str (), 40, "first", nullptr);

  ASSERT_NE (first, nullptr);
  EXPECT_EQ (vp_group_lock_take (base_.c_str (), 40, "second", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (error->message, "group 40: VM first has it");
  EXPECT_FALSE (vp_group_lock_check (base_.c_str (), 40, nullptr, nullptr));
  EXPECT_FALSE (vp_group_lock_check (base_.c_str (), 40, "second", nullptr));
  EXPECT_TRUE (vp_group_lock_check (base_.c_str (), 40, "first", nullptr)) << "its own is none";
  EXPECT_TRUE (vp_group_lock_check (base_.c_str (), 41, nullptr, nullptr));
  EXPECT_FALSE (has_file (41)) << "asking makes nothing";

  vp_group_lock_release (first);
  EXPECT_FALSE (has_file (40));
  EXPECT_TRUE (vp_group_lock_check (base_.c_str (), 40, nullptr, nullptr));
}

/* Each removes the file that the next may have opened already. */
TEST_F (GroupLock, IsNeverHeldByTwo)
{
  std::atomic<int> n_holders{ 0 }, n_taken{ 0 };
  std::vector<std::thread> threads;

  for (int i = 0; i < 4; i++)
    threads.emplace_back ([&] {
      for (int j = 0; j < 2000; j++)
        {
          VpGroupLock *lock = vp_group_lock_take (base_.c_str (), 40, "vm", nullptr);

          if (lock == nullptr)
            continue;
          EXPECT_EQ (++n_holders, 1);
          n_taken++;
          n_holders--;
          vp_group_lock_release (lock);
        }
    });
  for (std::thread &thread : threads)
    thread.join ();
  EXPECT_GT (n_taken, 0);
  EXPECT_FALSE (has_file (40));
}

} // namespace
