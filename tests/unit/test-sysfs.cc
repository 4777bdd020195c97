#include "devices/error.h"
#include "devices/sysfs.h"

#include "tests/support/fake-sysfs.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

class Sysfs : public testing::Test
{
protected:
  FakeSysfs fake;
  VpSysfs *sysfs = vp_sysfs_open (fake.root (), nullptr);

  void
  SetUp () override
  {
    ASSERT_NE (sysfs, nullptr);
  }
  void
  TearDown () override
  {
    vp_sysfs_free (sysfs);
  }

  void
  expect_refused (const char *path, VpDeviceError code, const std::string &why)
  {
    g_autoptr (GError) error = nullptr;
    g_autofree char *text = vp_sysfs_read (sysfs, path, &error);
    ASSERT_EQ (text, nullptr);
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
    EXPECT_EQ (error->message, std::string (fake.root ()) + "/" + path + ": " + why);
  }
};

TEST_F (Sysfs, ReadsAnAttributeThroughTheDeviceLink)
{
  fake.pci ("0000:65:00.0").ids (0x10de, 0x20b5);
  g_autofree char *vendor =
      vp_sysfs_read (sysfs, "sys/bus/pci/devices/0000:65:00.0/vendor", nullptr);

  EXPECT_STREQ (vendor, "0x10de");
  EXPECT_STREQ (vp_sysfs_get_root (sysfs), fake.root ());
}

TEST_F (Sysfs, OnlyTheLastNewlineIsDropped)
{
  const struct
  {
    const char *text, *wanted;
  } rows[] = {
    { "", "" }, { "\n", "" }, { "a", "a" }, { "a\n\n", "a\n" }, { " a \nb\n", " a \nb" }
  };

  for (const auto &row : rows)
    {
      fake.write ("sys/attribute", row.text);
      g_autofree char *text = vp_sysfs_read (sysfs, "sys/attribute", nullptr);
      EXPECT_STREQ (text, row.wanted);
    }
}

TEST_F (Sysfs, ReadsUpTo64KiBAndNotOneByteMore)
{
  fake.write ("sys/longest", std::string (64 * 1024, 'x'));
  g_autofree char *text = vp_sysfs_read (sysfs, "sys/longest", nullptr);
  ASSERT_NE (text, nullptr);
  EXPECT_EQ (std::string (text).size (), 64u * 1024);

  fake.write ("sys/longer", std::string (64 * 1024 + 1, 'x'));
  expect_refused ("sys/longer", VP_DEVICE_ERROR_IO, "longer than 64 KiB");
}

TEST_F (Sysfs, AnEndlessFileIsNotReadToItsEnd)
{
  std::filesystem::create_symlink ("/dev/zero", std::string (fake.root ()) + "/sys/endless");
  expect_refused ("sys/endless", VP_DEVICE_ERROR_IO, "longer than 64 KiB");
}

TEST_F (Sysfs, RefusesWhatIsNotText)
{
  fake.write ("sys/binary", std::string ("ab\0cd", 5));
  expect_refused ("sys/binary", VP_DEVICE_ERROR_IO, "not text: it holds a NUL byte");
}

TEST_F (Sysfs, SaysWhichFileIsMissing)
{
  expect_refused ("sys/absent", VP_DEVICE_ERROR_NOT_FOUND, "No such file or directory");
  expect_refused ("sys/absent/deeper", VP_DEVICE_ERROR_NOT_FOUND, "No such file or directory");
  expect_refused ("dev/vfio/vfio/12", VP_DEVICE_ERROR_NOT_FOUND, "Not a directory");
}

TEST_F (Sysfs, AFolderIsNoAttribute)
{
  expect_refused ("sys/bus", VP_DEVICE_ERROR_IO, "Is a directory");
}

TEST_F (Sysfs, AFileThatMayNotBeReadIsAPermissionError)
{
  fake.write ("sys/secret", "x");
  chmod (fake.root (), 0755);
  chmod ((std::string (fake.root ()) + "/sys/secret").c_str (), 0);

  /* Root may read everything, so it is somebody else for a moment. */
  const bool is_root = geteuid () == 0;
  if (is_root)
    {
      ASSERT_EQ (seteuid (65534), 0);
    }
  expect_refused ("sys/secret", VP_DEVICE_ERROR_PERMISSION, "Permission denied");
  if (is_root)
    {
      ASSERT_EQ (seteuid (0), 0);
    }
}

