#include "tests/lab/host.h"

/* A host whose IOMMU is switched off: it has vfio-pci, but no groups. */

namespace
{

class NoIommu : public testing::Test
{
protected:
  const HostFunction nic = lab_function ("nic");

  void
  SetUp () override
  {
    ASSERT_EQ (nic.group (), "none") << "run this with scripts/lab -i none";
  }
  void
  TearDown () override
  {
    EXPECT_EQ (nic.driver (), "e1000e");
    EXPECT_EQ (nic.journal (), "");
    EXPECT_EQ (nic.attribute ("driver_override"), "(null)\n");
  }
};

TEST_F (NoIommu, DevicesSaySo)
{
  const Json device = ask_vmplug ({ "devices", nic.address })["devices"].at (0);

  EXPECT_TRUE (device["group"].is_null ()) << device;
  EXPECT_FALSE (device["assignable"].flag ()) << device;
  EXPECT_EQ (device["reason"].text (),
             nic.address + " is in no IOMMU group: the IOMMU is off or does not cover it");
}

TEST_F (NoIommu, DoctorSaysSo)
{
  const Outcome outcome = vmplug ({ "doctor" });

  EXPECT_EQ (outcome.status, 3) << outcome;
  EXPECT_NE (outcome.out.find ("failed   iommu "), std::string::npos) << outcome;
  EXPECT_NE (outcome.out.find ("failed   interrupt-remapping "), std::string::npos) << outcome;
}

TEST_F (NoIommu, NothingIsTakenFromItsDriver)
{
  const std::vector<std::string> texts = { nic.address + " is in no IOMMU group",
                                           "boot the host with intel_iommu=on or amd_iommu=on" };

  expect_failure (vmplug ({ "bind", nic.address }), 3, texts);
  for (const char *options : { "", ",bind=on" })
    expect_failure (
        vmplug ({ "run", "--detach", "--json", "--name", "no", "--device", nic.address + options }),
        3, texts);
  expect_failure (
      vmplug ({ "run", "--detach", "--json", "--name", "no", "--device", "/dev/vfio/7" }), 3,
      { "IOMMU group 7: the host has no IOMMU groups at all" });
}

} // namespace
