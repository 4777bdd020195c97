#include "launcher/boottest/step.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

struct Row
{
  const char *name;
  VpStepKind kind;
  const char *given;
  const char *text; /* nullptr: refused */
  guint within_ms;
};

class Step : public testing::TestWithParam<Row>
{
};

TEST_P (Step, IsReadOrRefused)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpStep) step = vp_step_new (row.kind, row.given, &error);
  ASSERT_EQ (step != nullptr, row.text != nullptr) << (error != nullptr ? error->message : "");
  if (step == nullptr)
    {
      EXPECT_NE (error, nullptr);
      return;
    }
  EXPECT_STREQ (step->text, row.text);
  EXPECT_EQ (step->within_ms, row.within_ms);
  EXPECT_EQ (step->regex != nullptr, row.kind == VP_STEP_EXPECT);
  EXPECT_EQ (step->spec != nullptr, row.kind == VP_STEP_ATTACH);
}

const Row rows[] = {
  { "expect", VP_STEP_EXPECT, "login:", "login:", 0 },
  { "seconds", VP_STEP_EXPECT, "login:@60", "login:", 60000 },
  { "fraction", VP_STEP_EXPECT, "login:@0.25", "login:", 250 },
  { "at_in_it", VP_STEP_EXPECT, "root@host:@5", "root@host:", 5000 },
  { "no_seconds", VP_STEP_EXPECT, "virtio@10$", "virtio@10$", 0 },
  { "escaped_at", VP_STEP_EXPECT, "virtio\\@10", "virtio\\@10", 0 },
  { "only_seconds", VP_STEP_EXPECT, "@5", "@5", 0 },
  { "no_time", VP_STEP_EXPECT, "login:@0", nullptr, 0 },
  { "too_long", VP_STEP_EXPECT, "login:@100000", nullptr, 0 },
  { "matches_all", VP_STEP_EXPECT, "", nullptr, 0 },
  { "no_regex", VP_STEP_EXPECT, "(login", nullptr, 0 },
  { "pcre_setting", VP_STEP_EXPECT, "(*UTF)login", nullptr, 0 },
  { "nothing", VP_STEP_EXPECT, nullptr, nullptr, 0 },
  { "send_keeps_at", VP_STEP_SEND, "mail a@5", "mail a@5", 0 },
  { "attach", VP_STEP_ATTACH, "rng,id=r1@10", "rng,id=r1", 10000 },
  { "bad_spec", VP_STEP_ATTACH, "nic,nonsense", nullptr, 0 },
  { "detach", VP_STEP_DETACH, "r1@2", "r1", 2000 },
  { "bad_id", VP_STEP_DETACH, "-r", nullptr, 0 },
  { "stop_with_text", VP_STEP_STOP, "now", nullptr, 0 },
};

INSTANTIATE_TEST_SUITE_P (Table, Step, testing::ValuesIn (rows), name_of_row<Row>);

struct Send
{
  const char *name;
  const char *text;
  std::string bytes; /* "refused" */
};

class StepSend : public testing::TestWithParam<Send>
{
};

TEST_P (StepSend, HasEscapes)
{
  g_autoptr (VpStep) step = vp_step_new (VP_STEP_SEND, GetParam ().text, nullptr);
  if (step == nullptr)
    {
      EXPECT_EQ (GetParam ().bytes, "refused");
      return;
    }
  gsize size;
  auto *data = static_cast<const char *> (g_bytes_get_data (step->bytes, &size));
  EXPECT_EQ (std::string (data, size), GetParam ().bytes);
}

const Send sends[] = {
  { "line", "root", "root\n" },
  { "empty", "", "\n" },
  { "no_newline", "yes\\c", "yes" },
  { "only_that", "\\c", std::string () },
  { "control", "\\x03\\c", "\x03" },
  { "octal", "\\101\\0", std::string ("A\0\n", 3) },
  { "letters", "\\r\\t\\e[A\\\\", "\r\t\x1b[A\\\n" },
  { "utf8", "\xc3\xa9", "\xc3\xa9\n" },
  { "unknown", "\\q", "refused" },
  { "no_digits", "\\x", "refused" },
  { "no_byte", "\\777", "refused" },
  { "unfinished", "a\\", "refused" },
  { "early_end", "\\cx", "refused" },
};

INSTANTIATE_TEST_SUITE_P (Table, StepSend, testing::ValuesIn (sends), name_of_row<Send>);

TEST (StepKind, HasAWord)
{
  VpStepKind kind = VP_STEP_RESET;
  EXPECT_FALSE (vp_step_kind_from_string ("pause", &kind));
  for (const char *word : { "expect", "send", "attach", "detach", "stop", "reset" })
    {
      ASSERT_TRUE (vp_step_kind_from_string (word, &kind));
      EXPECT_STREQ (vp_step_kind_to_string (kind), word);
      EXPECT_EQ (vp_step_kind_takes_text (kind), kind != VP_STEP_STOP && kind != VP_STEP_RESET);
    }
}

} // namespace
