#include "launcher/config/host-cpu.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

VpHostCpu
read_cpu (const FakeSysfs &host)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host.root (), nullptr);
  VpHostCpu cpu;

  vp_host_cpu_read (sysfs, &cpu);
  return cpu;
}

struct Cpuinfo
{
  const char *name;
  std::string text;
  bool virtualization;
};

const Cpuinfo cpuinfos[] = {
  { "intel", "processor\t: 0\nflags\t\t: fpu vmx sse\n", true },
  { "amd_last_word", "processor\t: 0\nflags\t\t: fpu svm\n", true },
  { "first_line", "flags\t\t: vmx\n", true },
  { "first_word", "x\t: 1\nflags\t: svm fpu\n", true },
  { "no_newline", "flags\t: fpu vmx", true },
  { "neither", "processor\t: 0\nflags\t\t: fpu sse\n", false },
  { "part_of_a_word", "flags\t\t: fpu ept_vmx vmxon svm_lock\n", false },
  { "another_line", "model name\t: Mr vmx CPU\nvmx flags\t: vnmi vmx\n", false },
  { "empty", "", false },
  { "line_is_cut_off", "flags\t\t: " + std::string (70000, 'x') + " vmx\n", false },
  { "long_but_early", "flags\t\t: vmx\n" + std::string (300000, 'x'), true },
};

class HostCpuFlags : public testing::TestWithParam<Cpuinfo>
{
};

TEST_P (HostCpuFlags, ShowVirtualization)
{
  FakeSysfs host;
  host.write ("proc/cpuinfo", GetParam ().text);

  EXPECT_EQ (read_cpu (host).has_virtualization, GetParam ().virtualization);
}

INSTANTIATE_TEST_SUITE_P (Table, HostCpuFlags, testing::ValuesIn (cpuinfos), name_of_row<Cpuinfo>);

struct WidthRow
{
  const char *name;
  std::string text;
  unsigned bits;
};

const WidthRow widths[] = {
  { "server", "address sizes\t: 46 bits physical, 48 bits virtual\n", 46 },
  { "first_processor_counts",
    "address sizes\t: 39 bits physical, 48 bits virtual\n\n"
    "address sizes\t: 52 bits physical, 57 bits virtual\n",
    39 },
  { "narrowest", "address sizes\t: 32 bits physical\n", 32 },
  { "widest", "address sizes\t: 52 bits physical\n", 52 },
  { "too_narrow", "address sizes\t: 31 bits physical\n", 0 },
  { "too_wide", "address sizes\t: 53 bits physical\n", 0 },
  { "huge", "address sizes\t: 46464646464646 bits physical\n", 0 },
  { "negative", "address sizes\t: -46 bits physical\n", 0 },
  { "another_line", "model name\t: address sizes\t: 46 bits physical\n", 0 },
  { "empty", "", 0 },
};

class HostCpuWidth : public testing::TestWithParam<WidthRow>
{
};

TEST_P (HostCpuWidth, IsThatOfPhysicalAddresses)
{
  FakeSysfs host;
  host.write ("proc/cpuinfo", GetParam ().text);

  EXPECT_EQ (read_cpu (host).address_bits, GetParam ().bits);
}

INSTANTIATE_TEST_SUITE_P (Table, HostCpuWidth, testing::ValuesIn (widths), name_of_row<WidthRow>);

TEST (HostCpu, KnowsAmd)
{
  for (const auto &[text, is_amd] : { std::pair ("vendor_id\t: AuthenticAMD\n", true),
                                      std::pair ("vendor_id\t: GenuineIntel\n", false),
                                      std::pair ("vendor_id\t: AuthenticAMDX\n", false),
                                      std::pair ("x vendor_id\t: AuthenticAMD\n", false) })
    {
      FakeSysfs host;
      host.write ("proc/cpuinfo", text);

      EXPECT_EQ (read_cpu (host).is_amd, is_amd) << text;
    }
}

TEST (HostCpu, OfABareHostIsNotKnown)
{
  FakeSysfs host;
  const VpHostCpu cpu = read_cpu (host);

  EXPECT_FALSE (cpu.has_virtualization || cpu.is_amd);
  EXPECT_EQ (cpu.address_bits, 0U);
}

} // namespace
