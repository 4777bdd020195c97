#include "launcher/config/accelerator.h"
#include "launcher/error.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <string>

namespace
{

constexpr VpKvmFacts WORKING = { 0, KVM_API_VERSION, TRUE, FALSE, TRUE };

struct Row
{
  const char *name;
  VpKvmFacts facts;
  const char *reason; /* of auto; nullptr: KVM is taken */
};

const Row rows[] = {
  { "works", WORKING, nullptr },
  { "works_beside_pvm", { 0, 12, TRUE, TRUE, TRUE }, nullptr },
  { "no_node",
    { ENOENT, 0, FALSE, FALSE, TRUE },
    "/dev/kvm: No such file or directory (load kvm_intel or kvm_amd)" },
  { "no_node_no_cpu",
    { ENOENT, 0, FALSE, FALSE, FALSE },
    "/dev/kvm: No such file or directory, and the CPU shows neither vmx nor svm" },
  { "no_permission",
    { EACCES, 0, TRUE, FALSE, TRUE },
    "/dev/kvm: Permission denied (add this user to group kvm)" },
  { "device_cgroup",
    { EPERM, 0, TRUE, FALSE, TRUE },
    "/dev/kvm: Operation not permitted (add this user to group kvm)" },
  { "pvm_only",
    { 0, 12, FALSE, TRUE, FALSE },
    "/dev/kvm is served by kvm_pvm, which boots only paravirtual guests" },
  { "pvm_only_though_the_cpu_could",
    { 0, 12, FALSE, TRUE, TRUE },
    "/dev/kvm is served by kvm_pvm, which boots only paravirtual guests" },
  { "no_vendor_module",
    { 0, 12, FALSE, FALSE, TRUE },
    "/dev/kvm is there, but neither kvm_intel nor kvm_amd is loaded" },
  { "no_flag",
    { 0, 12, TRUE, FALSE, FALSE },
    "/dev/kvm is there, but the CPU shows neither vmx nor svm" },
  { "not_kvm_at_all",
    { 0, -1, TRUE, FALSE, TRUE },
    "/dev/kvm answers with API version -1, not 12" },
  { "other_api", { 0, 13, TRUE, FALSE, TRUE }, "/dev/kvm answers with API version 13, not 12" },
};

class Accelerator : public testing::TestWithParam<Row>
{
};

TEST_P (Accelerator, AutoTakesKvmOnlyWhereItWorks)
{
  const Row &row = GetParam ();
  g_autofree char *reason = nullptr;
  VpAccel accel = VP_ACCEL_AUTO;

  ASSERT_TRUE (vp_accelerator_choose (VP_ACCEL_AUTO, &row.facts, &accel, &reason, nullptr));
  EXPECT_EQ (accel, row.reason == nullptr ? VP_ACCEL_KVM : VP_ACCEL_TCG);
  EXPECT_STREQ (reason, row.reason == nullptr ? "/dev/kvm works" : row.reason);
}

TEST_P (Accelerator, KvmByNameIsNeverReplaced)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autofree char *reason = nullptr;
  VpAccel accel = VP_ACCEL_AUTO;

  if (vp_accelerator_choose (VP_ACCEL_KVM, &row.facts, &accel, &reason, &error))
    {
      EXPECT_EQ (row.reason, nullptr);
      EXPECT_EQ (accel, VP_ACCEL_KVM);
      EXPECT_STREQ (reason, "asked for");
      return;
    }
  ASSERT_NE (row.reason, nullptr) << error->message;
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_EQ (std::string (error->message), std::string ("--accel kvm: ") + row.reason);
  EXPECT_EQ (reason, nullptr);
}

TEST_P (Accelerator, TcgByNameNeedsNothing)
{
  g_autofree char *reason = nullptr;
  VpAccel accel = VP_ACCEL_AUTO;

  ASSERT_TRUE (vp_accelerator_choose (VP_ACCEL_TCG, &GetParam ().facts, &accel, &reason, nullptr));
  EXPECT_EQ (accel, VP_ACCEL_TCG);
  EXPECT_STREQ (reason, "asked for");
}

INSTANTIATE_TEST_SUITE_P (Table, Accelerator, testing::ValuesIn (rows), name_of_row<Row>);

/* The rule itself, against every combination of facts. */
TEST (AcceleratorRule, HoldsForAllCombinations)
{
  int n_kvm = 0;

  for (int open_errno : { 0, ENOENT, EACCES, EPERM, ENODEV, ENXIO })
    for (int api : { -1, 0, 11, 12, 13 })
      for (bool vendor : { false, true })
        for (bool pvm : { false, true })
          for (bool cpu : { false, true })
            {
              const VpKvmFacts facts = { open_errno, api, vendor, pvm, cpu };
              const bool usable = open_errno == 0 && api == 12 && vendor && cpu;
              g_autofree char *reason = nullptr;
              VpAccel accel = VP_ACCEL_AUTO;

              ASSERT_TRUE (vp_accelerator_choose (VP_ACCEL_AUTO, &facts, &accel, &reason, nullptr));
              EXPECT_EQ (accel, usable ? VP_ACCEL_KVM : VP_ACCEL_TCG)
                  << open_errno << api << vendor << pvm << cpu;
              EXPECT_TRUE (reason != nullptr && reason[0] != '\0');
              n_kvm += accel == VP_ACCEL_KVM;
            }
  EXPECT_EQ (n_kvm, 2) << "one combination, with and without kvm_pvm beside it";
}

/* Reading the facts. */

VpKvmFacts
read_facts (const FakeSysfs &host)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), nullptr);
  VpHostCpu cpu;
  VpKvmFacts facts;

  vp_host_cpu_read (sysfs, &cpu);
  vp_kvm_facts_read (sysfs, &cpu, &facts);
  return facts;
}

TEST (KvmFacts, OfABareHost)
{
  FakeSysfs host;
  const VpKvmFacts facts = read_facts (host);

  EXPECT_EQ (facts.open_errno, ENOENT);
  EXPECT_FALSE (facts.has_vendor_module);
  EXPECT_FALSE (facts.has_pvm);
  EXPECT_FALSE (facts.cpu_virtualization);
}

TEST (KvmFacts, AFileIsNotKvm)
{
  FakeSysfs host;
  host.write ("dev/kvm", "").write ("sys/module/kvm_amd/refcnt", "0\n");
  host.write ("sys/module/kvm_pvm/refcnt", "0\n");
  const VpKvmFacts facts = read_facts (host);

  EXPECT_EQ (facts.open_errno, 0);
  EXPECT_EQ (facts.api_version, -1);
  EXPECT_TRUE (facts.has_vendor_module);
  EXPECT_TRUE (facts.has_pvm);
}

TEST (KvmFacts, IntelIsAVendorToo)
{
  FakeSysfs host;
  host.write ("sys/module/kvm_intel/refcnt", "0\n");

  EXPECT_TRUE (read_facts (host).has_vendor_module);
  EXPECT_FALSE (read_facts (host).has_pvm);
}

TEST (KvmFacts, TheCpuIsTheHosts)
{
  FakeSysfs host;
  host.write ("proc/cpuinfo", "flags\t\t: fpu vmx\n");

  EXPECT_TRUE (read_facts (host).cpu_virtualization);
}

TEST (AccelToString, AllNames)
{
  EXPECT_STREQ (vp_accel_to_string (VP_ACCEL_AUTO), "auto");
  EXPECT_STREQ (vp_accel_to_string (VP_ACCEL_KVM), "kvm");
  EXPECT_STREQ (vp_accel_to_string (VP_ACCEL_TCG), "tcg");
}

} // namespace
