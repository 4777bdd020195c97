#include "launcher/vm/host-facts.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace
{

class HostFacts : public testing::Test
{
protected:
  FakeSysfs host_;
  TempFolder folder_;
  VpHostFacts facts_ = {};
  std::string qemu_ = "/bin/true";

  ~HostFacts () override { vp_host_facts_clear (&facts_); }

  const VpHostFacts &
  read ()
  {
    g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host_.root (), nullptr);

    vp_host_facts_clear (&facts_);
    vp_host_facts_read (&facts_, sysfs, qemu_.c_str ());
    return facts_;
  }
  /* A QEMU that says so of itself and of its devices. */
  void
  qemu (const std::string &version, const std::string &devices)
  {
    qemu_ =
        folder_.write ("qemu", "#!/bin/sh\ncase \"$*\" in\n--version) " + version +
                                   " ;;\n'-device help') " + devices +
                                   " ;;\n'-device vfio-pci,help') echo ' iommufd=x'; echo ' fd=x'"
                                   " ;;\n*) exit 9 ;;\nesac\n");
    ASSERT_EQ (chmod (qemu_.c_str (), 0755), 0);
  }
};

TEST_F (HostFacts, OfABareHost)
{
  const VpHostFacts &facts = read ();

  EXPECT_EQ (facts.kvm.open_errno, ENOENT);
  EXPECT_EQ (facts.iommu, nullptr);
  EXPECT_EQ (facts.n_groups, 0U);
  EXPECT_FALSE (facts.remaps_interrupts || facts.allows_unsafe_interrupts);
  EXPECT_FALSE (facts.has_vfio_pci || facts.may_lock_all);
  EXPECT_EQ (facts.vfio_errno, 0) << "the fake has the node";
  EXPECT_EQ (facts.memlock, G_MAXUINT64);
  EXPECT_EQ (facts.cpu.address_bits, 0U);
}

TEST_F (HostFacts, CountsGroups)
{
  host_.pci ("0000:41:00.0").group (40);
  host_.pci ("0000:41:00.1").group (40);
  host_.pci ("0000:42:00.0").group (41);
  host_.write ("sys/class/iommu/dmar1/x", "").write ("sys/class/iommu/dmar0/x", "");

  EXPECT_EQ (read ().n_groups, 2U);
  EXPECT_STREQ (facts_.iommu, "dmar0");
}

TEST_F (HostFacts, KnowsVfio)
{
  host_.add_driver ("vfio-pci");
  EXPECT_TRUE (read ().has_vfio_pci);
  std::filesystem::remove (std::string (host_.root ()) + "/dev/vfio/vfio");
  EXPECT_EQ (read ().vfio_errno, ENOENT);
}

TEST_F (HostFacts, KnowsIommufd)
{
  EXPECT_EQ (read ().iommufd_errno, ENOENT);
  EXPECT_FALSE (facts_.has_cdevs);
  EXPECT_EQ (facts_.iommufd_error, nullptr) << "QEMU is not asked in vain";

  host_.add_iommufd ().write ("proc/devices", "Character devices:\n  1 mem\n511 vfio-dev\n");
  qemu ("echo QEMU emulator version 10.0.2", "echo x");
  EXPECT_EQ (read ().iommufd_errno, 0);
  EXPECT_TRUE (facts_.has_cdevs);
  EXPECT_EQ (facts_.iommufd_error, nullptr);

  qemu_ = folder_.write ("old", "#!/bin/sh\necho QEMU emulator version 7.2.0\n");
  ASSERT_EQ (chmod (qemu_.c_str (), 0755), 0);
  host_.write ("proc/devices", " 10 vfio-device\n");
  EXPECT_NE (std::string (read ().iommufd_error).find ("has no iommufd"), std::string::npos);
  EXPECT_FALSE (facts_.has_cdevs);
}

TEST_F (HostFacts, KnowsUnsafeInterrupts)
{
  const char *path = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

  host_.write (path, "N\n");
  EXPECT_FALSE (read ().allows_unsafe_interrupts);
  host_.write (path, "Y\n");
  EXPECT_TRUE (read ().allows_unsafe_interrupts);
}

struct InterruptsRow
{
  const char *name;
  std::string text;
  bool remaps;
};

const std::string HEADING = "           CPU0       CPU1\n";