TEST_F (Sysfs, ReadsTheHeadOfAFileOfAnyLength)
{
  fake.write ("proc/cpuinfo", "0123456789");
  g_autofree char *part = vp_sysfs_read_head (sysfs, "proc/cpuinfo", 4);
  g_autofree char *whole = vp_sysfs_read_head (sysfs, "proc/cpuinfo", 100);
  g_autofree char *none = vp_sysfs_read_head (sysfs, "proc/nothing", 100);

  EXPECT_STREQ (part, "0123");
  EXPECT_STREQ (whole, "0123456789");
  EXPECT_STREQ (none, "");
}

TEST_F (Sysfs, ReadsLinksByTheirLastComponentAndWhole)
{
  fake.pci ("0000:65:00.0").driver ("e1000e").group (7);
  g_autofree char *driver = vp_sysfs_read_link (sysfs, "sys/bus/pci/devices/0000:65:00.0/driver");
  g_autofree char *group =
      vp_sysfs_read_link (sysfs, "sys/bus/pci/devices/0000:65:00.0/iommu_group");
  g_autofree char *target =
      vp_sysfs_read_link_target (sysfs, "sys/bus/pci/devices/0000:65:00.0/driver");
  g_autofree char *absent = vp_sysfs_read_link (sysfs, "sys/bus/pci/devices/0000:65:00.0/physfn");
  g_autofree char *file = vp_sysfs_read_link (sysfs, "sys/bus/pci/devices/0000:65:00.0/vendor");

  EXPECT_STREQ (driver, "e1000e");
  EXPECT_STREQ (group, "7");
  EXPECT_STREQ (target, "../../../bus/pci/drivers/e1000e");
  EXPECT_EQ (absent, nullptr);
  EXPECT_EQ (file, nullptr);
}

TEST_F (Sysfs, ADanglingLinkHasATargetAndLeadsNowhere)
{
  fake.link ("sys/dangling", "sys/nowhere/at-all");
  g_autofree char *name = vp_sysfs_read_link (sysfs, "sys/dangling");

  EXPECT_STREQ (name, "at-all");
  EXPECT_FALSE (vp_sysfs_exists (sysfs, "sys/dangling"));
  EXPECT_TRUE (vp_sysfs_exists (sysfs, "sys/bus/pci"));
  EXPECT_TRUE (vp_sysfs_exists (sysfs, "dev/vfio/vfio"));
}

TEST_F (Sysfs, AFolderIsARootOfItsOwn)
{
  fake.pci ("0000:65:00.0").ids (0x10de, 0x20b5);
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpSysfs) folder =
      vp_sysfs_open_folder (sysfs, "sys/bus/pci/devices/0000:65:00.0", &error);
  ASSERT_NE (folder, nullptr) << error->message;
  g_autofree char *vendor = vp_sysfs_read (folder, "vendor", nullptr);
  EXPECT_STREQ (vendor, "0x10de");

  /* Messages still name the whole path. */
  g_autofree char *absent = vp_sysfs_read (folder, "absent", &error);
  EXPECT_EQ (absent, nullptr);
  EXPECT_EQ (error->message,
             std::string (fake.root ()) +
                 "/sys/bus/pci/devices/0000:65:00.0/absent: No such file or directory");

  /* Gone is gone, whoever has the name now. */
  fake.remove_pci ("0000:65:00.0");
  fake.pci ("0000:65:00.0");
  EXPECT_FALSE (vp_sysfs_exists (folder, "vendor"));
  EXPECT_TRUE (vp_sysfs_exists (sysfs, "sys/bus/pci/devices/0000:65:00.0/vendor"));
}

