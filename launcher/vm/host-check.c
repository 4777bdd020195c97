#include "launcher/vm/host-check.h"

#include "devices/byte-size.h"
#include "devices/quote.h"

#include <errno.h>
#include <string.h>

#define GIB            (G_GUINT64_CONSTANT (1) << 30)
#define DEFAULT_MEMORY GIB
#define OLDEST_MAJOR   7 /* what is tested: QEMU 7.2 */
#define OLDEST_MINOR   2

/* What argv uses of QEMU beside what every QEMU has. Without the first ones nothing can be passed
 * through. */
static const struct
{
  const char *name;
  VpCheckStatus without;
} devices[] = {
  { "vfio-pci", VP_CHECK_FAILED },         { "pcie-root-port", VP_CHECK_FAILED },
  { "pcie-pci-bridge", VP_CHECK_WARNING }, { "pci-bridge", VP_CHECK_WARNING },
  { "x3130-upstream", VP_CHECK_WARNING },  { "xio3130-downstream", VP_CHECK_WARNING },
  { "pxb-pcie", VP_CHECK_WARNING },        { "pci-testdev", VP_CHECK_WARNING },
  { "ivshmem-plain", VP_CHECK_WARNING },   { "acpi-erst", VP_CHECK_WARNING },
  { "bochs-display", VP_CHECK_WARNING },   { "virtio-blk-pci", VP_CHECK_WARNING },
  { "virtio-net-pci", VP_CHECK_WARNING },  { "virtio-9p-pci", VP_CHECK_WARNING },
  { "virtio-rng-pci", VP_CHECK_WARNING },
};

/* Takes @fact. */
static void
set (VpHostCheck *check, VpCheckStatus status, char *fact, const char *hint)
{
  check->status = status;
  check->fact = fact;
  check->hint = g_strdup (hint);
}

static void
check_kvm (const VpHostFacts *facts, VpHostCheck *check)
{
  char *reason = NULL;
  VpAccel accel;

  vp_accelerator_choose (VP_ACCEL_AUTO, &facts->kvm, &accel, &reason, NULL);
  if (accel == VP_ACCEL_KVM)
    set (check, VP_CHECK_OK, reason, NULL);
  else
    set (check, VP_CHECK_WARNING, reason,
         "without it guests are emulated (tcg), many times slower");
}

static void
check_iommu (const VpHostFacts *facts, VpHostCheck *check)
{
  const char *unit = facts->iommu != NULL ? facts->iommu : "an IOMMU";

  if (facts->n_groups > 0)
    set (check, VP_CHECK_OK, g_strdup_printf ("%s, %u groups", unit, facts->n_groups), NULL);
  else if (facts->iommu != NULL)
    set (check, VP_CHECK_FAILED, g_strdup_printf ("%s is there, but has no groups", unit),
         "boot the host with intel_iommu=on or amd_iommu=on");
  else
    set (check, VP_CHECK_FAILED, g_strdup ("none: the kernel has no IOMMU groups"),
         "boot the host with intel_iommu=on or amd_iommu=on, and switch VT-d or AMD-Vi on in its "
         "firmware");
}

static void
check_remapping (const VpHostFacts *facts, VpHostCheck *check)
{
  if (facts->remaps_interrupts)
    set (check, VP_CHECK_OK, g_strdup ("on"), NULL);
  else if (facts->allows_unsafe_interrupts)
    set (check, VP_CHECK_WARNING, g_strdup ("off, and VFIO is told to do without"),
         "run only guests that you trust: they can raise any interrupt of the host");
  else if (facts->n_groups == 0)
    set (check, VP_CHECK_FAILED, g_strdup ("off: it is part of the IOMMU"), "see iommu");
  else
    set (check, VP_CHECK_FAILED, g_strdup ("off: VFIO refuses devices without it"),
         "switch it on in the host's firmware, or, for guests that you trust, load "
         "vfio_iommu_type1 with allow_unsafe_interrupts=1");
}

