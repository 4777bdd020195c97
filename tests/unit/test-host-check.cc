#include "launcher/vm/host-check.h"

#include "tests/support/row-name.h"

#include <cerrno>
#include <functional>
#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <map>
#include <string>

namespace
{

constexpr guint64 MiB = UINT64_C (1) << 20, GiB = UINT64_C (1) << 30;

/* What QEMU prints of them, shortened. */
const std::string DEVICES =
    "Controller/Bridge/Hub devices:\n"
    "name \"pcie-pci-bridge\", bus PCI\n"
    "name \"pci-bridge\", bus PCI\n"
    "name \"x3130-upstream\", bus PCI\n"
    "name \"xio3130-downstream\", bus PCI\n"
    "name \"pxb-pcie\", bus PCI\n"
    "name \"ivshmem-plain\", bus PCI\n"
    "name \"acpi-erst\", bus PCI\n"
    "name \"bochs-display\", bus PCI\n"
    "name \"pcie-root-port\", bus PCI, desc \"PCI Express Root Port\"\n"
    "\nMisc devices:\n"
    "name \"pci-testdev\", bus PCI, desc \"PCI Test Device\"\n"
    "name \"vfio-pci\", bus PCI, desc \"VFIO-based PCI device assignment\"\n"
    "name \"vfio-pci-nohotplug\", bus PCI\n"
    "name \"virtio-9p-pci\", bus PCI, alias \"virtio-9p\"\n"
    "name \"virtio-blk-pci\", bus PCI, alias \"virtio-blk\"\n"
    "name \"virtio-net-pci\", bus PCI, alias \"virtio-net\"\n"
    "name \"virtio-rng-pci\", bus PCI, alias \"virtio-rng\"\n";

/* A host where all is well; a row changes what it is about. */
struct Host
{
  VpHostFacts facts = {};

  Host ()
  {
    facts.kvm = { 0, KVM_API_VERSION, TRUE, FALSE, TRUE };
    facts.cpu = { TRUE, FALSE, 46 };
    facts.iommu = g_strdup ("dmar0");
    facts.n_groups = 41;
    facts.remaps_interrupts = TRUE;
    facts.has_vfio_pci = TRUE;
    facts.has_cdevs = TRUE;
    facts.memlock = G_MAXUINT64;
    facts.qemu = g_strdup ("qemu-system-x86_64");
    facts.qemu_version = g_strdup ("7.2.22");
    facts.qemu_devices = g_strdup (DEVICES.c_str ());
    facts.seabios = { VP_FIRMWARE_SEABIOS, g_strdup ("1.17.0") };
    facts.ovmf = g_strdup ("/usr/share/ovmf/OVMF.fd");
  }
  ~Host () { vp_host_facts_clear (&facts); }
  Host (const Host &) = delete;
  Host &operator= (const Host &) = delete;

