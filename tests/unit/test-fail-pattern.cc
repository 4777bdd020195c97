#include "launcher/boottest/fail-pattern.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

struct Row
{
  const char *name;
  const char *line;
  const char *pattern; /* nullptr: harmless */
  VpVerdict verdict;
};

class FailPattern : public testing::TestWithParam<Row>
{
protected:
  const VpFailPattern *
  find (const VpFailPatterns *patterns)
  {
    const std::string line = GetParam ().line;
    return vp_fail_patterns_find (patterns, line.data (), line.size (), 0, G_MAXSIZE, TRUE);
  }
};

TEST_P (FailPattern, KnowsALine)
{
  g_autoptr (VpFailPatterns) patterns = vp_fail_patterns_new (nullptr, TRUE, nullptr);
  const VpFailPattern *found = find (patterns);
  EXPECT_STREQ (found != nullptr ? found->name : nullptr, GetParam ().pattern);
  if (found != nullptr)
    {
      EXPECT_EQ (found->verdict, GetParam ().verdict);
    }
}

TEST_P (FailPattern, IsSuspectedAmongOthers)
{
  g_autoptr (VpFailPatterns) patterns = vp_fail_patterns_new (nullptr, TRUE, nullptr);
  const std::string text = std::string ("one\n") + GetParam ().line + "\nthree\n";
  EXPECT_EQ (vp_fail_patterns_suspect (patterns, text.data (), text.size ()),
             GetParam ().pattern != nullptr);
}

TEST_P (FailPattern, CanBeSwitchedOff)
{
  g_autoptr (VpFailPatterns) patterns = vp_fail_patterns_new (nullptr, FALSE, nullptr);
  EXPECT_EQ (find (patterns), nullptr);
}

const Row rows[] = {
  { "boot", "[    0.000000] Command line: panic=1 oops=panic", nullptr, VP_VERDICT_PASS },
  { "halt", "[   10.000000] reboot: System halted", nullptr, VP_VERDICT_PASS },
  { "a_program", "traps: a[1] general protection fault ip:4 sp:7 error:0", nullptr,
    VP_VERDICT_PASS },
  { "debug", "DEBUG: nothing", nullptr, VP_VERDICT_PASS },
  { "panic", "[ 1.0] Kernel panic - not syncing: VFS", "kernel panic", VP_VERDICT_PANIC },
  { "null", "[ 1.0] BUG: kernel NULL pointer dereference, address: 00", "kernel oops",
    VP_VERDICT_OOPS },
  { "page", "[ 1.0] BUG: unable to handle page fault for address: ff", "kernel oops",
    VP_VERDICT_OOPS },
  { "oops", "[ 1.0] Oops: 0002 [#1] PREEMPT SMP", "kernel oops", VP_VERDICT_OOPS },
  { "arm64", "Internal error: synchronous external abort: 96000210 [#1] SMP", "kernel oops",
    VP_VERDICT_OOPS },
  { "bug", "[ 1.0] kernel BUG at mm/slub.c:5!", "kernel BUG", VP_VERDICT_OOPS },
  { "sleeping", "[ 1.0] BUG: sleeping function called", "kernel BUG", VP_VERDICT_OOPS },
  { "soft", "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [a:1]", "soft lockup",
    VP_VERDICT_HANG },
  { "hard", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0", "hard lockup",
    VP_VERDICT_HANG },
  { "initramfs", "(initramfs) ", "initramfs shell", VP_VERDICT_FAIL },
  { "drop", "ALERT!  /dev/vda1 does not exist.  Dropping to a shell!", "initramfs shell",
    VP_VERDICT_FAIL },
  { "dracut", "dracut:/# ", "dracut emergency shell", VP_VERDICT_FAIL },
  { "systemd", "You are in emergency mode. After logging in, type", "emergency mode",
    VP_VERDICT_FAIL },
  { "grub", "grub rescue> ", "GRUB rescue", VP_VERDICT_FAIL },
  { "loader", " -- System halted", "kernel not loaded", VP_VERDICT_FAIL },
  { "seabios", "No bootable device.", "nothing to boot", VP_VERDICT_FAIL },
  { "ovmf", "BdsDxe: No bootable option or device was found.", "nothing to boot", VP_VERDICT_FAIL },
};

INSTANTIATE_TEST_SUITE_P (Table, FailPattern, testing::ValuesIn (rows), name_of_row<Row>);

TEST (FailPatterns, TheUsersOwnComeLast)
{
  const char *const own[] = { "panic", "WARN", nullptr };
  g_autoptr (VpFailPatterns) patterns = vp_fail_patterns_new (own, TRUE, nullptr);
  const std::string line = "WARN Kernel panic - not syncing";
  EXPECT_STREQ (
      vp_fail_patterns_find (patterns, line.data (), line.size (), 0, G_MAXSIZE, TRUE)->name,
      "kernel panic");
  EXPECT_STREQ (
      vp_fail_patterns_find (patterns, line.data (), line.size (), 0, G_MAXSIZE, FALSE)->name,
      "panic");
  EXPECT_STREQ (vp_fail_patterns_find (patterns, line.data (), line.size (), 0, 4, FALSE)->name,
                "WARN")
      << "the other begins too late";
}

TEST (FailPatterns, ABadOneIsRefused)
{
  const char *const own[] = { "(", nullptr };
  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (vp_fail_patterns_new (own, TRUE, &error), nullptr);
  EXPECT_NE (error, nullptr);
}

} // namespace