static void
check_vfio (const VpHostFacts *facts, VpHostCheck *check)
{
  if (!facts->has_vfio_pci)
    set (check, VP_CHECK_FAILED, g_strdup ("the driver vfio-pci is not loaded"),
         "modprobe vfio-pci");
  else if (facts->vfio_errno == EACCES || facts->vfio_errno == EPERM)
    set (check, VP_CHECK_FAILED,
         g_strdup_printf ("/dev/vfio/vfio: %s", g_strerror (facts->vfio_errno)),
         "give this user the node (a udev rule or chown), or be root");
  else if (facts->vfio_errno != 0)
    set (check, VP_CHECK_FAILED,
         g_strdup_printf ("/dev/vfio/vfio: %s", g_strerror (facts->vfio_errno)), "modprobe vfio");
  else
    set (check, VP_CHECK_OK, g_strdup ("vfio-pci is loaded, /dev/vfio/vfio can be opened"), NULL);
}

/* Nothing depends on it: every device has a group. */
static void
check_iommufd (const VpHostFacts *facts, VpHostCheck *check)
{
  if (facts->iommufd_errno == ENOENT)
    set (check, VP_CHECK_OK,
         g_strdup ("the kernel has none (CONFIG_IOMMUFD): devices are used by their groups"), NULL);
  else if (!facts->has_cdevs)
    set (check, VP_CHECK_OK,
         g_strdup ("/dev/iommu is there, but devices have no nodes (CONFIG_VFIO_DEVICE_CDEV): they "
                   "are used by their groups"),
         NULL);
  else if (facts->iommufd_error != NULL)
    set (check, VP_CHECK_OK,
         g_strdup_printf ("the kernel has it, QEMU not (%s): devices are used by their groups",
                          facts->iommufd_error),
         NULL);
  else if (facts->iommufd_errno != 0)
    set (check, VP_CHECK_WARNING,
         g_strdup_printf ("/dev/iommu: %s", g_strerror (facts->iommufd_errno)),
         "for iommufd=on give this user the node (a udev rule or chown), or be root");
  else
    set (check, VP_CHECK_OK,
         g_strdup ("/dev/iommu can be opened, devices have nodes, and QEMU can use them"), NULL);
}

static void
check_memlock (const VpHostFacts *facts, VpHostCheck *check)
{
  const guint64 need = DEFAULT_MEMORY + GIB;
  g_autofree char *limit = vp_byte_size_format (facts->memlock);
  g_autofree char *needed = vp_byte_size_format (need);

  if (facts->may_lock_all)
    set (check, VP_CHECK_OK, g_strdup ("no limit (CAP_IPC_LOCK)"), NULL);
  else if (facts->memlock == G_MAXUINT64)
    set (check, VP_CHECK_OK, g_strdup ("no limit"), NULL);
  else if (facts->memlock >= need)
    set (check, VP_CHECK_OK, g_strdup_printf ("%s: the guest's memory and 1 GiB must fit", limit),
         NULL);
  else
    set (check, VP_CHECK_FAILED,
         g_strdup_printf ("%s, and a guest of 1 GiB needs %s", limit, needed),
         "raise it to the guest's memory and 1 GiB (ulimit -l, LimitMEMLOCK=), or be root");
}

static gboolean
is_tested (const char *version)
{
  char *end;
  guint64 major = g_ascii_strtoull (version, &end, 10);
  guint64 minor = *end == '.' ? g_ascii_strtoull (end + 1, NULL, 10) : 0;

  return major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR);
}

static void
check_qemu (const VpHostFacts *facts, VpHostCheck *check)
{
  if (facts->qemu_version == NULL)
    set (check, VP_CHECK_FAILED,
         g_strdup_printf ("%s: %s", facts->qemu,
                          facts->qemu_error != NULL ? facts->qemu_error
                                                    : "its --version is not that of a QEMU"),
         "install the Debian package qemu-system-x86, or give its path with --qemu");
  else if (!is_tested (facts->qemu_version))
    set (check, VP_CHECK_WARNING, g_strdup_printf ("%s %s", facts->qemu, facts->qemu_version),
         "versions before 7.2 were never tried");
  else
    set (check, VP_CHECK_OK, g_strdup_printf ("%s %s", facts->qemu, facts->qemu_version), NULL);
}

