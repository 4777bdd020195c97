#include "launcher/boottest/boot-document.h"

#include "qmp/json-writer.h"

#include <gtest/gtest.h>

namespace
{

std::string
text_of (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GString) text = g_string_new (nullptr);

  json_node_set_object (node, object);
  vp_json_write (text, node);
  return text->str;
}

JsonObject *
parse (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, nullptr);

  return json_node_dup_object (node);
}

TEST (BootDocument, HoldsAllThatIsKnown)
{
  VpJudgement judgement = { VP_VERDICT_PANIC, 1, const_cast<char *> ("the kernel panicked") };
  const VpBootStep steps[] = {
    { "expect", "Linux version", TRUE, FALSE, 1250, "Linux version 6.1" },
    { "send", "root", TRUE, FALSE, 1300, nullptr },
    { "stop", nullptr, FALSE, TRUE, 0, nullptr },
    { "expect", "bye\xff", FALSE, FALSE, 0, nullptr },
  };
  const char *tail[] = { "one", "t\xffwo", nullptr };
  g_autoptr (JsonObject) report = parse (R"({"rip":"f+0x1/0x2"})");
  g_autoptr (JsonArray) qmp = json_array_new ();
  VpBootRecord record = {};

  json_array_add_object_element (qmp, parse (R"({"seconds":1.5,"event":"RESET","data":{}})"));
  record.name = "hotplug[machine=pc]";
  record.judgement = &judgement;
  record.has_status = TRUE;
  record.status = 42;
  record.elapsed_ms = 3500;
  record.accel = "tcg";
  record.accel_reason = "there is no /dev/kvm";
  record.scale = 5;
  record.timeout_ms = 300000;
  record.steps = steps;
  record.n_steps = G_N_ELEMENTS (steps);
  record.fail_name = "kernel-panic";
  record.fail_line = "Kernel panic";
  record.kernel_report = report;
  record.console_tail = const_cast<char **> (tail);
  record.qmp = qmp;
  record.qemu = "ended with status 0";
  record.screenshot = "a/screenshot.png";
  record.memory_dump = "a/memory.dump";
  record.console_log = "a/console.log";
  record.command = "vmplug boot --kernel k";
  g_autoptr (JsonObject) document = vp_boot_document_new (&record);

  EXPECT_EQ (text_of (document),
             R"({"name":"hotplug[machine=pc]","verdict":"panic","exit":1,"status":42,)"
             R"("reason":"the kernel panicked","seconds":3.5,"accel":"tcg",)"
             R"("accel_reason":"there is no /dev/kvm","tcg_scale":5.0,"timeout":300.0,)"
             R"("milestones":[{"pattern":"Linux version","seconds":1.25,)"
             R"("line":"Linux version 6.1"}],"steps":[)"
             R"({"do":"expect","text":"Linux version","state":"done","seconds":1.25},)"
             R"({"do":"send","text":"root","state":"done","seconds":1.3},)"
             R"({"do":"stop","text":null,"state":"due"},)"
             R"({"do":"expect","text":"bye)"
             "\uFFFD"
             R"(","state":"pending"}],"evidence":{"kind":"kernel-panic","line":"Kernel panic",)"
             R"("report":{"rip":"f+0x1/0x2"},"console_tail":["one","t)"
             "\uFFFD"
             R"(wo"],"qmp":[{"seconds":1.5,"event":"RESET","data":{}}],)"
             R"("qemu":"ended with status 0","screenshot":"a/screenshot.png",)"
             R"("memory_dump":"a/memory.dump","console_log":"a/console.log",)"
             R"("command":"vmplug boot --kernel k"}})");
  EXPECT_EQ (vp_boot_document_get_verdict (document), VP_VERDICT_PANIC);
  EXPECT_EQ (vp_boot_document_get_seconds (document), 3.5);
  EXPECT_STREQ (vp_boot_document_get_text (document, "reason"), "the kernel panicked");
  g_auto (GStrv) lines = vp_boot_document_get_tail (document);
  EXPECT_EQ (g_strv_length (lines), 2u);
  EXPECT_STREQ (lines[0], "one");
}

TEST (BootDocument, OfNothingIsInfra)
{
  g_autoptr (JsonObject) document =
      vp_boot_document_new_infra ("a", "has not finished", "vmplug boot");

  EXPECT_EQ (text_of (document),
             R"({"name":"a","verdict":"infra","exit":99,"status":null,"reason":"has not finished",)"
             R"("seconds":0.0,"accel":null,"accel_reason":null,"tcg_scale":1.0,"timeout":0.0,)"
             R"("milestones":[],"steps":[],"evidence":{"kind":null,"line":null,"report":null,)"
             R"("console_tail":[],"qmp":[],"qemu":null,"screenshot":null,"memory_dump":null,)"
             R"("console_log":null,"command":"vmplug boot"}})");
}

TEST (BootDocument, OnlyALaterPassIsFlaky)
{
  const struct
  {
    const char *verdict;
    guint attempts;
    bool is_flaky;
  } rows[] = { { "pass", 1, false }, { "pass", 2, true }, { "infra", 3, false } };

  for (const auto &row : rows)
    {
      g_autoptr (JsonObject) document = json_object_new ();

      json_object_set_string_member (document, "verdict", row.verdict);
      vp_boot_document_set_attempts (document, row.attempts);
      EXPECT_EQ (json_object_get_int_member (document, "attempts"), row.attempts);
      EXPECT_EQ (json_object_get_boolean_member (document, "flaky"), row.is_flaky) << row.verdict;
    }
}

TEST (BootDocument, OneOfAnotherProcessMayBeAnything)
{
  const char *texts[] = {
    "{}",
    R"({"verdict":1,"seconds":"x","reason":[],"evidence":[]})",
    R"({"verdict":"odd","seconds":null,"reason":null,"evidence":{"console_tail":{}}})",
    R"({"verdict":null,"seconds":true,"reason":{},"evidence":{"console_tail":[1,null,[]]}})",
  };

  for (const char *text : texts)
    {
      g_autoptr (JsonObject) document = parse (text);
      g_auto (GStrv) lines = vp_boot_document_get_tail (document);

      EXPECT_EQ (vp_boot_document_get_verdict (document), VP_VERDICT_INFRA) << text;
      EXPECT_EQ (vp_boot_document_get_seconds (document), 0) << text;
      EXPECT_STREQ (vp_boot_document_get_text (document, "reason"), "") << text;
      EXPECT_EQ (g_strv_length (lines), 0u) << text;
    }
}

} // namespace
