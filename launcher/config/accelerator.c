#include "launcher/config/accelerator.h"

#include "launcher/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
vp_kvm_facts_read (VpSysfs *sysfs, const VpHostCpu *cpu, VpKvmFacts *facts)
{
  int fd;

  g_return_if_fail (sysfs != NULL && cpu != NULL && facts != NULL);

  *facts = (VpKvmFacts){
    .has_vendor_module = vp_sysfs_exists (sysfs, "sys/module/kvm_intel") ||
                         vp_sysfs_exists (sysfs, "sys/module/kvm_amd"),
    .has_pvm = vp_sysfs_exists (sysfs, "sys/module/kvm_pvm"),
    .cpu_virtualization = cpu->has_virtualization,
  };

  fd = vp_sysfs_open_file (sysfs, "dev/kvm", O_RDWR);
  if (fd < 0)
    {
      facts->open_errno = errno;
      return;
    }
  facts->api_version = ioctl (fd, KVM_GET_API_VERSION, 0);
  close (fd);
}

/* Returns why no stock guest can run with KVM, or NULL when one can. */
static char *
why_not_kvm (const VpKvmFacts *facts)
{
  if (facts->open_errno == EACCES || facts->open_errno == EPERM)
    return g_strdup_printf ("/dev/kvm: %s (add this user to group kvm)",
                            g_strerror (facts->open_errno));
  if (facts->open_errno != 0 && !facts->cpu_virtualization)
    return g_strdup_printf ("/dev/kvm: %s, and the CPU shows neither vmx nor svm",
                            g_strerror (facts->open_errno));
  if (facts->open_errno != 0)
    return g_strdup_printf ("/dev/kvm: %s (load kvm_intel or kvm_amd)",
                            g_strerror (facts->open_errno));
  if (facts->api_version != KVM_API_VERSION)
    return g_strdup_printf ("/dev/kvm answers with API version %d, not %d", facts->api_version,
                            KVM_API_VERSION);
  if (!facts->has_vendor_module && facts->has_pvm)
    return g_strdup ("/dev/kvm is served by kvm_pvm, which boots only paravirtual guests");
  if (!facts->has_vendor_module)
    return g_strdup ("/dev/kvm is there, but neither kvm_intel nor kvm_amd is loaded");
  if (!facts->cpu_virtualization)
    return g_strdup ("/dev/kvm is there, but the CPU shows neither vmx nor svm");
  return NULL;
}

gboolean
vp_accelerator_choose (
    VpAccel wanted, const VpKvmFacts *facts, VpAccel *accel, char **reason, GError **error)
{
  g_autofree char *obstacle = NULL;

  g_return_val_if_fail (facts != NULL && accel != NULL && reason != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  obstacle = why_not_kvm (facts);
  if (wanted == VP_ACCEL_KVM && obstacle != NULL)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--accel kvm: %s", obstacle);
      return FALSE;
    }

  *accel = wanted == VP_ACCEL_TCG || obstacle != NULL ? VP_ACCEL_TCG : VP_ACCEL_KVM;
  if (wanted != VP_ACCEL_AUTO)
    *reason = g_strdup ("asked for");
  else
    *reason = obstacle != NULL ? g_steal_pointer (&obstacle) : g_strdup ("/dev/kvm works");
  return TRUE;
}

gboolean
vp_accelerator_has_kvm (VpSysfs *sysfs, char **reason)
{
  VpAccel accel = VP_ACCEL_TCG;
  VpKvmFacts facts;
  VpHostCpu cpu;

  vp_host_cpu_read (sysfs, &cpu);
  vp_kvm_facts_read (sysfs, &cpu, &facts);
  vp_accelerator_choose (VP_ACCEL_AUTO, &facts, &accel, reason, NULL);
  return accel == VP_ACCEL_KVM;
}

const char *
vp_accel_to_string (VpAccel accel)
{
  switch (accel)
    {
    case VP_ACCEL_AUTO:
      return "auto";
    case VP_ACCEL_KVM:
      return "kvm";
    case VP_ACCEL_TCG:
      return "tcg";
    }
  g_return_val_if_reached ("auto");
}
