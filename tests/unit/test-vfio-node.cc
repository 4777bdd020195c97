#include "devices/error.h"
#include "devices/vfio-node.h"

#include "tests/support/fake-sysfs.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

/* What open() of a node shall say, 0 to let it happen: no plain file can be busy. */
int open_errno;

} // namespace

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (open_errno == 0 || (flags & O_PATH) != 0)
      return __real_vp_sysfs_open_file (self, path, flags);

    errno = open_errno;
    return -1;
  }
}

namespace
{

class VfioNode : public testing::Test
{
protected:
  FakeSysfs fake;
  VpSysfs *sysfs = vp_sysfs_open (fake.root (), nullptr);

  void
  SetUp () override
  {
    open_errno = 0;
  }
  void
  TearDown () override
  {
    open_errno = 0;
    vp_sysfs_free (sysfs);
  }

  std::string
  check (int group, int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    if (vp_vfio_node_check (sysfs, group, &error))
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
    const std::string root = fake.root ();
    EXPECT_EQ (std::string (error->message).rfind (root, 0), 0u) << error->message;
    return error->message + root.size ();
  }
  std::string
  holder (int group)
  {
    g_autofree char *text = vp_vfio_node_find_holder (sysfs, group);
    return text != nullptr ? text : "";
  }
};

TEST_F (VfioNode, AFreeNodeIsOpenedAndClosedAgain)
{
  fake.add_group_node (7);
  const int lowest_before = dup (0);
  close (lowest_before);

  EXPECT_EQ (check (7), "");

  const int lowest_after = dup (0);
  close (lowest_after);
  EXPECT_EQ (lowest_after, lowest_before) << "a descriptor is left open";
}

TEST_F (VfioNode, AMissingNodeMeansNotBound)
{
  fake.add_group_node (7);

  EXPECT_EQ (check (70, VP_DEVICE_ERROR_NOT_BOUND),
             "/dev/vfio/70: no such node, so nothing of group 70 is bound to vfio-pci");
}

TEST_F (VfioNode, ABusyNodeNamesItsHolder)
{
  fake.add_group_node (7);
  fake.add_open_file (4711, "qemu-system-x86", 12, "/dev/vfio/7");
  open_errno = EBUSY;

  EXPECT_EQ (check (7, VP_DEVICE_ERROR_BUSY), "/dev/vfio/7: held by pid 4711 (qemu-system-x86)");
}

TEST_F (VfioNode, ABusyNodeOfAnUnseenHolderIsStillBusy)
{
  fake.add_group_node (7);
  open_errno = EBUSY;

  EXPECT_EQ (check (7, VP_DEVICE_ERROR_BUSY), "/dev/vfio/7: held by another process");
}

TEST_F (VfioNode, MissingPermissionNamesUidAndMode)
{
  fake.add_group_node (7);
  const std::string node = std::string (fake.root ()) + "/dev/vfio/7";
  ASSERT_EQ (chmod (node.c_str (), 0640), 0);
  const std::string who = "/dev/vfio/7: uid " + std::to_string (geteuid ()) +
                          " may not open it (mode 0640, uid " + std::to_string (geteuid ()) +
                          ", gid " + std::to_string (getegid ()) + ")";

  open_errno = EACCES;
  EXPECT_EQ (check (7, VP_DEVICE_ERROR_PERMISSION), who);
  open_errno = EPERM;
  EXPECT_EQ (check (7, VP_DEVICE_ERROR_PERMISSION), who + ": the device cgroup forbids it");
}

TEST_F (VfioNode, MissingPermissionOnANodeThatVanishesStillMakesSense)
{
  open_errno = EACCES;

  EXPECT_EQ (check (7, VP_DEVICE_ERROR_PERMISSION),
             "/dev/vfio/7: uid " + std::to_string (geteuid ()) + " may not open it");
}

TEST_F (VfioNode, AnyOtherReasonIsPassedOn)
{
  fake.add_group_node (7);
  open_errno = EMFILE;

  EXPECT_EQ (check (7, VP_DEVICE_ERROR_IO), "/dev/vfio/7: Too many open files");
}

TEST_F (VfioNode, TheHolderIsFoundByTheWholeLink)
{
  fake.add_open_file (1, "init", 0, "/dev/null");
  fake.add_open_file (100, "other-group", 5, "/dev/vfio/77");
  fake.add_open_file (101, "control-node", 5, "/dev/vfio/vfio");
  fake.add_open_file (102, "other-folder", 5, "/home/dev/vfio/7");
  fake.add_open_file (103, "cdev", 5, "/dev/vfio/devices/vfio7");
  fake.add_open_file (104, "was-deleted", 5, "/dev/vfio/7 (deleted)");
  EXPECT_EQ (holder (7), "");

  fake.add_open_file (4711, "qemu-system-x86", 0, "/dev/null");
  fake.add_open_file (4711, "qemu-system-x86", 3, "socket:[12345]");
  fake.add_open_file (4711, "qemu-system-x86", 12, "/dev/vfio/7");
  EXPECT_EQ (holder (7), "pid 4711 (qemu-system-x86)");
  EXPECT_EQ (holder (77), "pid 100 (other-group)");
  EXPECT_EQ (holder (8), "");
}

TEST_F (VfioNode, WhoHasADeviceOfAGroupHoldsTheGroup)
{
  fake.pci ("0000:41:00.0").group (7);
  fake.pci ("0000:41:00.1").group (7).cdev (3);
  fake.pci ("0000:42:00.0").group (8).cdev (4);
  fake.add_open_file (4711, "qemu-system-x86", 12, "/dev/vfio/devices/vfio3");

  EXPECT_EQ (holder (7), "pid 4711 (qemu-system-x86)");
  EXPECT_EQ (holder (8), "");
}

TEST_F (VfioNode, OnlyNumbersAreProcesses)
{
  fake.write ("proc/self/comm", "myself\n");
  fake.make_folder ("proc/self/fd");
  std::filesystem::create_symlink ("/dev/vfio/7", std::string (fake.root ()) + "/proc/self/fd/3");
  fake.write ("proc/cpuinfo", "");
  fake.write ("proc/42", "a file, for a change");

  EXPECT_EQ (holder (7), "");
}

TEST_F (VfioNode, AProcessNameCannotForgeTheMessage)
{
  fake.add_open_file (666, "a)\n\x1b[2Jroot", 3, "/dev/vfio/7");

  EXPECT_EQ (holder (7), "pid 666 (a)\\n\\033[2Jroot)");
}

TEST_F (VfioNode, AProcessThatJustEndedHasNoName)
{
  fake.add_open_file (4711, "qemu", 3, "/dev/vfio/7");
  std::filesystem::remove (std::string (fake.root ()) + "/proc/4711/comm");

  EXPECT_EQ (holder (7), "pid 4711 (gone)");
}

TEST_F (VfioNode, WithoutProcNobodyIsSeen)
{
  std::filesystem::remove_all (std::string (fake.root ()) + "/proc");

  EXPECT_EQ (holder (7), "");
}

/* Whoever has the group, but not the node of containers, has nothing. */
TEST_F (VfioNode, TheContainerIsLookedAtToo)
{
  const std::string container = std::string (fake.root ()) + "/dev/vfio/vfio";
  fake.add_group_node (7);

  std::filesystem::remove (container);
  EXPECT_EQ (check (7, VP_DEVICE_ERROR_IO), "/dev/vfio/vfio: No such file or directory");
  fake.make_folder ("dev/vfio/vfio"); /* which nobody may write, not even root */
  EXPECT_EQ (check (7, VP_DEVICE_ERROR_IO), "/dev/vfio/vfio: Is a directory");
}

} // namespace