TEST_F (Sysfs, OnlyAFolderOpensAsOne)
{
  fake.link ("sys/dangling", "sys/nowhere");
  fake.link ("sys/loop", "sys/loop");
  const struct
  {
    const char *path;
    VpDeviceError code;
  } rows[] = {
    { "sys/absent", VP_DEVICE_ERROR_NOT_FOUND },
    { "dev/vfio/vfio", VP_DEVICE_ERROR_NOT_FOUND },
    { "sys/dangling", VP_DEVICE_ERROR_NOT_FOUND },
    { "sys/loop", VP_DEVICE_ERROR_IO },
  };

  for (const auto &row : rows)
    {
      g_autoptr (GError) error = nullptr;
      g_autoptr (VpSysfs) folder = vp_sysfs_open_folder (sysfs, row.path, &error);
      EXPECT_EQ (folder, nullptr) << row.path;
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, row.code)) << error->message;
      EXPECT_NE (strstr (error->message, row.path), nullptr) << error->message;
    }
}

TEST_F (Sysfs, ListsNamesInOrder)
{
  for (const char *name : { "b", "a", "10", "9", ".hidden" })
    fake.write (std::string ("sys/folder/") + name, "");
  g_auto (GStrv) names = vp_sysfs_list (sysfs, "sys/folder", nullptr);
  ASSERT_NE (names, nullptr);
  g_autofree char *joined = g_strjoinv (" ", names);

  EXPECT_STREQ (joined, ".hidden 10 9 a b");
}

TEST_F (Sysfs, AnEmptyFolderIsAnEmptyListAndAMissingOneAnError)
{
  g_autoptr (GError) error = nullptr;
  g_auto (GStrv) none = vp_sysfs_list (sysfs, "sys/bus/pci/devices", nullptr);
  ASSERT_NE (none, nullptr);
  EXPECT_EQ (g_strv_length (none), 0u);

  g_auto (GStrv) absent = vp_sysfs_list (sysfs, "sys/bus/usb", &error);
  EXPECT_EQ (absent, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));

  g_clear_error (&error);
  g_auto (GStrv) file = vp_sysfs_list (sysfs, "dev/vfio/vfio", &error);
  EXPECT_EQ (file, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
}

TEST_F (Sysfs, TellsTheSizeOfFilesOnly)
{
  fake.pci ("0000:65:00.0").pcie (true);
  EXPECT_EQ (vp_sysfs_size (sysfs, "sys/bus/pci/devices/0000:65:00.0/config"), 4096);
  EXPECT_EQ (vp_sysfs_size (sysfs, "dev/vfio/vfio"), 0);
  EXPECT_EQ (vp_sysfs_size (sysfs, "sys/bus/pci/devices"), -1);
  EXPECT_EQ (vp_sysfs_size (sysfs, "sys/absent"), -1);
}

TEST_F (Sysfs, WritesExactlyTheText)
{
  fake.write ("sys/attribute", "a longer text than the new one");
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (vp_sysfs_write (sysfs, "sys/attribute", "vfio-pci", &error)) << error->message;
  EXPECT_EQ (fake.read ("sys/attribute"), "vfio-pci");
}

TEST_F (Sysfs, NeverCreatesWhatItWrites)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_FALSE (vp_sysfs_write (sysfs, "sys/absent", "1", &error));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
  EXPECT_FALSE (vp_sysfs_exists (sysfs, "sys/absent"));
}

TEST_F (Sysfs, AWriteThatTheKernelRefusesCarriesItsReason)
{
  std::filesystem::create_symlink ("/dev/full", std::string (fake.root ()) + "/sys/full");
  g_autoptr (GError) error = nullptr;

  EXPECT_FALSE (vp_sysfs_write (sysfs, "sys/full", "1", &error));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO));
  EXPECT_EQ (error->message, std::string (fake.root ()) + "/sys/full: No space left on device");
}

TEST_F (Sysfs, AShortWriteIsAnError)
{
  fake.write ("sys/attribute", "");
  struct rlimit saved;
  ASSERT_EQ (getrlimit (RLIMIT_FSIZE, &saved), 0);
  struct rlimit small = { 3, saved.rlim_max };
  ASSERT_EQ (setrlimit (RLIMIT_FSIZE, &small), 0);
  g_autoptr (GError) error = nullptr;
  const bool ok = vp_sysfs_write (sysfs, "sys/attribute", "vfio-pci", &error);
  ASSERT_EQ (setrlimit (RLIMIT_FSIZE, &saved), 0);

  ASSERT_FALSE (ok);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO));
  EXPECT_EQ (error->message, std::string (fake.root ()) + "/sys/attribute: took only 3 of 8 bytes");
}