  void
  set (char **member, const char *value)
  {
    g_free (*member);
    *member = g_strdup (value);
  }
  void
  lose_device (const std::string &name)
  {
    std::string text = facts.qemu_devices;
    text.replace (text.find ("\"" + name + "\""), 2, "\"x");
    set (&facts.qemu_devices, text.c_str ());
  }
};

using Change = std::function<void (Host &)>;

struct Row
{
  const char *name;
  const char *check;
  Change change;
  VpCheckStatus status;
  const char *fact;
  const char *hint; /* part of it; nullptr: none */
};

const VpCheckStatus OK = VP_CHECK_OK, WARNING = VP_CHECK_WARNING, FAILED = VP_CHECK_FAILED;

const Row rows[] = {
  { "kvm", "kvm", [] (Host &) {}, OK, "/dev/kvm works", nullptr },
  { "no_kvm", "kvm", [] (Host &h) { h.facts.kvm.open_errno = EACCES; }, WARNING,
    "/dev/kvm: Permission denied (add this user to group kvm)", "emulated (tcg)" },
  { "iommu", "iommu", [] (Host &) {}, OK, "dmar0, 41 groups", nullptr },
  { "iommu_without_a_name", "iommu", [] (Host &h) { h.set (&h.facts.iommu, nullptr); }, OK,
    "an IOMMU, 41 groups", nullptr },
  { "iommu_without_groups", "iommu", [] (Host &h) { h.facts.n_groups = 0; }, FAILED,
    "dmar0 is there, but has no groups", "intel_iommu=on" },
  { "no_iommu", "iommu",
    [] (Host &h) {
      h.set (&h.facts.iommu, nullptr);
      h.facts.n_groups = 0;
    },
    FAILED, "none: the kernel has no IOMMU groups", "VT-d or AMD-Vi" },
  { "remapping", "interrupt-remapping", [] (Host &) {}, OK, "on", nullptr },
  { "remapping_on_though_not_needed", "interrupt-remapping",
    [] (Host &h) { h.facts.allows_unsafe_interrupts = TRUE; }, OK, "on", nullptr },
  { "no_remapping", "interrupt-remapping", [] (Host &h) { h.facts.remaps_interrupts = FALSE; },
    FAILED, "off: VFIO refuses devices without it", "allow_unsafe_interrupts=1" },
  { "no_remapping_allowed", "interrupt-remapping",
    [] (Host &h) {
      h.facts.remaps_interrupts = FALSE;
      h.facts.allows_unsafe_interrupts = TRUE;
    },
    WARNING, "off, and VFIO is told to do without", "guests that you trust" },
  { "no_remapping_without_iommu", "interrupt-remapping",
    [] (Host &h) {
      h.facts.remaps_interrupts = FALSE;
      h.facts.n_groups = 0;
    },
    FAILED, "off: it is part of the IOMMU", "see iommu" },
  { "vfio", "vfio", [] (Host &) {}, OK, "vfio-pci is loaded, /dev/vfio/vfio can be opened",
    nullptr },
  { "no_vfio_pci", "vfio", [] (Host &h) { h.facts.has_vfio_pci = FALSE; }, FAILED,
    "the driver vfio-pci is not loaded", "modprobe vfio-pci" },
  { "no_vfio_node", "vfio", [] (Host &h) { h.facts.vfio_errno = ENOENT; }, FAILED,
    "/dev/vfio/vfio: No such file or directory", "modprobe vfio" },
  { "vfio_node_of_root", "vfio", [] (Host &h) { h.facts.vfio_errno = EACCES; }, FAILED,
    "/dev/vfio/vfio: Permission denied", "udev" },
  { "vfio_node_and_device_cgroup", "vfio", [] (Host &h) { h.facts.vfio_errno = EPERM; }, FAILED,
    "/dev/vfio/vfio: Operation not permitted", "udev" },
  { "iommufd", "iommufd", [] (Host &) {}, OK,
    "/dev/iommu can be opened, devices have nodes, and QEMU can use them", nullptr },
  { "no_iommufd", "iommufd", [] (Host &h) { h.facts.iommufd_errno = ENOENT; }, OK,
    "the kernel has none (CONFIG_IOMMUFD): devices are used by their groups", nullptr },
  { "iommufd_without_nodes", "iommufd", [] (Host &h) { h.facts.has_cdevs = FALSE; }, OK,
    "/dev/iommu is there, but devices have no nodes (CONFIG_VFIO_DEVICE_CDEV): they are used by "
    "their groups",
    nullptr },
  { "iommufd_without_qemu", "iommufd", [] (Host &h) { h.set (&h.facts.iommufd_error, "qemu: no"); },
    OK, "the kernel has it, QEMU not (qemu: no): devices are used by their groups", nullptr },
  { "iommufd_of_root", "iommufd", [] (Host &h) { h.facts.iommufd_errno = EACCES; }, WARNING,
    "/dev/iommu: Permission denied", "be root" },
  { "memlock", "memlock", [] (Host &) {}, OK, "no limit", nullptr },
  { "memlock_of_root", "memlock",
    [] (Host &h) {
      h.facts.memlock = 0;
      h.facts.may_lock_all = TRUE;
    },
    OK, "no limit (CAP_IPC_LOCK)", nullptr },
  { "memlock_just_enough", "memlock", [] (Host &h) { h.facts.memlock = 2 * GiB; }, OK,
    "2 GiB: the guest's memory and 1 GiB must fit", nullptr },
  { "memlock_a_byte_too_small", "memlock", [] (Host &h) { h.facts.memlock = 2 * GiB - MiB; },
    FAILED, "2047 MiB, and a guest of 1 GiB needs 2 GiB", "ulimit -l" },
  { "memlock_of_debian", "memlock", [] (Host &h) { h.facts.memlock = 8 * MiB; }, FAILED,
    "8 MiB, and a guest of 1 GiB needs 2 GiB", "LimitMEMLOCK=" },
  { "qemu", "qemu", [] (Host &) {}, OK, "qemu-system-x86_64 7.2.22", nullptr },
  { "qemu_10", "qemu", [] (Host &h) { h.set (&h.facts.qemu_version, "10.0.2"); }, OK,
    "qemu-system-x86_64 10.0.2", nullptr },
  { "qemu_7_1", "qemu", [] (Host &h) { h.set (&h.facts.qemu_version, "7.1.99"); }, WARNING,
    "qemu-system-x86_64 7.1.99", "before 7.2" },
  { "qemu_6", "qemu", [] (Host &h) { h.set (&h.facts.qemu_version, "6.9"); }, WARNING,
    "qemu-system-x86_64 6.9", "before 7.2" },
  { "qemu_odd_version", "qemu", [] (Host &h) { h.set (&h.facts.qemu_version, "..."); }, WARNING,
    "qemu-system-x86_64 ...", "before 7.2" },
  { "no_qemu", "qemu",
    [] (Host &h) {
      h.set (&h.facts.qemu_version, nullptr);
      h.set (&h.facts.qemu_devices, nullptr);
      h.set (&h.facts.qemu_error, "did not end in 10 s");
    },
    FAILED, "qemu-system-x86_64: did not end in 10 s", "--qemu" },
  { "something_else", "qemu", [] (Host &h) { h.set (&h.facts.qemu_version, nullptr); }, FAILED,
    "qemu-system-x86_64: its --version is not that of a QEMU", "--qemu" },
  { "devices", "qemu-devices", [] (Host &) {}, OK, "all that vmplug uses", nullptr },
  { "no_vfio_device", "qemu-devices", [] (Host &h) { h.lose_device ("vfio-pci"); }, FAILED,
    "without vfio-pci", "built with" },
  { "no_root_port", "qemu-devices", [] (Host &h) { h.lose_device ("pcie-root-port"); }, FAILED,
    "without pcie-root-port", "built with" },
  { "no_testdev", "qemu-devices", [] (Host &h) { h.lose_device ("pci-testdev"); }, WARNING,
    "without pci-testdev", "built with" },
  { "several_missing", "qemu-devices",
    [] (Host &h) {
      h.lose_device ("virtio-rng-pci");
      h.lose_device ("vfio-pci");
    },
    FAILED, "without vfio-pci, virtio-rng-pci", "built with" },
  { "devices_of_no_qemu", "qemu-devices",
    [] (Host &h) {
      h.set (&h.facts.qemu_version, nullptr);
      h.set (&h.facts.qemu_devices, nullptr);
    },
    FAILED, "not known: there is no QEMU to ask", "see qemu" },
  { "devices_not_told", "qemu-devices",
    [] (Host &h) {
      h.set (&h.facts.qemu_devices, nullptr);
      h.set (&h.facts.qemu_error, "did not end in 10 s");
    },
    WARNING, "not known: did not end in 10 s", "see qemu" },
  { "seabios", "seabios", [] (Host &) {}, OK,
    "SeaBIOS 1.17.0 or later (\"1.17.0\"), which needs twice the window for a large BAR that comes "
    "later",
    nullptr },
  { "seabios_with_the_bug", "seabios",
    [] (Host &h) { h.set (&h.facts.seabios.version, "1.16.3-debian-1"); }, WARNING,
    "SeaBIOS 1.16.3 (\"1.16.3-debian-1\"), which needs twice the window for a large BAR that comes "
    "later",
    "outside of their bridge" },
  { "seabios_not_known", "seabios", [] (Host &h) { h.set (&h.facts.seabios.version, nullptr); },
    WARNING,
    "SeaBIOS of an unknown version, which needs twice the window for a large BAR that comes later",
    "--firmware-version" },
  { "ovmf", "ovmf", [] (Host &) {}, OK, "/usr/share/ovmf/OVMF.fd", nullptr },
  { "no_ovmf", "ovmf", [] (Host &h) { h.set (&h.facts.ovmf, nullptr); }, WARNING, "not found",
    "package ovmf" },
  { "width", "address-width", [] (Host &) {}, OK,
    "46 bits: 64 TiB for the memory and the large BARs of a guest", nullptr },
  { "width_not_known", "address-width", [] (Host &h) { h.facts.cpu.address_bits = 0; }, WARNING,
    "not known: /proc/cpuinfo does not say it", "may not fit" },
  { "width_of_the_widest", "address-width", [] (Host &h) { h.facts.cpu.address_bits = 52; }, OK,
    "52 bits: 4 PiB for the memory and the large BARs of a guest", nullptr },
};

using Checks = std::map<std::string, VpHostCheck>;

class HostCheck : public testing::TestWithParam<Row>
{
protected:
  GPtrArray *checks_ = nullptr;

