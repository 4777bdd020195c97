#include "launcher/error.h"
#include "launcher/vm/memlock-limit.h"
#include "launcher/vm/memlock.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace
{

constexpr guint64 KIB = 1ull << 10, MIB = 1ull << 20, GIB = 1ull << 30;
constexpr uid_t NOBODY = 65534;

struct NeedRow
{
  const char *name;
  guint64 ram;
  guint n_devices;
  bool has_viommu;
  guint64 need;
};
class MemlockNeed : public testing::TestWithParam<NeedRow>
{
};
const NeedRow needs[] = {
  { "no_device", 4 * GIB, 0, false, 0 },
  { "no_device_and_a_viommu", 4 * GIB, 0, true, 0 },
  { "one", GIB, 1, false, 2 * GIB },
  { "many_share_the_memory", 4 * GIB, 8, false, 5 * GIB },
  { "one_behind_a_viommu", 4 * GIB, 1, true, 5 * GIB },
  { "each_behind_a_viommu", 4 * GIB, 3, true, 13 * GIB },
  { "more_than_there_is", G_MAXUINT64 / 2, 3, true, G_MAXUINT64 },
  { "just_too_much", G_MAXUINT64 - GIB + 1, 1, false, G_MAXUINT64 },
};
INSTANTIATE_TEST_SUITE_P (Table, MemlockNeed, testing::ValuesIn (needs), name_of_row<NeedRow>);

TEST_P (MemlockNeed, IsComputed)
{
  const NeedRow &row = GetParam ();
  EXPECT_EQ (vp_memlock_need (row.ram, row.n_devices, row.has_viommu), row.need);
}

TEST (Memlock, OnlyVfioDevicesCount)
{
  g_autoptr (JsonNode) status = json_from_string (
      R"({"devices":[{"kind":"vfio"},{"kind":"qemu"},{"kind":"vfio"},{"kind":"nic"}]})", nullptr);
  EXPECT_EQ (vp_memlock_count_devices (json_node_get_object (status)), 2u);
}

struct ViommuRow
{
  const char *name;
  std::vector<const char *> argv;
  bool has_viommu;
};
class MemlockViommu : public testing::TestWithParam<ViommuRow>
{
};
const ViommuRow viommus[] = {
  { "empty", {}, false },
  { "intel", { "qemu", "-device", "intel-iommu,intremap=on" }, true },
  { "amd", { "qemu", "--device", "amd-iommu" }, true },
  { "virtio", { "qemu", "-device", "virtio-iommu-pci,addr=3" }, true },
  { "json", { "qemu", "-device", "{\"driver\":\"intel-iommu\",\"caching-mode\":true}" }, true },
  { "json_virtio", { "-device", "{\"id\":\"a\",\"driver\": \"virtio-iommu\"}" }, true },
  { "other_device", { "qemu", "-device", "e1000e,id=intel-iommu" }, false },
  { "longer_name", { "qemu", "-device", "intel-iommu-test" }, false },
  { "other_option", { "qemu", "-name", "intel-iommu" }, false },
  { "nothing_behind", { "qemu", "-device" }, false },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          MemlockViommu,
                          testing::ValuesIn (viommus),
                          name_of_row<ViommuRow>);

TEST_P (MemlockViommu, IsFound)
{
  std::vector<const char *> argv = GetParam ().argv;
  argv.push_back (nullptr);
  EXPECT_EQ (vp_memlock_has_viommu (const_cast<char **> (argv.data ())), GetParam ().has_viommu);
}

/* Each as a user without privileges, whose limits are his own. */
class MemlockLimit : public testing::Test
{
protected:
  void
  SetUp () override
  {
    if (geteuid () != 0)
      GTEST_SKIP () << "needs root, to be somebody else with limits of its own";
  }
  static int
  with_limits (guint64 soft, guint64 hard, const std::function<int ()> &something)
  {
    pid_t pid = fork ();
    if (pid == 0)
      {
        const struct rlimit limit = { soft, hard };
        _exit (setrlimit (RLIMIT_MEMLOCK, &limit) != 0 ? 255 : as_user (NOBODY, something));
      }
    int status;
    waitpid (pid, &status, 0);
    return WEXITSTATUS (status);
  }
  static guint64
  soft_limit (pid_t pid = 0)
  {
    struct rlimit limit;
    return prlimit (pid, RLIMIT_MEMLOCK, nullptr, &limit) == 0 ? limit.rlim_cur : 0;
  }
};

TEST_F (MemlockLimit, TheSoftOneIsRaisedAsFarAsTheHardOneGoes)
{
  EXPECT_EQ (with_limits (KIB, 4 * MIB,
                          [] {
                            if (!vp_memlock_limit_raise (0, 2 * MIB, nullptr))
                              return 1;
                            return soft_limit () == 4 * MIB ? 0 : 2;
                          }),
             0);
}

TEST_F (MemlockLimit, WhatIsEnoughIsLeftAlone)
{
  EXPECT_EQ (with_limits (2 * MIB, 4 * MIB,
                          [] {
                            if (!vp_memlock_limit_raise (0, 2 * MIB, nullptr))
                              return 1;
                            return soft_limit () == 2 * MIB ? 0 : 2;
                          }),
             0);
}

TEST_F (MemlockLimit, TooLittleIsRefusedWithBothNumbers)
{
  EXPECT_EQ (with_limits (8 * KIB, MIB,
                          [] {
                            GError *error = nullptr;
                            if (vp_memlock_limit_raise (0, 5 * GIB, &error))
                              return 1;
                            if (!g_error_matches (error, VP_ERROR, VP_ERROR_MEMLOCK))
                              return 2;
                            if (!g_str_equal (error->message,
                                              "QEMU needs 5 GiB of locked memory for VFIO "
                                              "devices, and may have 1 MiB"))
                              return 3;
                            return soft_limit () == 8 * KIB ? 0 : 4;
                          }),
             0);
}

TEST_F (MemlockLimit, WithoutDevicesNothingIsNeeded)
{
  EXPECT_EQ (with_limits (KIB, MIB, [] { return vp_memlock_limit_raise (0, 0, nullptr) ? 0 : 1; }),
             0);
}

TEST_F (MemlockLimit, AnotherProcessIsRaisedToo)
{
  EXPECT_EQ (with_limits (KIB, 4 * MIB,
                          [] {
                            pid_t pid = fork ();
                            if (pid == 0)
                              {
                                pause ();
                                _exit (0);
                              }
                            const bool raised = vp_memlock_limit_raise (pid, 2 * MIB, nullptr);
                            const bool right = soft_limit (pid) == 4 * MIB;
                            kill (pid, SIGKILL);
                            waitpid (pid, nullptr, 0);
                            return raised && right && soft_limit () == KIB ? 0 : 1;
                          }),
             0);
}

TEST_F (MemlockLimit, AProcessThatIsGoneCannotBeRaised)
{
  EXPECT_EQ (with_limits (KIB, 4 * MIB,
                          [] { return vp_memlock_limit_raise (4194304, GIB, nullptr) ? 1 : 0; }),
             0);
}

TEST_F (MemlockLimit, RootHasNone)
{
  EXPECT_TRUE (vp_memlock_limit_raise (0, G_MAXUINT64, nullptr));
}

} // namespace
