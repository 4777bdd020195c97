#include "launcher/vm/attachment-plug.h"

#include "launcher/error.h"
#include "launcher/vm/plug-fd.h"
#include "qmp/error.h"

VpPlugger *
vp_attachment_plug_new (const VpAttachmentFacts *facts)
{
  const VpPlugInput input = {
    .spec = facts->spec,
    .function = facts->function,
    .id = facts->id,
    .place = &facts->place,
    .vm = facts->vm,
    .has_vhost_net = facts->spec->nic != NULL && vp_plug_fd_has_vhost_net (facts->sysfs),
    .first_fd = -1,
  };
  VpPlugger *plugger =
      vp_plugger_new (vp_plug_sequence_new (&input), vp_plug_fd_open, facts->sysfs);

  if (facts->plug == VP_PLUG_COLD)
    vp_plugger_set_there (plugger);
  return plugger;
}

GError *
vp_attachment_plug_failure (const char *id, const GError *why)
{
  if (why->domain != VP_QMP_ERROR) /* our own part of it */
    return g_error_new (why->domain, why->code, "%s: %s", id, why->message);
  return g_error_new (VP_ERROR, VP_ERROR_REFUSED, "%s: QEMU refused it: %s", id, why->message);
}

GError *
vp_attachment_plug_finish_clear (const char *id,
                                 VpPlugger *plugger,
                                 GAsyncResult *result,
                                 gboolean gone)
{
  g_autoptr (GError) why = NULL;

  if (vp_plugger_clear_finish (plugger, result, &why) || gone)
    return NULL;
  return g_error_new (VP_ERROR, VP_ERROR_REFUSED,
                      "%s has left the VM, but QEMU keeps what was behind it: %s", id,
                      why->message);
}
