#include "launcher/cli.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/output.h"
#include "launcher/error.h"
#include "launcher/pci-class.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

/* A command line that vp_command_line_parse() may change. */
class Argv
{
public:
  Argv (std::vector<std::string> words) : words_ (std::move (words))
  {
    for (std::string &word : words_)
      pointers_.push_back (word.data ());
    pointers_.push_back (nullptr);
  }
  int
  argc () const
  {
    return static_cast<int> (words_.size ());
  }
  char **
  argv ()
  {
    return pointers_.data ();
  }

private:
  std::vector<std::string> words_;
  std::vector<char *> pointers_;
};

using Words = std::vector<std::string>;

/* vp_command_line_parse() */

struct Row
{
  const char *name;
  const char *usage;
  int min, max;
  Words words;               /* after the command's name */
  Words args;                /* what is left */
  const char *why = nullptr; /* or why it is refused */
};

const Row rows[] = {
  { "nothing", nullptr, 0, 0, {}, {} },
  { "positional", "VM ID", 2, 2, { "a", "b" }, { "a", "b" } },
  { "options_between", "VM ID", 2, 2, { "a", "--json", "b", "--number=3" }, { "a", "b" } },
  { "any_number", "[REF…]", 0, -1, { "a", "b", "c" }, { "a", "b", "c" } },
  { "rest_is_kept",
    "[-- QEMU-ARG…]",
    0,
    0,
    { "--json", "--", "-m", "--json" },
    { "--", "-m", "--json" } },
  { "rest_is_empty", "[-- QEMU-ARG…]", 0, 0, { "--" }, { "--" } },
  { "rest_is_not_counted",
    "VM [-- QEMU-ARG…]",
    1,
    1,
    { "a", "--", "b", "c" },
    { "a", "--", "b", "c" } },
  { "second_dashes_belong_to_the_rest",
    "[-- QEMU-ARG…]",
    0,
    0,
    { "--", "--", "x" },
    { "--", "--", "x" } },
  { "dashes_end_the_options", "VM ID", 2, 2, { "a", "--", "--json" }, { "a", "--json" } },
  { "a_dash_is_an_argument", "VM ID", 2, 2, { "-", "x" }, { "-", "x" } },
  { "too_few",
    "VM ID",
    2,
    2,
    { "a" },
    {},
    "too few arguments, expected VM ID; see vmplug test --help" },
  { "too_many",
    "VM ID",
    2,
    2,
    { "a", "b", "c" },
    {},
    "\"c\" is an argument too many; see vmplug test" },
  { "too_many_after_dashes", "VM", 1, 1, { "--", "a", "b" }, {}, "\"b\" is an argument too many" },
  { "stray_before_the_rest",
    "[-- QEMU-ARG…]",
    0,
    0,
    { "x", "--", "y" },
    {},
    "\"x\" is an argument too many" },
  { "unknown_option", nullptr, 0, 0, { "--bogus" }, {}, "unknown option --bogus; see vmplug test" },
  { "unknown_short_option", nullptr, 0, 0, { "-x" }, {}, "unknown option -x; see vmplug test" },
  { "not_a_number", nullptr, 0, 0, { "--number=x" }, {}, "for --number; see vmplug test --help" },
  { "value_is_missing", nullptr, 0, 0, { "--number" }, {}, "--number; see vmplug test --help" },
};

class CommandLine : public testing::TestWithParam<Row>
{
};

TEST_P (CommandLine, LeavesThePositionalArguments)
{
  const Row &row = GetParam ();
  int number = 0;
  const GOptionEntry entries[] = {
    { "number", 0, 0, G_OPTION_ARG_INT, &number, "A number", "N" },
    {},
  };
  VpCommandLine line = {
    row.usage, "Tests.", entries, nullptr, nullptr, row.min, row.max, nullptr
  };
  gboolean as_json = FALSE;
  g_autoptr (GError) error = nullptr;
  Words words = row.words;
  words.insert (words.begin (), "test");
  Argv argv (words);

  g_auto (GStrv) args = vp_command_line_parse (&line, argv.argc (), argv.argv (), &as_json, &error);
  g_autofree char *root = line.root;
  if (row.why != nullptr)
    {
      ASSERT_EQ (args, nullptr);
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
      EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
      EXPECT_EQ (root, nullptr);
      return;
    }
  ASSERT_NE (args, nullptr) << error->message;
  EXPECT_EQ (Words (args, args + g_strv_length (args)), row.args);
}

INSTANTIATE_TEST_SUITE_P (Table, CommandLine, testing::ValuesIn (rows), name_of_row<Row>);

/* Returns the root that @words lead to. */
std::string
root_of (Words words)
{
  VpCommandLine line = {};
  words.insert (words.begin (), "test");
  Argv argv (words);
  g_auto (GStrv) args = vp_command_line_parse (&line, argv.argc (), argv.argv (), nullptr, nullptr);
  g_autofree char *root = line.root;

  return root != nullptr ? root : "";
}

