#include "launcher/error.h"
#include "launcher/wrapper/device-rule.h"
#include "launcher/wrapper/wrapper-file.h"

#include "tests/support/row-name.h"

#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>
#include <string>

namespace
{

using namespace std::string_literals;

gboolean
apply (const std::string &text, VpWrapperConfig *config, GError **error)
{
  g_autoptr (VpTomlFile) file = vp_toml_file_parse ("a.toml", text.data (), text.size (), error);

  return file != nullptr && vp_wrapper_file_apply (file, config, error);
}

std::string
join (const char *name, char **values)
{
  g_autofree char *joined = g_strjoinv ("|", values);
  return joined[0] != '\0' ? " "s + name + "=" + joined : "";
}

std::string
refs_to_text (const char *name, const GArray *refs)
{
  std::string text;
  for (guint i = 0; i < refs->len; i++)
    {
      g_autofree char *ref = vp_device_ref_to_string (&g_array_index (refs, VpDeviceRef, i));
      text += (i == 0 ? " "s + name + "=" : "|"s) + ref;
    }
  return text;
}

std::string
rule_to_text (const VpDeviceRule *rule)
{
  static const char *const plugs[] = { "", " cold", " hot" };
  std::string text = rule->where;

  text += ":";
  if (rule->spec != nullptr)
    text += " spec="s + rule->spec->text;
  if (rule->sandbox != nullptr)
    text += " sandbox="s + rule->sandbox;
  text += refs_to_text ("address", rule->addresses) + refs_to_text ("group", rule->groups) +
          join ("id", rule->ids) + join ("class", rule->classes) + join ("driver", rule->drivers);
  if (rule->large != VP_RULE_LARGE_ANY)
    text += rule->large == VP_RULE_LARGE_YES ? " large" : " small";
  if (rule->count != 0)
    text += " count=" + std::to_string (rule->count);
  return text + plugs[rule->plug] + (rule->bind ? " bind" : "") + "\n";
}

/* What is not the default, a line each. */
std::string
to_text (const VpWrapperConfig *config)
{
  g_autoptr (VpWrapperConfig) usual = vp_wrapper_config_new ();
  std::ostringstream text;

  if (config->qemu != nullptr)
    text << "qemu " << config->qemu << "\n";
  if (config->take_over)
    text << "take over\n";
  if (config->unplug_timeout_ms != usual->unplug_timeout_ms)
    text << "unplug " << config->unplug_timeout_ms << "\n";
  if (config->attach_timeout_ms != usual->attach_timeout_ms)
    text << "attach " << config->attach_timeout_ms << "\n";
  if (!g_str_equal (config->ready, usual->ready))
    text << "ready " << config->ready << "\n";
  if (config->large_bar != usual->large_bar)
    text << "large " << config->large_bar << "\n";
  if (config->has_spare)
    text << "spare " << config->spare << "\n";
  if (config->spare_window != usual->spare_window)
    text << "window " << config->spare_window << "\n";
  for (guint i = 0; i < config->rules->len; i++)
    text << rule_to_text (static_cast<VpDeviceRule *> (config->rules->pdata[i]));
  for (guint i = 0; i < config->warnings->len; i++)
    text << "! " << static_cast<char *> (config->warnings->pdata[i]) << "\n";
  return text.str ();
}

struct Row
{
  const char *name;
  std::string text;
  const char *understood;    /* or nullptr: refused */
  const char *why = nullptr; /* with this at the start of the message */
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "empty", "", "" },
  { "all_keys",
    "qemu = '/opt/qemu'\ntake_over = true\nunplug_timeout = 5\nattach_timeout = 0.25\n"
    "ready = 'after:2'\nlarge_bar = '1G'\nspare = 0\nspare_window = '32G'\ndevices = 'rng'\n"
    "[[rule]]\nlarge = true\n",
    "qemu /opt/qemu\ntake over\nunplug 5000\nattach 250\nready after:2\nlarge 1073741824\nspare 0\n"
    "window 34359738368\ndevice 1 of a.toml: spec=rng\nrule 1 of a.toml: large\n" },
  { "sizes_as_numbers", "large_bar = 1073741824\nspare_window = 0x100000\nspare = '3'",
    "large 1073741824\nspare 3\nwindow 1048576\n" },
  { "unknown_keys",
    "# kata\nmachine = 'q35'\n[hypervisor.qemu]\n[[rule]]\nlarge = true\ncolour = 1\n'a b' = 2\n",
    "rule 1 of a.toml: large\n"
    "! a.toml:2:11: there is no key \"machine\"\n"
    "! a.toml:3:1: there is no key \"hypervisor\"\n"
    "! a.toml:6:10: a rule has no key \"colour\"\n"
    "! a.toml:7:9: a rule has no key \"a b\"\n" },
  { "all_keys_of_a_rule",
    "[[rule]]\nsandbox = 'sandbox-*'\naddress = ['0000:41:00.0', '42:00.0']\ngroup = "
    "'/dev/vfio/40'\n"
    "id = ['10DE:*', '8086:154c']\nclass = '0302*'\ndriver = '*vfio*'\nlarge = false\ncount = 2\n"
    "plug = 'cold'\nbind = true\n",
    "rule 1 of a.toml: sandbox=sandbox-* address=0000:41:00.0|0000:42:00.0 group=/dev/vfio/40 "
    "id=10de:*|8086:154c class=0302* driver=*vfio* small count=2 cold bind\n" },
  { "rules_in_order",
    "[[rule]]\nlarge = true\n[[rule]]\nid = '*:*'\nplug = 'hot'\n[[rule]]\nid = '10de:20b?'\n"
    "plug = 'auto'",
    "rule 1 of a.toml: large\nrule 2 of a.toml: id=*:* hot\nrule 3 of a.toml: id=10de:20b?\n" },
  { "devices", "devices = ['41:00.0,plug=cold,bind=on', '/dev/vfio/40']",
    "device 1 of a.toml: spec=41:00.0,plug=cold,bind=on\ndevice 2 of a.toml: spec=/dev/vfio/40\n" },