TEST_F (Sysfs, OpensFilesCloseOnExecAndReportsErrno)
{
  const int fd = vp_sysfs_open_file (sysfs, "dev/vfio/vfio", O_RDWR);
  ASSERT_GE (fd, 0);
  EXPECT_NE (fcntl (fd, F_GETFD) & FD_CLOEXEC, 0);
  close (fd);

  EXPECT_EQ (vp_sysfs_open_file (sysfs, "dev/vfio/7", O_RDWR), -1);
  EXPECT_EQ (errno, ENOENT);
}

TEST_F (Sysfs, LeavesNoDescriptorOpen)
{
  fake.write ("sys/attribute", "x\n");
  const int lowest_before = dup (0);
  close (lowest_before);

  g_strfreev (vp_sysfs_list (sysfs, "sys", nullptr));
  g_strfreev (vp_sysfs_list (sysfs, "absent", nullptr));
  g_free (vp_sysfs_read (sysfs, "sys/attribute", nullptr));
  g_free (vp_sysfs_read (sysfs, "sys", nullptr));
  EXPECT_TRUE (vp_sysfs_write (sysfs, "sys/attribute", "y", nullptr));
  vp_sysfs_free (vp_sysfs_open (fake.root (), nullptr));
  vp_sysfs_free (vp_sysfs_open_folder (sysfs, "sys", nullptr));

  const int lowest_after = dup (0);
  close (lowest_after);
  EXPECT_EQ (lowest_after, lowest_before);
}

TEST_F (Sysfs, NothingIsReachedOutsideTheRoot)
{
  /* An absolute path is a bug of the caller, not a way out. */
  const auto call = [] (auto &&what) {
    g_test_expect_message ("vmplug", G_LOG_LEVEL_CRITICAL, "*is_relative*");
    what ();
    g_test_assert_expected_messages ();
  };

  call ([this] { EXPECT_EQ (vp_sysfs_read (sysfs, "/etc/hostname", nullptr), nullptr); });
  call ([this] { EXPECT_EQ (vp_sysfs_read_link (sysfs, "/proc/self/exe"), nullptr); });
  call ([this] { EXPECT_EQ (vp_sysfs_list (sysfs, "/etc", nullptr), nullptr); });
  call ([this] { EXPECT_FALSE (vp_sysfs_exists (sysfs, "/etc")); });
  call ([this] { EXPECT_EQ (vp_sysfs_size (sysfs, "/etc/passwd"), -1); });
  call ([this] { EXPECT_FALSE (vp_sysfs_write (sysfs, "/dev/null", "x", nullptr)); });
  call ([this] { EXPECT_EQ (vp_sysfs_open_folder (sysfs, "/etc", nullptr), nullptr); });
  call ([this] { EXPECT_EQ (vp_sysfs_open_file (sysfs, "/dev/null", O_RDWR), -1); });
}

TEST (SysfsOpen, RefusesARootThatIsNoFolder)
{
  FakeSysfs fake;
  fake.write ("file", "");
  const std::string roots[] = { std::string (fake.root ()) + "/absent",
                                std::string (fake.root ()) + "/file", "" };

  for (const std::string &root : roots)
    {
      g_autoptr (GError) error = nullptr;
      g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root.c_str (), &error);
      EXPECT_EQ (sysfs, nullptr) << root;
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND)) << root;
      EXPECT_EQ (std::string (error->message).rfind ("root folder \"" + root, 0), 0u)
          << error->message;
    }
}

TEST (SysfsOpen, KeepsItsRootWhenTheNameMoves)
{
  FakeSysfs fake;
  fake.write ("sys/attribute", "old\n");
  const std::string root = std::string (fake.root ()) + "/.";
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root.c_str (), nullptr);
  ASSERT_NE (sysfs, nullptr);

  const std::string moved = std::string (fake.root ()) + "-moved";
  std::filesystem::rename (fake.root (), moved);
  g_autofree char *text = vp_sysfs_read (sysfs, "sys/attribute", nullptr);
  std::filesystem::rename (moved, fake.root ());

  EXPECT_STREQ (text, "old");
}

TEST (SysfsOpen, FreeingNothingIsFine) { vp_sysfs_free (nullptr); }

} // namespace