TEST (CommandLineRoot, IsTheOptionElseTheVariableElseTheHost)
{
  g_unsetenv ("VMPLUG_ROOT");
  EXPECT_EQ (root_of ({}), "/");
  EXPECT_EQ (root_of ({ "--root", "/a" }), "/a");
  g_setenv ("VMPLUG_ROOT", "/b", TRUE);
  EXPECT_EQ (root_of ({}), "/b");
  EXPECT_EQ (root_of ({ "--root=/a" }), "/a");
  g_setenv ("VMPLUG_ROOT", "", TRUE);
  EXPECT_EQ (root_of ({}), "/");
  g_unsetenv ("VMPLUG_ROOT");
}

TEST (CommandLineJson, IsKnownAlsoWhenTheRestIsWrong)
{
  VpCommandLine line = {};
  gboolean as_json = FALSE;
  Argv argv ({ "test", "--bogus", "--json" });

  EXPECT_EQ (vp_command_line_parse (&line, argv.argc (), argv.argv (), &as_json, nullptr), nullptr);
  EXPECT_TRUE (as_json);
}

TEST (CommandLineJson, IsNoOptionOfACommandWithoutIt)
{
  VpCommandLine line = {};
  g_autoptr (GError) error = nullptr;
  Argv argv ({ "test", "--json" });

  EXPECT_EQ (vp_command_line_parse (&line, argv.argc (), argv.argv (), nullptr, &error), nullptr);
  EXPECT_TRUE (g_str_has_prefix (error->message, "unknown option --json")) << error->message;
}

/* --help of every command that the table has. */

int
run (const Words &words, gboolean *as_json, GError **error)
{
  Argv argv (words);
  return vp_cli_find (words[0].c_str ())->run (argv.argc (), argv.argv (), as_json, error);
}

TEST (CliDeathTest, PlanHelpListsWhatThereIsAndExits0)
{
  testing::internal::CaptureStdout ();
  EXPECT_EXIT (
      {
        gboolean as_json;
        dup2 (STDERR_FILENO, STDOUT_FILENO);
        run ({ "plan", "--help" }, &as_json, nullptr);
      },
      testing::ExitedWithCode (0), "--spare-window=SIZE(.|\n)*--json(.|\n)*--help");
  testing::internal::GetCapturedStdout ();
}

TEST (Cli, FindsWhatItsHelpLists)
{
  g_autofree char *help = vp_cli_help ();
  g_auto (GStrv) lines = g_strsplit (help, "\n", -1);
  guint n = 0;

  for (char **line = lines; *line != nullptr; line++)
    if (g_str_has_prefix (*line, "  ") && (*line)[2] != '-')
      {
        g_autofree char *name = g_strndup (*line + 2, strcspn (*line + 2, " "));
        const VpCommand *command = vp_cli_find (name);
        ASSERT_NE (command, nullptr) << name;
        EXPECT_STREQ (command->name, name);
        EXPECT_NE (command->run, nullptr);
        EXPECT_NE (strstr (*line, command->summary), nullptr);
        n++;
      }
  EXPECT_GE (n, 2u);
}

TEST (Cli, KnowsNoOtherCommands)
{
  for (const char *name : { "", "pla", "plans", "Plan", "--help", "plan " })
    EXPECT_EQ (vp_cli_find (name), nullptr) << name;
}

/* Names of classes. */

struct Class
{
  const char *name;
  guint32 code;
  const char *text;
};

const Class classes[] = {
  { "vga", 0x030000, "VGA controller" },
  { "gpu", 0x030200, "3D controller" },
  { "other_display", 0x038000, "display controller" },
  { "nvme", 0x010802, "NVMe controller" },
  { "other_storage", 0x018000, "storage controller" },
  { "ethernet", 0x020000, "Ethernet controller" },
  { "nvswitch", 0x068000, "bridge" },
  { "pci_bridge", 0x060401, "PCI bridge" },
  { "accelerator", 0x120000, "processing accelerator" },
  { "nothing", 0xff0000, "device" },
  { "old", 0x000000, "device" },
};

class PciClass : public testing::TestWithParam<Class>
{
};

TEST_P (PciClass, HasAName)
{
  EXPECT_STREQ (vp_pci_class_name (GetParam ().code), GetParam ().text);
}

INSTANTIATE_TEST_SUITE_P (Table, PciClass, testing::ValuesIn (classes), name_of_row<Class>);

/* Tables. */

TEST (OutputTable, CountsCharactersNotBytes)
{
  const char *heading[] = { "A", "B", nullptr };
  const char *row[] = { "Größe", "x", nullptr };
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();

  g_ptr_array_add (lines, heading);
  g_ptr_array_add (lines, row);
  testing::internal::CaptureStdout ();
  vp_output_table (lines);
  fflush (stdout);
  EXPECT_EQ (testing::internal::GetCapturedStdout (), "A      B\nGröße  x\n");
}

} // namespace
