#include "launcher/vm/vfio-user.h"

#include "devices/device-id.h"
#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/attachment-list.h"
#include "launcher/vm/program-output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QEMU_DEADLINE 10000 /* milliseconds; a cold start from a slow disk */

gboolean
vp_vfio_user_check_socket (const char *path, GError **error)
{
  struct stat status;

  if (stat (path, &status) != 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "vfio-user %s: %s: start its server first", path,
                 g_strerror (errno));
  else if (!S_ISSOCK (status.st_mode))
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "vfio-user %s: not a socket", path);
  else if (faccessat (AT_FDCWD, path, W_OK, AT_EACCESS) != 0) /* what connect() needs, unix(7) */
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "vfio-user %s: %s: this user may not connect",
                 path, g_strerror (errno));
  else
    return TRUE;
  return FALSE;
}

gboolean
vp_vfio_user_check_qemu (const char *qemu, GError **error)
{
  const char *argv[] = { qemu, "-device", VP_DEVICE_ID_VFIO_USER ",help", NULL };
  g_autoptr (GError) why = NULL;
  g_autofree char *text = vp_program_output (argv, QEMU_DEADLINE, &why);

  /* Its exit status is 0 either way (measured, 7.2 to 11.1). */
  if (text != NULL && strstr (text, "socket=") != NULL)
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_HOST,
               "--qemu %s: has no " VP_DEVICE_ID_VFIO_USER ", which came with QEMU 10.1%s%s", qemu,
               why != NULL ? ": it " : "", why != NULL ? why->message : "");
  return FALSE;
}

gboolean
vp_vfio_user_check_vm (const VpConfig *config,
                       const GPtrArray *attachments,
                       const char *path,
                       GError **error)
{
  VpAttachment *other = vp_attachment_list_find_socket (attachments, path);

  if (other != NULL)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                   "vfio-user %s: the VM already has %s for that server, which is %s", path,
                   vp_attachment_get_facts (other)->id,
                   vp_device_state_to_string (vp_attachment_get_state (other)));
      return FALSE;
    }
  if (vp_config_shares_memory (config))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_STATE,
               "vfio-user %s: its server could not map the memory of this VM: start the VM with "
               "--shared-memory on",
               path);
  return FALSE;
}
