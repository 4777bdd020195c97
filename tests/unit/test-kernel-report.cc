#include "launcher/boottest/kernel-report.h"
#include "tests/support/golden.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <regex>
#include <string>

namespace
{

/* What Debian's 6.1 printed on a serial line, taken from guests that were made to fail. */
std::string
console_of (const std::string &name)
{
  const std::string path = std::string (VMPLUG_GOLDEN_DIR) + "/kernel-report/" + name + ".console";
  g_autofree char *text = nullptr;
  EXPECT_TRUE (g_file_get_contents (path.c_str (), &text, nullptr, nullptr)) << path;
  return text != nullptr ? text : "";
}

std::string
decode (const std::string &text)
{
  g_auto (GStrv) lines = g_strsplit (text.c_str (), "\n", -1);
  g_autoptr (JsonObject) report = vp_kernel_report_decode (lines);
  if (report == nullptr)
    return "none";
  g_autoptr (JsonNode) node = json_node_alloc ();
  json_node_init_object (node, report);
  g_autofree char *json = json_to_string (node, TRUE);
  return std::string (json) + "\n";
}

class KernelReport : public testing::TestWithParam<const char *>
{
};

TEST_P (KernelReport, IsTakenApart)
{
  expect_golden (std::string ("kernel-report/") + GetParam () + ".json",
                 decode (console_of (GetParam ())));
}

TEST_P (KernelReport, IsTheSameWithoutStampsOrWithCallers)
{
  const std::string text = console_of (GetParam ());
  const std::regex stamp ("(^|\n)\\[ *[0-9]+[.][0-9]+\\] ");
  EXPECT_EQ (decode (std::regex_replace (text, stamp, "$1")), decode (text));
  EXPECT_EQ (decode (std::regex_replace (text, stamp, "$1[    1.000000][   T88] ")), decode (text));
  EXPECT_EQ (decode (std::regex_replace (text, stamp, "$1[   99.999999][    C0] ")), decode (text));
}

TEST_P (KernelReport, DoesNotMindWhatOthersPrint)
{
  const std::string text = console_of (GetParam ());
  EXPECT_EQ (
      decode (std::regex_replace (text, std::regex ("\n"), "\nsystemd[1]: Started a job.\n")),
      decode (text));
  EXPECT_EQ (decode ("# " + text), decode (text)) << "a prompt before it";
}

/* The console may have had no time to show more. */
TEST_P (KernelReport, SaysWhatItKnowsOfABeginning)
{
  const std::string text = console_of (GetParam ());
  size_t n_known = 0;
  for (size_t end = text.find ('\n'); end != std::string::npos; end = text.find ('\n', end + 1))
    {
      const bool known = decode (text.substr (0, end)) != "none";
      EXPECT_TRUE (known || n_known == 0) << "what is known stays known";
      n_known += known;
    }
  EXPECT_GT (n_known, 10u);
}

INSTANTIATE_TEST_SUITE_P (
    Debian,
    KernelReport,
    testing::Values ("no-root", "init-exits", "oops-goes-on", "oops-panics", "general-protection"));

struct Line
{
  const char *name;
  const char *line;
  const char *want; /* nullptr: no report */
};

class KernelReportLine : public testing::TestWithParam<Line>
{
};

TEST_P (KernelReportLine, BeginsAReport)
{
  g_auto (GStrv) lines = g_strsplit (GetParam ().line, "\n", -1);
  g_autoptr (JsonObject) report = vp_kernel_report_decode (lines);
  ASSERT_EQ (report != nullptr, GetParam ().want != nullptr);
  if (report != nullptr)
    {
      EXPECT_STREQ (json_object_get_string_member (report, "line"), GetParam ().want);
    }
}

const Line lines[] = {
  { "nothing", "", nullptr },
  { "a_boot", "[    0.000000] Command line: console=ttyS0 panic=1 oops=panic", nullptr },
  { "a_program", "[    3.1] traps: a.out[88] general protection fault ip:401000 sp:7ffc error:0",
    nullptr },
  { "a_warning", "[    1.000000] WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:5534 f+0x1/0x2",
    nullptr },
  { "soft_lockup", "[   52.000001] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:88]",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:88]" },
  { "hard_lockup", "[   12.000001] NMI watchdog: Watchdog detected hard LOCKUP on cpu 0",
    "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0" },
  { "bug", "[    1.000000] kernel BUG at lib/list_debug.c:51!",
    "kernel BUG at lib/list_debug.c:51!" },
  { "opcode", "[    1.000000] invalid opcode: 0000 [#1] SMP PTI",
    "invalid opcode: 0000 [#1] SMP PTI" },
  { "arm64",
    "[    1.000000] Unable to handle kernel NULL pointer dereference at virtual address 0c",
    "Unable to handle kernel NULL pointer dereference at virtual address 0c" },
  { "arm64_internal", "Internal error: Oops: 0000000096000005 [#2] PREEMPT SMP",
    "Internal error: Oops: 0000000096000005 [#2] PREEMPT SMP" },
  { "newer_oops", "[    1.000000] Oops: general protection fault, 0000 [#1] SMP",
    "Oops: general protection fault, 0000 [#1] SMP" },
};

INSTANTIATE_TEST_SUITE_P (Table, KernelReportLine, testing::ValuesIn (lines), name_of_row<Line>);

} // namespace
