#include "launcher/boottest/boot-options.h"
#include "launcher/boottest/step.h"
#include "launcher/error.h"

#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using Words = std::vector<std::string>;

/* Parses a command line as the program does: options and steps' words, in their order. */
bool
parse (VpBootOptions *options, const Words &words, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (nullptr);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, "boot");
  for (const std::string &word : words)
    g_strv_builder_add (builder, word.c_str ());
  g_auto (GStrv) argv = g_strv_builder_end (builder);
  g_option_context_set_main_group (context, vp_boot_options_group (options));
  return g_option_context_parse_strv (context, &argv, error) &&
         vp_boot_options_check (options, error);
}

std::string
steps_of (const VpBootOptions *options)
{
  std::string text;

  for (guint i = 0; i < options->steps->len; i++)
    {
      const auto *step = static_cast<VpStep *> (options->steps->pdata[i]);
      text += (i > 0 ? "; " : "") + std::string (vp_step_kind_to_string (step->kind));
      text += step->text != nullptr ? " " + std::string (step->text) : "";
      text += step->within_ms > 0 ? " within " + std::to_string (step->within_ms) : "";
    }
  return text;
}

struct Script
{
  const char *name;
  Words words;
  const char *steps;
};

const Script scripts[] = {
  { "options", { "--expect", "a", "--send", "b", "--at=c" }, "expect a; send b; expect c" },
  { "words", { "expect", "a", "send", "b" }, "expect a; send b" },
  { "both_in_their_order",
    { "--at", "login:@60", "attach", "nic,user,id=n1", "--expect", "virtio@1.5", "detach", "n1",
      "--send", "x", "reset", "stop" },
    "expect login: within 60000; attach nic,user,id=n1; expect virtio within 1500; detach n1; "
    "send x; reset; stop" },
  { "an_option_inside_a_step", { "expect", "--timeout", "5", "a" }, "expect a" },
  { "text_that_is_a_word", { "expect", "stop" }, "expect stop" },
  { "text_that_looks_like_a_time", { "send", "a@5" }, "send a@5" },
};

class BootScript : public testing::TestWithParam<Script>
{
};

TEST_P (BootScript, KeepsTheOrderOfTheCommandLine)
{
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autoptr (GError) error = nullptr;

  EXPECT_TRUE (parse (options, GetParam ().words, &error)) << error->message;
  EXPECT_EQ (steps_of (options), GetParam ().steps);
}

INSTANTIATE_TEST_SUITE_P (Table, BootScript, testing::ValuesIn (scripts), name_of_row<Script>);

struct Good
{
  const char *name;
  const char *option;
  const char *value;
  std::function<bool (const VpBootOptions *)> holds;
};

#define HOLDS(condition) [] (const VpBootOptions *o) { return static_cast<bool> (condition); }

const Good good[] = {
  { "timeout", "timeout", "90", HOLDS (o->timeout_ms == 90000) },
  { "timeout_fraction", "timeout", "0.25", HOLDS (o->timeout_ms == 250) },
  { "stall", "stall", "10", HOLDS (o->stall_ms == 10000) },
  { "tcg_scale", "tcg-scale", "1.5", HOLDS (o->tcg_scale == 1.5) },
  { "resets_none", "resets", "0", HOLDS (o->resets == 0) },
  { "fail_on", "fail-on", "BUG.*", HOLDS (o->fail_on->len == 1 && !o->no_builtin) },
  { "fail_on_none", "fail-on", "none", HOLDS (o->fail_on->len == 0 && o->no_builtin) },
  { "result_port", "result", "port", HOLDS (o->result == VP_RESULT_PORT) },
  { "result_debug_exit", "result", "debug-exit",
    HOLDS (o->result == VP_RESULT_DEBUG_EXIT && o->result_value == 0x10) },
  { "result_debug_exit_hex", "result", "debug-exit:0x2A",
    HOLDS (o->result == VP_RESULT_DEBUG_EXIT && o->result_value == 42) },
  { "result_debug_exit_decimal", "result", "debug-exit:127", HOLDS (o->result_value == 127) },
  { "events", "events", "fd:3", HOLDS (o->events_fd == 3) },
  { "artifacts", "artifacts", "a/b", HOLDS (g_str_equal (o->artifacts, "a/b")) },
  { "junit", "junit", "j.xml", HOLDS (g_str_equal (o->junit, "j.xml")) },
  { "tap_on", "tap", "on", HOLDS (o->tap) },
  { "tap_off", "tap", "off", HOLDS (!o->tap) },
  { "console", "console", "on", HOLDS (o->console) },
  { "skip_if", "skip-if", "no-kvm", HOLDS (o->skip_if->len == 1) },
  { "qemu_arg", "qemu-arg", "-d", HOLDS (o->qemu_args->len == 1) },
};

