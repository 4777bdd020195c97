#include "tests/lab/host.h"

/* A host whose IOMMU does not remap interrupts: there are groups, but VFIO does not trust them. */

namespace
{

class NoInterruptRemapping : public testing::Test
{
protected:
  const HostFunction nic = lab_function ("nic");

  void
  SetUp () override
  {
    ASSERT_NE (nic.group (), "none") << "run this with scripts/lab -i intel-iommu,intremap=off";
  }
};

TEST_F (NoInterruptRemapping, DoctorSaysSo)
{
  const Outcome outcome = vmplug ({ "doctor" });

  EXPECT_EQ (outcome.status, 3) << outcome;
  EXPECT_NE (outcome.out.find ("ok       iommu "), std::string::npos) << outcome;
  EXPECT_NE (outcome.out.find ("failed   interrupt-remapping "), std::string::npos) << outcome;
}

TEST_F (NoInterruptRemapping, TheDeviceGoesBackAndQemusWordsAreTold)
{
  const Outcome outcome = vmplug ({ "run", "--detach", "--json", "--name", "no", "--device",
                                    nic.address + ",bind=on,plug=cold" });

  expect_failure (outcome, 4,
                  { "QEMU did not start: ", "vfio " + nic.address, "Operation not permitted" });
  EXPECT_EQ (nic.driver (), "e1000e");
  EXPECT_EQ (nic.journal (), "");
}

} // namespace
