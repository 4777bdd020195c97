#include "launcher/config/config-option.h"
#include "launcher/config/option-group.h"
#include "launcher/error.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

constexpr guint64 GiB = G_GUINT64_CONSTANT (1) << 30;

gboolean
parse (VpConfig *config, std::vector<const char *> words, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (nullptr);
  words.insert (words.begin (), "vmplug");
  words.push_back (nullptr);
  g_auto (GStrv) argv = g_strdupv (const_cast<char **> (words.data ()));

  g_option_context_add_group (context, vp_config_option_group (config));
  return g_option_context_parse_strv (context, &argv, error);
}

TEST (OptionGroup, FillsTheConfiguration)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (
      parse (config, { "--smp", "3", "--spare-window=2G", "--disk", "a", "--disk=b" }, &error))
      << error->message;
  EXPECT_EQ (config->smp, 3u);
  EXPECT_EQ (config->spare_window, 2 * GiB);
  EXPECT_EQ (config->disks->len, 2u);
}

TEST (OptionGroup, GivesTheSameErrors)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  EXPECT_FALSE (parse (config, { "--spare", "1", "--spare", "2" }, &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_STREQ (error->message, "--spare is given twice");
}

TEST (OptionGroup, HasHelpForEveryOption)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GOptionContext) context = g_option_context_new (nullptr);
  const VpConfigOption *option;

  g_option_context_add_group (context, vp_config_option_group (config));
  g_autofree char *help = g_option_context_get_help (context, FALSE, nullptr);
  for (guint i = 0; (option = vp_config_option_get (i)) != nullptr; i++)
    {
      const std::string head = std::string ("--") + option->name + "=" + option->argument;
      EXPECT_NE (strstr (help, head.c_str ()), nullptr) << head;
      EXPECT_NE (strstr (help, option->help), nullptr) << option->help;
    }
}

} // namespace
