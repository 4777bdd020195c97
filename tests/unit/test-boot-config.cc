#include "launcher/boottest/boot-config.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

struct Row
{
  const char *name;
  const char *kernel;
  const char *append;
  const char *completed; /* NULL: none */
};

void
PrintTo (const Row &row, std::ostream *stream)
{
  *stream << row.name;
}

const Row rows[] = {
  { "nothing", "bzImage", nullptr, "console=ttyS0 no_timer_check" },
  { "empty", "bzImage", "", "console=ttyS0 no_timer_check" },
  { "behind_ours", "bzImage", "quiet", "console=ttyS0 no_timer_check quiet" },
  { "own_console", "bzImage", "console=hvc0 quiet", "no_timer_check console=hvc0 quiet" },
  { "own_timer", "bzImage", "quiet no_timer_check", "console=ttyS0 quiet no_timer_check" },
  { "no_kernel", nullptr, nullptr, nullptr },
};

class BootConfigAppend : public testing::TestWithParam<Row>
{
};
INSTANTIATE_TEST_SUITE_P (Table, BootConfigAppend, testing::ValuesIn (rows), name_of_row<Row>);

TEST_P (BootConfigAppend, HasAConsoleAndATimer)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();

  config->kernel = g_strdup (GetParam ().kernel);
  config->append = g_strdup (GetParam ().append);
  ASSERT_TRUE (vp_boot_config_complete (config, options, nullptr));
  EXPECT_STREQ (config->append, GetParam ().completed);
}

TEST (BootConfig, PutsTheUsersArgumentsBehindOurs)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();

  ASSERT_TRUE (vp_boot_options_set (options, "qemu-arg", "-action", nullptr));
  ASSERT_TRUE (vp_boot_options_set (options, "qemu-arg", "panic=none", nullptr));
  ASSERT_TRUE (vp_boot_config_complete (config, options, nullptr));
  g_autofree char *args = g_strjoinv (" ", config->qemu_args);
  EXPECT_STREQ (args, "-device {\"driver\":\"pvpanic\"} -action panic=pause -action panic=none");
}

TEST (BootConfig, RefusesArgumentsThatBreakPromises)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (vp_boot_options_set (options, "qemu-arg", "-daemonize", nullptr));
  EXPECT_FALSE (vp_boot_config_complete (config, options, &error));
  EXPECT_NE (std::string (error->message).find ("-daemonize"), std::string::npos) << error->message;
}

} // namespace
