#include "launcher/vm/disk-users.h"

#include "launcher/vm/attachment.h"

gboolean
vp_disk_users_check (const VpConfig *config,
                     const GPtrArray *attachments,
                     const VpDisk *disk,
                     GError **error)
{
  for (guint i = 0; i < config->disks->len; i++)
    if (!vp_disk_check_other (disk, config->disks->pdata[i], error))
      return FALSE;

  for (guint i = 0; i < attachments->len; i++)
    {
      VpAttachment *other = attachments->pdata[i];

      if (vp_attachment_get_state (other) != VP_DEVICE_FAILED &&
          !vp_disk_check_other (disk, vp_attachment_get_facts (other)->spec->disk, error))
        return FALSE;
    }
  return TRUE;
}