  { "no_toml", "qemu = ", nullptr, "a.toml:1:" },
  { "key_twice", "spare = 1\nspare = 2", nullptr, "a.toml:2:" },
  { "qemu_is_no_string", "\n  qemu = 3", nullptr, "a.toml:2:10: qemu: must be a string" },
  { "qemu_relative", "qemu = 'bin/qemu'", nullptr, "a.toml:1:8: qemu: must be an absolute path" },
  { "qemu_empty", "qemu = ''", nullptr, "a.toml:1:8: qemu: must not be empty" },
  { "qemu_with_control_character", "qemu = \"/a\\u001b\"", nullptr, "a.toml:1:8: qemu: control " },
  { "take_over_is_a_word", "take_over = 'on'", nullptr, "a.toml:1:13: take_over: must be true or" },
  { "timeout_zero", "unplug_timeout = 0", nullptr,
    "a.toml:1:18: unplug_timeout: must be a number" },
  { "timeout_negative", "unplug_timeout = -1", nullptr, "a.toml:1:18: unplug_timeout: must be" },
  { "timeout_too_long", "attach_timeout = 1e9", nullptr, "a.toml:1:18: attach_timeout: must be" },
  { "timeout_of_words", "attach_timeout = '3'", nullptr, "a.toml:1:18: attach_timeout: must be" },
  { "ready_console", "ready = 'console:login'", nullptr,
    "a.toml:1:9: ready: must be \"now\" or \"after:SECONDS\" here" },
  { "ready_port", "ready = 'port:x'", nullptr, "a.toml:1:9: ready: must be \"now\"" },
  { "ready_nonsense", "ready = 'soon'", nullptr, "a.toml:1:9: ready: \"soon\" is none of now" },
  { "large_bar_nonsense", "large_bar = '4X'", nullptr, "a.toml:1:13: large_bar: " },
  { "large_bar_fraction", "large_bar = 1.5", nullptr, "a.toml:1:13: large_bar: must be a string" },
  { "spare_too_many", "spare = 1000", nullptr, "a.toml:1:9: spare: \"1000\" is not a number from" },
  { "spare_negative", "spare = -1", nullptr, "a.toml:1:9: spare: \"-1\" is not a number from" },
  { "window_odd", "spare_window = 5", nullptr, "a.toml:1:16: spare_window: \"5\" is not from" },
  { "devices_table", "devices = { a = 1 }", nullptr, "a.toml:1:11: devices: must be a string or" },
  { "devices_empty", "devices = []", nullptr, "a.toml:1:11: devices: must not be empty" },
  { "devices_number", "devices = ['rng', 3]", nullptr, "a.toml:1:19: devices: must be a string" },
  { "devices_nonsense", "devices = ['gpu']", nullptr, "a.toml:1:11: devices: \"gpu\" is not a" },
  { "rule_is_one_table", "[rule]\nlarge = true", nullptr, "a.toml:1:1: rule: must be tables" },
  { "rule_is_words", "rule = ['large']", nullptr, "a.toml:1:8: rule: must be tables" },
  { "rule_about_everything", "[[rule]]\nlarge = true\n[[rule]]\nsandbox = '*'\n", nullptr,
    "a.toml:3:1: rule: it is about every device: add address, " },
  { "rule_binds_what_nobody_named", "[[rule]]\nlarge = true\nbind = true\n", nullptr,
    "a.toml:1:1: rule: bind = true is for devices that are named" },
  { "address_is_a_group", "[[rule]]\naddress = '/dev/vfio/40'", nullptr,
    "a.toml:2:11: address: \"/dev/vfio/40\" is no PCI address" },
  { "address_nonsense", "[[rule]]\naddress = ['x:y']", nullptr,
    "a.toml:2:11: address: \"x:y\" is" },
  { "group_is_a_number", "[[rule]]\ngroup = 40", nullptr,
    "a.toml:2:9: group: must be a string or" },
  { "group_is_an_address", "[[rule]]\ngroup = '41:00.0'", nullptr,
    "a.toml:2:9: group: \"41:00.0\" is no IOMMU group: write it as /dev/vfio/N" },
  { "id_without_device", "[[rule]]\nid = '10de'", nullptr,
    "a.toml:2:6: id: \"10de\" is not vendor" },
  { "id_too_short", "[[rule]]\nid = '10d:20b5'", nullptr, "a.toml:2:6: id: \"10d:20b5\" is not" },
  { "id_three_parts", "[[rule]]\nid = '*:*:*'", nullptr, "a.toml:2:6: id: \"*:*:*\" is not" },
  { "id_not_hexadecimal", "[[rule]]\nid = 'nvid:*'", nullptr, "a.toml:2:6: id: \"nvid:*\" is not" },
  { "id_half_empty", "[[rule]]\nid = '10de:'", nullptr, "a.toml:2:6: id: \"10de:\" is not" },
  { "class_too_short", "[[rule]]\nclass = '0302'", nullptr,
    "a.toml:2:9: class: \"0302\" is not a class, six hexadecimal digits, or fewer and a *" },
  { "class_too_long", "[[rule]]\nclass = '03020000'", nullptr, "a.toml:2:9: class: \"03020000\"" },
  { "count_zero", "[[rule]]\ncount = 0", nullptr, "a.toml:2:9: count: must be a number from 1 to" },
  { "count_words", "[[rule]]\ncount = 'one'", nullptr, "a.toml:2:9: count: must be a number" },
  { "plug_nonsense", "[[rule]]\nplug = 'warm'", nullptr, "a.toml:2:8: plug: \"warm\" is none of" },
  { "bind_words", "[[rule]]\nbind = 'on'", nullptr, "a.toml:2:8: bind: must be true or false" },
  { "sandbox_empty", "[[rule]]\nsandbox = ''", nullptr, "a.toml:2:11: sandbox: must not be empty" },
  { "sandbox_list", "[[rule]]\nsandbox = ['a']", nullptr,
    "a.toml:2:11: sandbox: must be a string" },
};