class BootOption : public testing::TestWithParam<Good>
{
};

TEST_P (BootOption, IsSet)
{
  const Good &row = GetParam ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autoptr (GError) error = nullptr;

  EXPECT_TRUE (vp_boot_options_set (options, row.option, row.value, &error)) << error->message;
  EXPECT_TRUE (row.holds (options));
}

INSTANTIATE_TEST_SUITE_P (Table, BootOption, testing::ValuesIn (good), name_of_row<Good>);

struct Bad
{
  const char *name;
  Words words;
  const char *why;
};

const Bad bad[] = {
  { "nothing_is_expected", {}, "nothing is expected, and no test passes without that" },
  { "only_a_time", { "--timeout", "5" }, "nothing is expected" },
  { "no_step", { "--expect", "a", "wait" }, "\"wait\" is no step" },
  { "step_without_text", { "--expect", "a", "attach" }, "\"attach\" is not followed by what" },
  { "malformed_text", { "detach", "a/b" }, "detach: \"a/b\" is not a device's id" },
  { "malformed_expect", { "--expect", "(" }, "--expect: \"(\"" },
  { "malformed_fail_on", { "--expect", "a", "--fail-on", "[" }, "--fail-on: \"[\"" },
  { "empty_fail_on", { "--expect", "a", "--fail-on=" }, "matches everything" },
  { "timeout_of_nothing", { "--expect", "a", "--timeout", "0" }, "--timeout: \"0\" is not" },
  { "timeout_of_days", { "--expect", "a", "--timeout", "86401" }, "--timeout: \"86401\" is not" },
  { "timeout_is_no_number", { "--expect", "a", "--timeout", "5s" }, "--timeout: \"5s\" is not" },
  { "timeout_twice", { "--timeout", "5", "--timeout", "6" }, "--timeout is given twice" },
  { "scale_of_nothing", { "--tcg-scale", "0" }, "--tcg-scale: \"0\" is not a number from 0.1" },
  { "resets", { "--resets", "-1" }, "--resets: \"-1\" is not a number from 0" },
  { "result", { "--result", "exit" }, "--result: \"exit\" is neither" },
  { "result_that_is_left_out", { "--result", "notify" }, "--result: \"notify\" is neither" },
  { "result_that_says_nothing", { "--result", "debug-exit:0" }, "\"0\" is not a number from 1" },
  { "result_too_large", { "--result", "debug-exit:0x80" }, "\"0x80\" is not a number from 1" },
  { "events", { "--events", "3" }, "--events: \"3\" is not fd:NUMBER" },
  { "events_on_stdin", { "--events", "fd:0" }, "\"0\" is not a number from 1" },
  { "artifacts", { "--artifacts", "" }, "--artifacts: \"\" is empty" },
  { "skip_if", { "--skip-if", "rain" }, "--skip-if: \"rain\" is none of" },
  { "dump_without_a_place", { "--expect", "a", "--dump-memory" }, "--dump-memory needs" },
  { "control_character", { "--send", "a\nb" }, "--send: " },
};

class BadBootOption : public testing::TestWithParam<Bad>
{
};

TEST_P (BadBootOption, IsRefused)
{
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_FALSE (parse (options, GetParam ().words, &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE)) << error->message;
  EXPECT_NE (std::string (error->message).find (GetParam ().why), std::string::npos)
      << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, BadBootOption, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (BootOptions, AreKnownByName)
{
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autoptr (GError) error = nullptr;

  for (guint i = 0; vp_boot_option_get (i) != nullptr; i++)
    EXPECT_EQ (vp_boot_option_find (vp_boot_option_get (i)->name), vp_boot_option_get (i));
  EXPECT_EQ (vp_boot_option_find ("machine"), nullptr);
  EXPECT_FALSE (vp_boot_options_set (options, "machine", "pc", &error));
  EXPECT_STREQ (error->message, "\"machine\" is not an option");
}

TEST (BootOptions, ACommandIsEnoughToExpect)
{
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  const char *const command[] = { "true", nullptr };

  options->command = g_strdupv (const_cast<char **> (command));
  EXPECT_TRUE (vp_boot_options_check (options, nullptr));
}

} // namespace