const InterruptsRow interrupts[] = {
  { "empty", "", false },
  { "plain", HEADING + "  0:  5  0   IO-APIC   2-edge   timer\n 24: 1 0 PCI-MSI 1-edge eth0\n",
    false },
  { "remapped", HEADING + "  0:  5  0  IR-IO-APIC    2-edge      timer\n", true },
  { "remapped_msi_only", HEADING + " 24:  1  0 IR-PCI-MSI 512000-edge  ahci\n", true },
  { "remapped_msi_of_newer_kernels", HEADING + " 24: 1 0 IR-PCI-MSIX-0000:00:04.0 0-edge x\n",
    true },
  { "unit_of_the_iommu_itself", HEADING + " 24:  0  0  DMAR-MSI    0-edge      dmar0\n", false },
  { "name_of_a_device", HEADING + " 24:  1  0 PCI-MSI 1-edge  XIR-IO-APIC\n", false },
  { "thousands_of_processors",
    std::string (300000, ' ') + "CPU4095\n  0: " + std::string (45000, '0') +
        "  IR-IO-APIC    2-edge      timer\n",
    true },
};

class HostFactsInterrupts : public testing::TestWithParam<InterruptsRow>
{
};

TEST_P (HostFactsInterrupts, AreRemappedWhenTheirControllersSayIt)
{
  FakeSysfs host;
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), nullptr);
  g_auto (VpHostFacts) facts = {};

  host.write ("proc/interrupts", GetParam ().text);
  vp_host_facts_read (&facts, sysfs, "/bin/true");
  EXPECT_EQ (facts.remaps_interrupts, GetParam ().remaps);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          HostFactsInterrupts,
                          testing::ValuesIn (interrupts),
                          name_of_row<InterruptsRow>);

TEST_F (HostFacts, ReadsTheHardLimitOfLockedMemory)
{
  const std::string heading = "Limit                     Soft Limit           Hard Limit  Units\n";

  host_.write ("proc/self/limits", heading + "Max locked memory         8388608      "
                                             "17179869184  bytes\nMax pending 1 2 signals\n");
  EXPECT_EQ (read ().memlock, 17179869184U);
  host_.write ("proc/self/limits",
               heading + "Max locked memory         unlimited            unlimited    bytes\n");
  EXPECT_EQ (read ().memlock, G_MAXUINT64);
}

TEST_F (HostFacts, KnowsTheCapabilityThatLifts)
{
  for (const auto &[status, may] : { std::pair ("CapEff:\t000001ffffffffff\n", true),
                                     std::pair ("CapEff:\t0000000000004000\n", true),
                                     std::pair ("CapEff:\t000001ffffffbfff\n", false),
                                     std::pair ("CapEff:\t0000000000000000\n", false),
                                     std::pair ("CapPrm:\t000001ffffffffff\n", false),
                                     std::pair ("CapEff:\tgarbage\n", false) })
    {
      host_.write ("proc/self/status", std::string ("Name:\tx\n") + status);
      EXPECT_EQ (read ().may_lock_all, may) << status;
    }
}

TEST_F (HostFacts, AsksQemu)
{
  qemu ("echo 'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)'; echo Copyright",
        "echo 'name \"vfio-pci\", bus PCI'");

  EXPECT_STREQ (read ().qemu_version, "7.2.22");
  EXPECT_STREQ (facts_.qemu_devices, "name \"vfio-pci\", bus PCI\n");
  EXPECT_EQ (facts_.qemu_error, nullptr);
  EXPECT_EQ (facts_.seabios.version, nullptr) << "a script may start any QEMU";
}

TEST_F (HostFacts, QemuThatIsNone)
{
  EXPECT_EQ (read ().qemu_version, nullptr);
  EXPECT_EQ (facts_.qemu_devices, nullptr);
  EXPECT_EQ (facts_.qemu_error, nullptr);
}

TEST_F (HostFacts, QemuThatIsNotThere)
{
  qemu_ = folder_.path ("nowhere");
  EXPECT_EQ (read ().qemu_version, nullptr);
  ASSERT_NE (facts_.qemu_error, nullptr);
}

TEST_F (HostFacts, QemuThatFails)
{
  qemu ("echo QEMU emulator version 7.2.22", "echo broken; exit 1");
  EXPECT_STREQ (read ().qemu_version, "7.2.22");
  EXPECT_EQ (facts_.qemu_devices, nullptr);
  EXPECT_STREQ (facts_.qemu_error, "ended with status 1, and had said \"broken\"");
}

} // namespace