class WrapperFile : public testing::TestWithParam<Row>
{
};

TEST_P (WrapperFile, IsUnderstood)
{
  const Row &row = GetParam ();
  g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();
  g_autoptr (GError) error = nullptr;
  const gboolean good = apply (row.text, config, &error);

  if (row.understood == nullptr)
    {
      ASSERT_FALSE (good);
      EXPECT_TRUE (g_str_has_prefix (error->message, row.why)) << error->message;
      EXPECT_EQ (strchr (error->message, '\n'), nullptr);
      EXPECT_TRUE (strstr (row.why, "a.toml:") == row.why);
      return;
    }
  ASSERT_TRUE (good) << error->message;
  EXPECT_EQ (to_text (config), row.understood);
}
INSTANTIATE_TEST_SUITE_P (Table, WrapperFile, testing::ValuesIn (rows), name_of_row<Row>);

TEST (WrapperFile, LaterOnesOverrideKeysAndAddRules)
{
  g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();

  ASSERT_TRUE (apply ("spare = 1\nready = 'after:1'\ndevices = 'rng'\n[[rule]]\nlarge = true",
                      config, nullptr));
  ASSERT_TRUE (apply ("spare = 2\n[[rule]]\nid = '10de:*'", config, nullptr));
  EXPECT_EQ (to_text (config),
             "ready after:1\nspare 2\ndevice 1 of a.toml: spec=rng\nrule 1 of a.toml: large\n"
             "rule 1 of a.toml: id=10de:*\n");
}

