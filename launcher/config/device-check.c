#include "launcher/config/device-check.h"

#include "launcher/error.h"

static gboolean
check_program (const char *program, GError **error)
{
  g_autofree char *path = g_find_program_in_path (program);

  if (path != NULL)
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_HOST,
               "nic: %s: not in PATH: install the Debian package %s", program, program);
  return FALSE;
}

gboolean
vp_device_check (VpDeviceSpec *spec, GError **error)
{
  if (spec->disk != NULL && !vp_disk_check (spec->disk, error))
    {
      g_prefix_error_literal (error, "disk: ");
      return FALSE;
    }
  return spec->nic == NULL || spec->nic->kind != VP_NIC_PASST || check_program ("passt", error);
}
