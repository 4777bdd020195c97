#include "launcher/vm/host-facts.h"

#include "launcher/vm/iommufd-choice.h"
#include "launcher/vm/program-output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CAP_IPC_LOCK_BIT 14                /* capabilities(7), linux/capability.h */
#define INTERRUPTS_HEAD  ((gsize) 4 << 20) /* the first lines of thousands of processors */
#define QEMU_DEADLINE    10000             /* milliseconds; a cold start from a slow disk */

/* Returns: (transfer full) (nullable): what the first group of @regex finds in @text */
static char *
find (const char *text, const char *regex)
{
  g_autoptr (GRegex) compiled = g_regex_new (regex, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  return g_regex_match (compiled, text, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

/* Returns: (transfer full): the text of @path, "" when it cannot be read */
static char *
read_text (VpSysfs *sysfs, const char *path)
{
  char *text = vp_sysfs_read (sysfs, path, NULL);

  return text != NULL ? text : g_strdup ("");
}

/* It has a column for every processor, so that it can be longer than vp_sysfs_read() reads. */
static gboolean
find_remapping (VpSysfs *sysfs)
{
  g_autofree char *text = vp_sysfs_read_head (sysfs, "proc/interrupts", INTERRUPTS_HEAD);

  return g_regex_match_simple ("\\sIR-(IO-APIC|PCI-MSI)", text, G_REGEX_RAW, 0);
}

static void
read_iommu (VpHostFacts *facts, VpSysfs *sysfs)
{
  g_auto (GStrv) units = vp_sysfs_list (sysfs, "sys/class/iommu", NULL);
  g_auto (GStrv) groups = vp_sysfs_list (sysfs, "sys/kernel/iommu_groups", NULL);
  g_autofree char *unsafe =
      read_text (sysfs, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");

  facts->iommu = units != NULL ? g_strdup (units[0]) : NULL;
  facts->n_groups = groups != NULL ? g_strv_length (groups) : 0;
  facts->remaps_interrupts = find_remapping (sysfs);
  facts->allows_unsafe_interrupts = unsafe[0] == 'Y';
}

static void
read_vfio (VpHostFacts *facts, VpSysfs *sysfs)
{
  int fd = vp_sysfs_open_file (sysfs, "dev/vfio/vfio", O_RDWR);

  facts->has_vfio_pci = vp_sysfs_exists (sysfs, "sys/bus/pci/drivers/vfio-pci");
  facts->vfio_errno = fd < 0 ? errno : 0;
  if (fd >= 0)
    close (fd);
}

/* The nodes of devices have a major number of their own (drivers/vfio/device_cdev.c). */
static void
read_iommufd (VpHostFacts *facts, VpSysfs *sysfs)
{
  g_autofree char *majors = read_text (sysfs, "proc/devices");
  g_autoptr (GError) error = NULL;
  int fd = vp_sysfs_open_file (sysfs, "dev/iommu", O_RDWR);

  facts->iommufd_errno = fd < 0 ? errno : 0;
  if (fd >= 0)
    close (fd);
  facts->has_cdevs =
      g_regex_match_simple ("^ *[0-9]+ vfio-dev$", majors, G_REGEX_MULTILINE | G_REGEX_RAW, 0);
  if (facts->iommufd_errno != ENOENT && facts->qemu_version != NULL &&
      !vp_iommufd_choice_check_program (facts->qemu, &error))
    facts->iommufd_error = g_strdup (error->message);
}

/* The hard limit: the soft one is raised as far before QEMU starts. */
static void
read_memlock (VpHostFacts *facts, VpSysfs *sysfs)
{
  g_autofree char *limits = read_text (sysfs, "proc/self/limits");
  g_autofree char *status = read_text (sysfs, "proc/self/status");
  g_autofree char *limit = find (limits, "^Max locked memory +\\S+ +([0-9]+)");
  g_autofree char *capabilities = find (status, "^CapEff:\\s*([0-9a-f]{1,16})$");

  facts->memlock = limit != NULL ? g_ascii_strtoull (limit, NULL, 10) : G_MAXUINT64;
  facts->may_lock_all = capabilities != NULL &&
                        (g_ascii_strtoull (capabilities, NULL, 16) >> CAP_IPC_LOCK_BIT & 1) != 0;
}

static void
read_qemu (VpHostFacts *facts)
{
  const char *version[] = { facts->qemu, "--version", NULL };
  const char *devices[] = { facts->qemu, "-device", "help", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *text = vp_program_output (version, QEMU_DEADLINE, &error);

  if (text != NULL)
    {
      facts->qemu_version = find (text, "^QEMU emulator version ([0-9.]+)");
      if (facts->qemu_version != NULL)
        facts->qemu_devices = vp_program_output (devices, QEMU_DEADLINE, &error);
    }
  if (error != NULL)
    facts->qemu_error = g_strdup (error->message);
}

void
vp_host_facts_read (VpHostFacts *facts, VpSysfs *sysfs, const char *qemu)
{
  g_return_if_fail (facts != NULL && sysfs != NULL && qemu != NULL);

  *facts = (VpHostFacts){ .qemu = g_strdup (qemu) };
  vp_host_cpu_read (sysfs, &facts->cpu);
  vp_kvm_facts_read (sysfs, &facts->cpu, &facts->kvm);
  read_iommu (facts, sysfs);
  read_vfio (facts, sysfs);
  read_memlock (facts, sysfs);
  read_qemu (facts);
  read_iommufd (facts, sysfs);
  vp_firmware_file_read_default (qemu, &facts->seabios);
  facts->ovmf = vp_firmware_file_find_ovmf ();
}

void
vp_host_facts_clear (VpHostFacts *facts)
{
  g_clear_pointer (&facts->iommu, g_free);
  g_clear_pointer (&facts->qemu, g_free);
  g_clear_pointer (&facts->qemu_version, g_free);
  g_clear_pointer (&facts->qemu_devices, g_free);
  g_clear_pointer (&facts->qemu_error, g_free);
  g_clear_pointer (&facts->iommufd_error, g_free);
  vp_firmware_file_clear (&facts->seabios);
  g_clear_pointer (&facts->ovmf, g_free);
}