std::string
read_example ()
{
  std::ostringstream text;
  text << std::ifstream (VMPLUG_EXAMPLE).rdbuf ();
  return text.str ();
}

/* A comment has a blank after its mark, and what is commented out has none. */
std::string
uncomment (const std::string &text)
{
  std::istringstream lines (text);
  std::string all, line;
  while (std::getline (lines, line))
    all += (line.size () > 1 && line[0] == '#' && line[1] != ' ' ? line.substr (1) : line) + "\n";
  return all;
}

TEST (WrapperFile, TheExampleSaysNothing)
{
  g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();
  const std::string text = read_example ();

  ASSERT_GT (text.size (), 100U) << VMPLUG_EXAMPLE;
  EXPECT_TRUE (apply (text, config, nullptr));
  EXPECT_EQ (to_text (config), "");
}

/* The keys that it calls defaults are those, and the others do as it says. */
TEST (WrapperFile, TheExampleIsRight)
{
  g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (apply (uncomment (read_example ()), config, &error)) << error->message;
  EXPECT_EQ (to_text (config),
             "qemu /usr/bin/qemu-system-x86_64\nspare 4\nwindow 34359738368\n"
             "device 1 of a.toml: spec=0000:41:00.0,plug=cold\n"
             "rule 1 of a.toml: sandbox=sandbox-* class=0300*|0302* large count=1\n"
             "rule 2 of a.toml: id=8086:154c count=1 hot\n"
             "rule 3 of a.toml: sandbox=sandbox-0123* group=/dev/vfio/40 bind\n");
  g_autoptr (VpWrapperConfig) usual = vp_wrapper_config_new ();
  EXPECT_EQ (config->spare, usual->spare);
}

/* Whatever becomes of a file: it is refused in one line that says where, or every rule of it is a
 * good one. */
TEST (WrapperFile, HoldsUnderRandomChanges)
{
  static const char *const pieces[] = { "[",    "]",       "{",        "}",    "'",  "\"\"\"",
                                        "\n",   "=",       "#",        "true", "-1", "1e9",
                                        "\xff", "\\u0000", "[[rule]]", ".",    "*",  "" };
  const std::string good = uncomment (read_example ());
  std::mt19937 random (3);
  unsigned n_good = 0, n_bad = 0;

  for (unsigned i = 0; i < 5000; i++)
    {
      std::string text = good;
      for (unsigned j = 1 + random () % 3; j > 0; j--)
        text.replace (random () % text.size (), random () % 8,
                      pieces[random () % std::size (pieces)]);
      g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();
      g_autoptr (GError) error = nullptr;

      if (!apply (text, config, &error))
        {
          EXPECT_TRUE (g_str_has_prefix (error->message, "a.toml:")) << error->message;
          EXPECT_EQ (strchr (error->message, '\n'), nullptr) << error->message;
          n_bad++;
          continue;
        }
      n_good++;
      for (guint j = 0; j < config->rules->len; j++)
        {
          EXPECT_TRUE (
              vp_device_rule_check (static_cast<VpDeviceRule *> (config->rules->pdata[j]), nullptr))
              << text;
        }
    }
  EXPECT_GT (n_good, 500U);
  EXPECT_GT (n_bad, 500U);
}

} // namespace
