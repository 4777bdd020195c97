#include "devices/error.h"
#include "devices/mediated-device.h"

#include "tests/support/fake-sysfs.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>

namespace
{

/* What open() of a node shall say, 0 to let it happen: no plain file can be busy. */
int open_errno;

constexpr char UUID[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

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

struct Row
{
  const char *name;
  void (*change) (FakeSysfs &host);
  int open_errno;
  int code;            /* -1: it can be given to a VM */
  const char *message; /* all of it, without the root */
};

void
PrintTo (const Row &row, std::ostream *stream)
{
  *stream << row.name;
}

class MediatedDevice : public testing::TestWithParam<Row>
{
};

TEST_P (MediatedDevice, Check)
{
  const Row &row = GetParam ();
  FakeSysfs fake;
  fake.pci ("0000:41:00.0");
  fake.add_mdev (UUID, "0000:41:00.0", 7);
  if (row.change != nullptr)
    row.change (fake);
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (fake.root (), nullptr);
  g_autoptr (GError) error = nullptr;

  open_errno = row.open_errno;
  EXPECT_EQ (vp_mediated_device_check (sysfs, UUID, &error), row.code < 0);
  open_errno = 0;
  if (row.code < 0)
    {
      EXPECT_EQ (error, nullptr) << error->message;
      return;
    }
  ASSERT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, row.code)) << error->message;
  std::string message = error->message;
  const size_t root = message.find (fake.root ());
  if (root != std::string::npos)
    message.erase (root, std::string (fake.root ()).size ());
  EXPECT_EQ (message.substr (0, std::string (row.message).size ()), row.message);
}

const Row rows[] = {
  { "free", nullptr, 0, -1, "" },
  { "held",
    [] (FakeSysfs &host) { host.add_open_file (4711, "qemu-system-x86", 9, "/dev/vfio/7"); }, EBUSY,
    VP_DEVICE_ERROR_BUSY, "/dev/vfio/7: held by pid 4711 (qemu-system-x86)" },
  { "not_permitted", nullptr, EACCES, VP_DEVICE_ERROR_PERMISSION, "/dev/vfio/7: uid " },
  { "no_node",
    [] (FakeSysfs &host) { std::filesystem::remove (std::string (host.root ()) + "/dev/vfio/7"); },
    0, VP_DEVICE_ERROR_NOT_BOUND, "/dev/vfio/7: no such node" },
  { "no_group",
    [] (FakeSysfs &host) {
      std::filesystem::remove (std::string (host.root ()) + "/sys/bus/mdev/devices/" + UUID +
                               "/iommu_group");
    },
    0, VP_DEVICE_ERROR_NO_IOMMU,
    "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 is in no IOMMU group: no VFIO driver" },
  { "a_group_that_is_no_number",
    [] (FakeSysfs &host) {
      host.link (std::string ("sys/bus/mdev/devices/") + UUID + "/iommu_group",
                 "sys/kernel/iommu_groups/x7");
    },
    0, VP_DEVICE_ERROR_NO_IOMMU,
    "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 is in no IOMMU group" },
  { "removed",
    [] (FakeSysfs &host) {
      std::filesystem::remove (std::string (host.root ()) + "/sys/bus/mdev/devices/" + UUID);
    },
    0, VP_DEVICE_ERROR_NOT_FOUND,
    "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001: the host has no such device" },
};

std::string
name_of_row (const testing::TestParamInfo<Row> &info)
{
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P (Table, MediatedDevice, testing::ValuesIn (rows), name_of_row);

} // namespace
