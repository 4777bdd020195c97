#include "launcher/vm/iommufd-choice.h"

#include "devices/error.h"
#include "devices/vfio-bind.h"
#include "devices/vfio-cdev.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/program-output.h"

#define QEMU_DEADLINE 10000 /* milliseconds; a cold start from a slow disk */

gboolean
vp_iommufd_choice_is_wanted (const VpDeviceSpec *spec)
{
  if (spec->kind != VP_DEVICE_SPEC_VFIO || spec->iommufd == VP_IOMMUFD_OFF)
    return FALSE;
  return spec->iommufd == VP_IOMMUFD_ON || spec->ref.kind == VP_DEVICE_REF_CDEV;
}

gboolean
vp_iommufd_choice_check_host (VpSysfs *sysfs,
                              const VpDeviceSpec *spec,
                              const VpPciFunction *function,
                              GError **error)
{
  gboolean is_bound = function == NULL || vp_vfio_is_vfio_driver (function->driver);
  g_autofree char *folder = vp_host_devices_folder (spec, function);

  return vp_vfio_cdev_check_host (sysfs, is_bound ? folder : NULL, error);
}

gboolean
vp_iommufd_choice_check_program (const char *qemu, GError **error)
{
  const char *argv[] = { qemu, "-device", "vfio-pci,help", NULL };
  g_autofree char *text = vp_program_output (argv, QEMU_DEADLINE, error);

  if (text == NULL)
    {
      g_prefix_error (error, "%s: ", qemu);
      return FALSE;
    }
  if (g_regex_match_simple ("^ *iommufd=", text, G_REGEX_MULTILINE | G_REGEX_RAW, 0) &&
      g_regex_match_simple ("^ *fd=", text, G_REGEX_MULTILINE | G_REGEX_RAW, 0))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD,
               "%s: its vfio-pci has no iommufd, which QEMU has since 9.0", qemu);
  return FALSE;
}

gboolean
vp_iommufd_choice_decide (VpDeviceSpec *spec, const GError *why_not, GError **error)
{
  if (why_not != NULL && spec->iommufd == VP_IOMMUFD_ON)
    {
      g_propagate_error (error, g_error_copy (why_not));
      return FALSE;
    }
  spec->iommufd = why_not == NULL ? VP_IOMMUFD_ON : VP_IOMMUFD_OFF;
  return TRUE;
}
