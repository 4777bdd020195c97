#include "launcher/boottest/skip-condition.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

class SkipCondition : public testing::Test
{
protected:
  FakeSysfs host;

  /* Why a test is skipped; empty when it is not. */
  std::string
  reason (const std::vector<std::string> &texts)
  {
    g_autoptr (GPtrArray) array = g_ptr_array_new ();

    for (const std::string &text : texts)
      {
        EXPECT_TRUE (vp_skip_condition_check (text.c_str (), nullptr)) << text;
        g_ptr_array_add (array, const_cast<char *> (text.c_str ()));
      }
    g_autofree char *found = vp_skip_condition_find (array, host.root ());
    return found != nullptr ? found : "";
  }
};

TEST_F (SkipCondition, Kvm) { EXPECT_EQ (reason ({ "no-kvm" }).find ("no KVM: "), 0u); }

TEST_F (SkipCondition, Files)
{
  TempFolder folder;
  const std::string path = folder.path ("there");

  EXPECT_EQ (reason ({ "no-file=" + path }), "no file " + path);
  folder.write ("there", "");
  EXPECT_EQ (reason ({ "no-file=" + path }), "");
}

TEST_F (SkipCondition, Devices)
{
  host.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200).group (40);

  EXPECT_EQ (reason ({ "no-device=41:00.0" }), "");
  EXPECT_EQ (reason ({ "no-device=/dev/vfio/40" }), "");
  EXPECT_EQ (reason ({ "no-device=42:00.0" }), "no device 42:00.0");
  EXPECT_EQ (reason ({ "no-device=12345678-1234-1234-1234-123456789012" }),
             "no device 12345678-1234-1234-1234-123456789012");
}

TEST_F (SkipCondition, Environment)
{
  g_setenv ("VMPLUG_TEST_SKIP", "1", TRUE);
  EXPECT_EQ (reason ({ "env=VMPLUG_TEST_SKIP" }), "VMPLUG_TEST_SKIP is set");
  EXPECT_EQ (reason ({ "no-env=VMPLUG_TEST_SKIP" }), "");
  g_setenv ("VMPLUG_TEST_SKIP", "", TRUE);
  EXPECT_EQ (reason ({ "env=VMPLUG_TEST_SKIP" }), "");
  EXPECT_EQ (reason ({ "no-env=VMPLUG_TEST_SKIP" }), "VMPLUG_TEST_SKIP is not set");
  g_unsetenv ("VMPLUG_TEST_SKIP");
}

TEST_F (SkipCondition, User)
{
  EXPECT_EQ (reason ({ "not-root" }), geteuid () == 0 ? "" : "not root");
}

TEST_F (SkipCondition, TheFirstThatIsSoTells)
{
  EXPECT_EQ (reason ({}), "");
  EXPECT_EQ (reason ({ "no-file=/", "no-file=/nothing-1", "no-file=/nothing-2" }),
             "no file /nothing-1");
}

struct Bad
{
  const char *name;
  const char *text;
};

const Bad bad[] = {
  { "empty", "" },
  { "unknown", "rain" },
  { "no_value", "no-file=" },
  { "no_sign", "no-file" },
  { "a_value", "no-kvm=1" },
  { "no_reference", "no-device=gpu" },
  { "longer", "no-kvmx" },
  { "control_node", "no-device=/dev/vfio/vfio" },
};

class BadSkipCondition : public testing::TestWithParam<Bad>
{
};

TEST_P (BadSkipCondition, IsRefused)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_FALSE (vp_skip_condition_check (GetParam ().text, &error));
  EXPECT_NE (error, nullptr);
}

INSTANTIATE_TEST_SUITE_P (Table, BadSkipCondition, testing::ValuesIn (bad), name_of_row<Bad>);

} // namespace
