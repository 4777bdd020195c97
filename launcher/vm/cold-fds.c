#include "launcher/vm/cold-fds.h"

#include "launcher/vm/plug-fd.h"

static gboolean
open_for (const VpPlugSequence *sequence,
          const VpBlueprint *blueprint,
          VpQemu *qemu,
          GPtrArray *keepers,
          GError **error)
{
  g_autoptr (GPtrArray) fds = vp_plug_sequence_get_fds (sequence);

  for (guint i = 0; i < fds->len; i++)
    {
      GObject *keeper;
      int fd = vp_plug_fd_open (fds->pdata[i], &keeper, blueprint->sysfs, error);

      if (fd < 0)
        return FALSE;
      vp_qemu_inherit (qemu, fd);
      if (keeper != NULL)
        g_ptr_array_add (keepers, keeper);
    }
  return TRUE;
}

gboolean
vp_cold_fds_open (const VpBlueprint *blueprint, VpQemu *qemu, GPtrArray *keepers, GError **error)
{
  for (guint i = 0; i < blueprint->cold->len; i++)
    if (!open_for (blueprint->cold->pdata[i], blueprint, qemu, keepers, error))
      return FALSE;
  return TRUE;
}
