#include "devices/error.h"
#include "devices/vfio-cdev.h"

#include "tests/support/fake-sysfs.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace
{

/* Which node open() shall refuse, and why. */
std::string refused;
int refused_errno;

} // namespace

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (refused != path || (flags & O_PATH) != 0)
      return __real_vp_sysfs_open_file (self, path, flags);

    errno = refused_errno;
    return -1;
  }
}

namespace
{

const char *const DEVICE = "sys/bus/pci/devices/0000:41:00.0";
const char *const NODE = "dev/vfio/devices/vfio3";

class VfioCdev : public testing::Test
{
protected:
  FakeSysfs fake;
  VpSysfs *sysfs = vp_sysfs_open (fake.root (), nullptr);

  void
  SetUp () override
  {
    refused = "";
    fake.pci ("0000:41:00.0").driver ("vfio-pci").group (7).cdev (3);
    fake.add_iommufd ();
  }
  void
  TearDown () override
  {
    vp_sysfs_free (sysfs);
  }
  void
  refuse (const char *path, int error)
  {
    refused = path;
    refused_errno = error;
  }
  void
  remove (const char *path)
  {
    std::filesystem::remove_all (std::string (fake.root ()) + "/" + path);
  }

  /* The message without the root, "" when there is none. */
  std::string
  text_of (const GError *error, int code)
  {
    if (error == nullptr)
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code)) << error->message;
    std::string text = error->message;
    const size_t at = text.find (fake.root ());
    return at == text.npos ? text : text.erase (at, std::string (fake.root ()).size ());
  }
  std::string
  check (int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    const bool ok = vp_vfio_cdev_check (sysfs, DEVICE, &error);
    EXPECT_EQ (ok, error == nullptr);
    return text_of (error, code);
  }
  std::string
  check_host (const char *device, int code = -1)
  {
    g_autoptr (GError) error = nullptr;
    const bool ok = vp_vfio_cdev_check_host (sysfs, device, &error);
    EXPECT_EQ (ok, error == nullptr);
    return text_of (error, code);
  }
};

TEST_F (VfioCdev, ItsNumberIsInItsFolder)
{
  EXPECT_EQ (vp_vfio_cdev_find (sysfs, DEVICE), 3);
  EXPECT_EQ (vp_vfio_cdev_find (sysfs, "sys/bus/pci/devices/0000:42:00.0"), -1);

  fake.pci ("0000:42:00.0")
      .attribute ("vfio-dev/vfio/dev", "")
      .attribute ("vfio-dev/vfiox/dev", "")
      .attribute ("vfio-dev/vfio-1/dev", "")
      .attribute ("vfio-dev/other9/dev", "");
  EXPECT_EQ (vp_vfio_cdev_find (sysfs, "sys/bus/pci/devices/0000:42:00.0"), -1);
  fake.pci ("0000:42:00.0").attribute ("vfio-dev/vfio12/dev", "");
  EXPECT_EQ (vp_vfio_cdev_find (sysfs, "sys/bus/pci/devices/0000:42:00.0"), 12);
}

TEST_F (VfioCdev, AFreeOneIsGood)
{
  const int lowest_before = dup (0);
  close (lowest_before);

  EXPECT_EQ (check_host (DEVICE), "");
  EXPECT_EQ (check_host (nullptr), "");
  EXPECT_EQ (check (), "");

  const int lowest_after = dup (0);
  close (lowest_after);
  EXPECT_EQ (lowest_after, lowest_before) << "a descriptor is left open";
}

TEST_F (VfioCdev, WithoutIommufdInTheKernel)
{
  const std::string why = "/dev/iommu is not there: the kernel has no CONFIG_IOMMUFD";

  remove ("dev/iommu");
  EXPECT_FALSE (vp_vfio_cdev_has_iommufd (sysfs));
  EXPECT_EQ (check_host (DEVICE, VP_DEVICE_ERROR_NO_IOMMUFD), why);
  EXPECT_EQ (check_host (nullptr, VP_DEVICE_ERROR_NO_IOMMUFD), why);
  EXPECT_EQ (check (VP_DEVICE_ERROR_NO_IOMMUFD), why);

  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (vp_vfio_cdev_open_iommu (sysfs, &error), -1);
  EXPECT_EQ (text_of (error, VP_DEVICE_ERROR_NO_IOMMUFD), why);
}

/* As Linux 6.1: it numbers devices, and makes no nodes. */
TEST_F (VfioCdev, WithoutItsNode)
{
  const std::string why = "0000:41:00.0: /dev/vfio/devices/vfio3 is not there: the kernel has no "
                          "CONFIG_VFIO_DEVICE_CDEV";

  remove ("dev/vfio/devices");
  EXPECT_EQ (check_host (DEVICE, VP_DEVICE_ERROR_NO_IOMMUFD), why);
  EXPECT_EQ (check (VP_DEVICE_ERROR_NO_IOMMUFD), why);

  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (vp_vfio_cdev_open (sysfs, DEVICE, &error), -1);
  EXPECT_EQ (text_of (error, VP_DEVICE_ERROR_NO_IOMMUFD), why);
}

TEST_F (VfioCdev, WithoutANumber)
{
  const std::string why = "0000:41:00.0: the kernel has made no VFIO node of its own for it";

  fake.pci ("0000:41:00.0").remove_attribute ("vfio-dev");
  EXPECT_EQ (check_host (DEVICE, VP_DEVICE_ERROR_NO_IOMMUFD), why);
  EXPECT_EQ (check (VP_DEVICE_ERROR_NO_IOMMUFD), why);
}

TEST_F (VfioCdev, WithoutPermission)
{
  const std::string uid = "uid " + std::to_string (geteuid ()) + " may not open it";

  refuse ("dev/iommu", EACCES);
  EXPECT_EQ (check (VP_DEVICE_ERROR_PERMISSION).rfind ("/dev/iommu: " + uid, 0), 0u);
  refuse (NODE, EACCES);
  EXPECT_EQ (check (VP_DEVICE_ERROR_PERMISSION).rfind ("/dev/vfio/devices/vfio3: " + uid, 0), 0u);
  EXPECT_EQ (check_host (DEVICE), "") << "it is there";
}

/* By its own node, by that of its group, or by the node of another device of it. */
TEST_F (VfioCdev, HeldBySomebody)
{
  fake.pci ("0000:41:00.1").group (7).cdev (4);
  fake.pci ("0000:42:00.0").group (8).cdev (5);
  fake.add_open_file (100, "other", 3, "/dev/vfio/devices/vfio5");
  EXPECT_EQ (check (), "");

  for (const char *node : { "/dev/vfio/devices/vfio3", "/dev/vfio/7", "/dev/vfio/devices/vfio4" })
    {
      fake.add_open_file (4711, "qemu-system-x86", 3, node);
      EXPECT_EQ (check (VP_DEVICE_ERROR_BUSY),
                 "/dev/vfio/devices/vfio3: held by pid 4711 (qemu-system-x86)")
          << node;
      remove ("proc/4711");
    }
}

TEST_F (VfioCdev, OpensBothNodes)
{
  const int iommu = vp_vfio_cdev_open_iommu (sysfs, nullptr);
  const int cdev = vp_vfio_cdev_open (sysfs, DEVICE, nullptr);

  EXPECT_GE (iommu, 0);
  EXPECT_GE (cdev, 0);
  EXPECT_NE (fcntl (cdev, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ (fcntl (cdev, F_GETFL) & O_ACCMODE, O_RDWR);
  close (iommu);
  close (cdev);
}

} // namespace