static void
check_qemu_devices (const VpHostFacts *facts, VpHostCheck *check)
{
  g_autoptr (GString) missing = g_string_new (NULL);
  VpCheckStatus status = VP_CHECK_OK;

  if (facts->qemu_devices == NULL)
    {
      set (
          check, facts->qemu_version == NULL ? VP_CHECK_FAILED : VP_CHECK_WARNING,
          g_strdup_printf ("not known: %s", facts->qemu_error != NULL && facts->qemu_version != NULL
                                                ? facts->qemu_error
                                                : "there is no QEMU to ask"),
          "see qemu");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    {
      g_autofree char *entry = g_strdup_printf ("name \"%s\"", devices[i].name);

      if (strstr (facts->qemu_devices, entry) != NULL)
        continue;
      g_string_append_printf (missing, "%s%s", missing->len > 0 ? ", " : "", devices[i].name);
      status = MAX (status, devices[i].without);
    }
  if (missing->len == 0)
    set (check, VP_CHECK_OK, g_strdup ("all that vmplug uses"), NULL);
  else
    set (check, status, g_strdup_printf ("without %s", missing->str),
         "take a QEMU that was built with them");
}

static void
check_seabios (const VpHostFacts *facts, VpHostCheck *check)
{
  const VpFirmware *firmware = vp_firmware_get (facts->seabios.kind, facts->seabios.version);
  g_autoptr (GString) fact = g_string_new (firmware->name);

  if (facts->seabios.version != NULL)
    {
      g_autofree char *version = vp_quote (facts->seabios.version);

      g_string_append_printf (fact, " (%s)", version);
    }
  if (!firmware->aligns_reserves)
    g_string_append (fact, ", which needs twice the window for a large BAR that comes later");

  if (!firmware->misplaces_large_bars)
    set (check, VP_CHECK_OK, g_strdup (fact->str), NULL);
  else if (facts->seabios.version == NULL)
    set (check, VP_CHECK_WARNING, g_strdup (fact->str),
         "the worst of all is assumed of it until --firmware-version says which it is");
  else
    set (check, VP_CHECK_WARNING, g_strdup (fact->str),
         "it can place large BARs outside of their bridge: take 1.17.0, or --firmware ovmf");
}

static void
check_ovmf (const VpHostFacts *facts, VpHostCheck *check)
{
  if (facts->ovmf != NULL)
    set (check, VP_CHECK_OK, g_strdup (facts->ovmf), NULL);
  else
    set (check, VP_CHECK_WARNING, g_strdup ("not found"),
         "for --firmware ovmf install the Debian package ovmf, or give its path");
}

static void
check_address_width (const VpHostFacts *facts, VpHostCheck *check)
{
  guint bits = facts->cpu.address_bits;
  g_autofree char *size = vp_byte_size_format (G_GUINT64_CONSTANT (1) << bits);

  if (bits > 0)
    set (check, VP_CHECK_OK,
         g_strdup_printf ("%u bits: %s for the memory and the large BARs of a guest", bits, size),
         NULL);
  else
    set (check, VP_CHECK_WARNING, g_strdup ("not known: /proc/cpuinfo does not say it"),
         "with kvm, large BARs may not fit");
}

static const struct
{
  const char *name;
  void (*check) (const VpHostFacts *facts, VpHostCheck *check);
} checks[] = {
  { "kvm", check_kvm },
  { "iommu", check_iommu },
  { "interrupt-remapping", check_remapping },
  { "vfio", check_vfio },
  { "iommufd", check_iommufd },
  { "memlock", check_memlock },
  { "qemu", check_qemu },
  { "qemu-devices", check_qemu_devices },
  { "seabios", check_seabios },
  { "ovmf", check_ovmf },
  { "address-width", check_address_width },
};

static void
check_free (gpointer data)
{
  VpHostCheck *check = data;

  g_free (check->fact);
  g_free (check->hint);
  g_free (check);
}

GPtrArray *
vp_host_check_all (const VpHostFacts *facts)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (check_free);

  g_return_val_if_fail (facts != NULL, all);

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      VpHostCheck *check = g_new0 (VpHostCheck, 1);

      check->name = checks[i].name;
      checks[i].check (facts, check);
      g_ptr_array_add (all, check);
    }
  return all;
}

const char *
vp_check_status_to_string (VpCheckStatus status)
{
  switch (status)
    {
    case VP_CHECK_OK:
      return "ok";
    case VP_CHECK_WARNING:
      return "warning";
    case VP_CHECK_FAILED:
      return "failed";
    }
  g_return_val_if_reached ("failed");
}