  ~HostCheck () override { g_clear_pointer (&checks_, g_ptr_array_unref); }

  Checks
  check (const Host &host)
  {
    Checks checks;

    g_clear_pointer (&checks_, g_ptr_array_unref);
    checks_ = vp_host_check_all (&host.facts);
    for (guint i = 0; i < checks_->len; i++)
      {
        const auto *one = static_cast<VpHostCheck *> (checks_->pdata[i]);
        checks[one->name] = *one;
      }
    return checks;
  }
};

TEST_P (HostCheck, JudgesWhatWasFound)
{
  const Row &row = GetParam ();
  Host host;

  row.change (host);
  const Checks checks = check (host);
  ASSERT_EQ (checks.count (row.check), 1U);
  const VpHostCheck &got = checks.at (row.check);

  EXPECT_STREQ (vp_check_status_to_string (got.status), vp_check_status_to_string (row.status));
  EXPECT_STREQ (got.fact, row.fact);
  if (row.hint == nullptr)
    {
      EXPECT_EQ (got.hint, nullptr);
    }
  else
    {
      ASSERT_NE (got.hint, nullptr);
      EXPECT_NE (std::string (got.hint).find (row.hint), std::string::npos) << got.hint;
    }
  for (const auto &[name, one] : checks)
    {
      EXPECT_EQ (one.status == OK, one.hint == nullptr) << name << ": a hint is for what is not ok";
      EXPECT_EQ (std::string (one.fact).find ('\n'), std::string::npos) << "a line each";
    }
}

/* One thing wrong is one line that is not ok, but for what rests on it. */
TEST_P (HostCheck, ChangesNoOtherLine)
{
  const Row &row = GetParam ();
  static const std::map<std::string, std::string> rests_on = { { "interrupt-remapping", "iommu" },
                                                               { "qemu-devices", "qemu" } };
  Host host;

  row.change (host);
  for (const auto &[name, one] : check (host))
    {
      const auto base = rests_on.find (name);
      const auto reverse = rests_on.find (row.check);
      if (name == row.check || (base != rests_on.end () && base->second == row.check) ||
          (reverse != rests_on.end () && reverse->second == name))
        continue;
      EXPECT_EQ (one.status, OK) << name << ": " << one.fact;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, HostCheck, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
