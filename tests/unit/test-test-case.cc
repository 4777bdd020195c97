#include "launcher/boottest/manifest-path.h"
#include "launcher/boottest/test-case.h"
#include "launcher/error.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace
{

void
case_free (gpointer data)
{
  vp_test_case_free (static_cast<VpTestCase *> (data));
}

GPtrArray *
make_cases (const std::vector<std::string> &names)
{
  GPtrArray *cases = g_ptr_array_new_with_free_func (case_free);
  for (const std::string &name : names)
    {
      VpTestCase *each = g_new0 (VpTestCase, 1);
      each->name = g_strdup (name.c_str ());
      each->place = g_strdup_printf ("a.toml:%u:1", cases->len + 1);
      g_ptr_array_add (cases, each);
    }
  return cases;
}

std::vector<std::string>
folders (const std::vector<std::string> &names)
{
  g_autoptr (GPtrArray) cases = make_cases (names);
  std::vector<std::string> folders;

  vp_test_case_name_folders (cases);
  for (guint i = 0; i < cases->len; i++)
    folders.push_back (static_cast<VpTestCase *> (cases->pdata[i])->folder);
  return folders;
}

TEST (TestCaseFolder, IsTheNameWhereThatIsSafe)
{
  EXPECT_EQ (folders ({ "boot", "hotplug[machine=q35,firmware=ovmf]" }),
             (std::vector<std::string>{ "boot", "hotplug[machine=q35,firmware=ovmf]" }));
}

TEST (TestCaseFolder, LeadsNowhereElse)
{
  EXPECT_EQ (folders ({ "..", "/etc/passwd", "a/../b", "-rf", "a b", "\xc3\xa9", "x+2", "x~2" }),
             (std::vector<std::string>{ "_.", "_etc_passwd", "a_.._b", "_rf", "a_b", "__", "x_2",
                                        "x_2~2" }));
}

TEST (TestCaseFolder, IsOfOneCaseOnly)
{
  std::vector<std::string> names;
  for (int i = 0; i < 500; i++)
    names.push_back (std::string (200, 'x') + std::to_string (i));
  for (const char *name : { "a/b", "a_b", "a b", "a_b~2" })
    names.push_back (name);
  const std::vector<std::string> made = folders (names);

  EXPECT_EQ (std::set<std::string> (made.begin (), made.end ()).size (), names.size ());
  for (const std::string &folder : made)
    EXPECT_LT (folder.size (), 200u);
}

TEST (TestCaseNames, MustDiffer)
{
  g_autoptr (GPtrArray) good = make_cases ({ "a", "b", "A" });
  g_autoptr (GPtrArray) bad = make_cases ({ "a", "b", "a" });
  g_autoptr (GError) error = nullptr;

  EXPECT_TRUE (vp_test_case_check_names (good, &error));
  EXPECT_FALSE (vp_test_case_check_names (bad, &error));
  ASSERT_NE (error, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_STREQ (error->message, "a.toml:3:1: name: \"a\" is what the case of a.toml:1:1 is called "
                                "already");
}

struct Row
{
  const char *name;
  const char *option;
  const char *value;
  const char *located;
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "kernel", "kernel", "bzImage", "t,1/bzImage" },
  { "deeper", "initrd", "../x/initrd", "t,1/../x/initrd" },
  { "absolute", "kernel", "/boot/vmlinuz", "/boot/vmlinuz" },
  { "empty", "kernel", "", "" },
  { "disk", "disk", "a.qcow2,snapshot", "t,,1/a.qcow2,snapshot" },
  { "share", "share", ".,tag=src", "t,,1/.,tag=src" },
  { "disk_device", "device", "disk,a.img,id=d1", "disk,t,,1/a.img,id=d1" },
  { "other_device", "device", "nic,user", "nic,user" },
  { "attached_disk", "attach", "disk,a.img", "disk,t,,1/a.img" },
  { "known_firmware", "firmware", "ovmf", "ovmf" },
  { "firmware_file", "firmware", "OVMF.fd", "t,1/OVMF.fd" },
  { "program_in_path", "qemu", "qemu-kvm", "qemu-kvm" },
  { "program_file", "qemu", "./qemu", "t,1/./qemu" },
  { "config", "config", "vm.toml", "t,1/vm.toml" },
  { "skip_if_file", "skip-if", "no-file=bzImage", "no-file=t,1/bzImage" },
  { "skip_if_other", "skip-if", "no-kvm", "no-kvm" },
  { "no_file", "append", "console=ttyS0", "console=ttyS0" },
};

class ManifestPath : public testing::TestWithParam<Row>
{
};

TEST_P (ManifestPath, IsFromWhereTheManifestIs)
{
  const Row &row = GetParam ();
  g_autofree char *located = vp_manifest_path_locate (row.option, row.value, "t,1");
  g_autofree char *here = vp_manifest_path_locate (row.option, row.value, ".");

  EXPECT_STREQ (located, row.located);
  EXPECT_STREQ (here, row.value);
}

INSTANTIATE_TEST_SUITE_P (Table, ManifestPath, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
