#include "launcher/config/guest-cpu.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

constexpr VpHostCpu XEON = { TRUE, FALSE, 46 }, EPYC = { TRUE, TRUE, 48 },
                    LAPTOP = { TRUE, FALSE, 39 }, NOT_KNOWN = { FALSE, FALSE, 0 };
constexpr VpAccel KVM = VP_ACCEL_KVM, TCG = VP_ACCEL_TCG;

struct Row
{
  const char *name;
  const char *cpu;
  VpAccel accel;
  VpHostCpu host;
  guint default_bits;
  guint max_bits;
  bool is_amd = false;
  bool is_32_bit = false;
};

const Row rows[] = {
  { "kvm_default", nullptr, KVM, XEON, 46, 46 },
  { "kvm_host", "host", KVM, XEON, 46, 46 },
  { "kvm_max", "max,-vmx", KVM, XEON, 46, 46 },
  { "kvm_host_not_known", nullptr, KVM, NOT_KNOWN, 0, 0 },
  { "kvm_host_of_a_laptop", nullptr, KVM, LAPTOP, 39, 39 },
  { "kvm_host_of_amd", nullptr, KVM, EPYC, 48, 48, true },
  { "kvm_model", "Skylake-Server", KVM, XEON, 40, 46 },
  { "kvm_model_has_the_vendor_of_the_host", "Skylake-Server", KVM, EPYC, 40, 48, true },
  { "kvm_model_with_another_vendor", "EPYC,vendor=GenuineIntel", KVM, EPYC, 40, 48 },
  { "kvm_amd_model_on_intel", "EPYC", KVM, XEON, 40, 46 },
  { "kvm_model_not_known", "Skylake-Server", KVM, NOT_KNOWN, 40, 40 },
  { "kvm_model_wider_than_the_host", "Skylake-Client", KVM, LAPTOP, 40, 40 },
  { "kvm_model_host_width", "Skylake-Server,host-phys-bits=on", KVM, XEON, 46, 46 },
  { "kvm_model_host_width_word", "Skylake-Server,host-phys-bits", KVM, XEON, 46, 46 },
  { "kvm_model_host_width_underscores", "Skylake-Server,host_phys_bits=true", KVM, XEON, 46, 46 },
  { "kvm_host_width_off", "host,host-phys-bits=off", KVM, XEON, 40, 40 },
  { "kvm_host_limit", "host,host-phys-bits-limit=42", KVM, XEON, 42, 42 },
  { "kvm_host_limit_above_the_host", "host,host-phys-bits-limit=52", KVM, XEON, 46, 46 },
  { "kvm_phys_bits", "Skylake-Server,phys-bits=44", KVM, XEON, 44, 44 },
  { "kvm_host_ignores_phys_bits", "host,phys-bits=44", KVM, XEON, 46, 46 },
  { "kvm_last_one_counts", "Skylake-Server,phys-bits=44,phys-bits=42", KVM, XEON, 42, 42 },
  { "tcg_default", nullptr, TCG, XEON, 40, 52, true },
  { "tcg_max", "max", TCG, NOT_KNOWN, 40, 52, true },
  { "tcg_qemu64", "qemu64-v1,+x2apic", TCG, XEON, 40, 52, true },
  { "tcg_epyc", "EPYC-Rome-v2", TCG, XEON, 40, 52, true },
  { "tcg_opteron", "Opteron_G5,phys_bits=42", TCG, XEON, 42, 42, true },
  { "tcg_intel", "Skylake-Server", TCG, EPYC, 40, 52 },
  { "tcg_vendor", "Skylake-Server,vendor=AuthenticAMD", TCG, XEON, 40, 52, true },
  { "tcg_phys_bits", "max,phys-bits=46", TCG, XEON, 46, 46, true },
  { "tcg_phys_bits_0_is_the_default", "max,phys-bits=0", TCG, XEON, 40, 52, true },
  { "tcg_phys_bits_that_qemu_refuses", "max,phys-bits=99", TCG, XEON, 40, 52, true },
  { "tcg_ignores_the_host", "max,host-phys-bits=on,host-phys-bits-limit=39", TCG, XEON, 40, 52,
    true },
  { "old_486", "486", TCG, XEON, 32, 32, false, true },
  { "old_pentium3", "pentium3-v1", KVM, XEON, 36, 36, false, true },
  { "old_pentium_is_not_pentium2", "pentium", TCG, XEON, 32, 32, false, true },
  { "old_athlon", "athlon,phys-bits=40", TCG, XEON, 36, 36, true, true },
  { "empty", "", TCG, XEON, 40, 52 },
  { "odd_commas", "max,,=,phys-bits,", TCG, XEON, 40, 52, true },
};

class GuestCpu : public testing::TestWithParam<Row>
{
};

TEST_P (GuestCpu, HasTheWidthOfQemu)
{
  const Row &row = GetParam ();
  VpGuestCpu guest;

  vp_guest_cpu_get (row.cpu, row.accel, &row.host, &guest);
  EXPECT_EQ (guest.default_bits, row.default_bits);
  EXPECT_EQ (guest.max_bits, row.max_bits);
  EXPECT_EQ (guest.is_amd, row.is_amd);
  EXPECT_EQ (guest.is_32_bit, row.is_32_bit);
}

/* What is made of it is understood again: as wide as was asked for, and fixed. */
TEST_P (GuestCpu, CanBeWidened)
{
  const Row &row = GetParam ();
  VpGuestCpu before, after;

  vp_guest_cpu_get (row.cpu, row.accel, &row.host, &before);
  for (guint bits = before.default_bits + 1; bits <= before.max_bits; bits++)
    {
      g_autofree char *cpu = vp_guest_cpu_widen (row.cpu, row.accel, bits);

      vp_guest_cpu_get (cpu, row.accel, &row.host, &after);
      EXPECT_EQ (after.default_bits, row.accel == KVM ? row.host.address_bits : bits) << cpu;
      EXPECT_EQ (after.max_bits, after.default_bits) << cpu;
      EXPECT_EQ (after.is_amd, before.is_amd) << cpu;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, GuestCpu, testing::ValuesIn (rows), name_of_row<Row>);

TEST (GuestCpuWiden, WritesAnArgumentOfCpu)
{
  g_autofree char *kvm = vp_guest_cpu_widen ("Skylake-Server,-hle", KVM, 46);
  g_autofree char *tcg = vp_guest_cpu_widen ("EPYC", TCG, 46);
  g_autofree char *none = vp_guest_cpu_widen (nullptr, TCG, 52);

  EXPECT_STREQ (kvm, "Skylake-Server,-hle,host-phys-bits=on");
  EXPECT_STREQ (tcg, "EPYC,phys-bits=46");
  EXPECT_STREQ (none, "max,phys-bits=52");
}

} // namespace
