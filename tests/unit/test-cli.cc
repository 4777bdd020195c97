#include "devices/error.h"
#include "launcher/cli.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/error.h"
#include "launcher/pci-class.h"
#include "qmp/json-reader.h"
#include "qmp/message.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/plan-input.h"
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
  VpCommandLine line = { row.usage, "Tests.", entries, nullptr, row.min, row.max, nullptr };
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

/* vmplug devices */

class Devices : public testing::Test
{
protected:
  FakeSysfs host_;

  Devices ()
  {
    host_.pci ("0000:40:00.0").ids (0x8086, 0x352a).class_code (0x060400).driver ("pcieport");
    host_.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200).bars (GPU);
    host_.pci ("0000:41:00.0").driver ("vfio-pci").group (40).numa_node (1);
    host_.pci ("0000:42:00.0").bars (NIC_WITH_IO).driver ("e1000e").group (41);
    host_.pci ("0000:43:00.0").pcie (false).bars (EDU).driver ("vfio-pci").group (42);
    host_.add_group_node (40);
  }

  /* Runs it; returns what it printed, or the error's message. */
  std::string
  print (Words words, GError **error = nullptr)
  {
    gboolean as_json = FALSE;
    g_autoptr (GError) local = nullptr;

    words.insert (words.begin (), { "devices", "--root", host_.root () });
    testing::internal::CaptureStdout ();
    const int status = run (words, &as_json, &local);
    fflush (stdout);
    std::string out = testing::internal::GetCapturedStdout ();
    EXPECT_EQ (status, local == nullptr ? 0 : -1);
    if (local != nullptr)
      {
        out = local->message;
        g_propagate_error (error, g_steal_pointer (&local));
      }
    return out;
  }
  JsonArray *
  json (Words words)
  {
    words.push_back ("--json");
    std::string text = print (words);
    g_autoptr (GError) error = nullptr;
    g_clear_pointer (&document_, json_object_unref);
    document_ = vp_qmp_message_parse (text.substr (0, text.size () - 1).c_str (), &error);
    EXPECT_NE (document_, nullptr) << error->message;
    return vp_qmp_message_get_array (document_, "devices");
  }
  ~Devices () override { g_clear_pointer (&document_, json_object_unref); }

private:
  JsonObject *document_ = nullptr;
};

TEST_F (Devices, JsonIsThatOfTheContract)
{
  JsonArray *devices = json ({});

  ASSERT_EQ (json_array_get_length (devices), 4u);
  JsonObject *gpu = json_array_get_object_element (devices, 1);
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "address"), "0000:41:00.0");
  EXPECT_EQ (vp_qmp_message_get_int (gpu, "group", -1), 40);
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "type"), "pci");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "vendor"), "10de");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "device"), "20b5");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "class"), "030200");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "driver"), "vfio-pci");
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "pcie", FALSE));
  EXPECT_EQ (vp_qmp_message_get_int (gpu, "numa", -1), 1);
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "large", FALSE));
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "assignable", FALSE));
  EXPECT_TRUE (json_object_get_null_member (gpu, "reason"));

  JsonArray *bars = vp_qmp_message_get_array (gpu, "bars");
  ASSERT_EQ (json_array_get_length (bars), 3u);
  JsonObject *bar = json_array_get_object_element (bars, 1);
  EXPECT_EQ (vp_qmp_message_get_int (bar, "index", -1), 2);
  EXPECT_STREQ (vp_qmp_message_get_string (bar, "kind"), "mem64");
  EXPECT_TRUE (vp_qmp_message_get_boolean (bar, "prefetchable", FALSE));
  EXPECT_EQ (vp_qmp_message_get_int (bar, "size", -1), gint64 (16 * GiB));
}

TEST_F (Devices, JsonSaysWhyNot)
{
  JsonArray *devices = json ({ "42:00.0", "40:00.0" });

  ASSERT_EQ (json_array_get_length (devices), 2u);
  JsonObject *nic = json_array_get_object_element (devices, 0);
  EXPECT_FALSE (vp_qmp_message_get_boolean (nic, "assignable", TRUE));
  EXPECT_NE (strstr (vp_qmp_message_get_string (nic, "reason"), "e1000e"), nullptr);
  JsonObject *bridge = json_array_get_object_element (devices, 1);
  EXPECT_TRUE (json_object_get_null_member (bridge, "group"));
  EXPECT_FALSE (vp_qmp_message_get_boolean (bridge, "assignable", TRUE));
}

TEST_F (Devices, ABoundDeviceWithoutItsNodeIsNotAssignable)
{
  JsonArray *devices = json ({ "43:00.0" });
  JsonObject *device = json_array_get_object_element (devices, 0);

  EXPECT_FALSE (vp_qmp_message_get_boolean (device, "assignable", TRUE));
  EXPECT_NE (strstr (vp_qmp_message_get_string (device, "reason"), "/dev/vfio/42"), nullptr);
}

TEST_F (Devices, ReferencesSelectAndNeverRepeat)
{
  EXPECT_EQ (json_array_get_length (json ({ "41:00.0", "/dev/vfio/40", "0000:41:00.0" })), 1u);
  EXPECT_EQ (json_array_get_length (json ({ "/dev/vfio/42", "41:00.0" })), 2u);
}

TEST_F (Devices, TheThresholdMoves)
{
  JsonArray *devices = json ({ "41:00.0", "--large-bar", "32G" });

  EXPECT_FALSE (
      vp_qmp_message_get_boolean (json_array_get_object_element (devices, 0), "large", TRUE));
}

TEST_F (Devices, TableForPeople)
{
  const std::string table = print ({ "40:00.0", "41:00.0", "42:00.0" });

  EXPECT_EQ ("\n" + table, R"(
ADDRESS       GROUP  ID         CLASS                DRIVER    BARS                            ASSIGNABLE
0000:40:00.0  -      8086:352a  PCI bridge           pcieport  -                               no: is a bridge: VFIO does not hand over bridges
0000:41:00.0  40     10de:20b5  3D controller        vfio-pci  16 MiB, 16 GiB (large), 32 MiB  yes
0000:42:00.0  41     8086:10d3  Ethernet controller  e1000e    128 KiB, 32 B                   no: is driven by e1000e, not by vfio-pci
)");
}

TEST_F (Devices, AHostWithoutDevicesHasAnEmptyList)
{
  FakeSysfs empty;

  EXPECT_EQ (json_array_get_length (json ({ "--root", empty.root () })), 0u);
}

TEST_F (Devices, Refusals)
{
  g_autoptr (GError) error = nullptr;

  print ({ "nonsense" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  g_clear_error (&error);
  print ({ "77:00.0" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
  g_clear_error (&error);
  print ({ "--large-bar", "0" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
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
