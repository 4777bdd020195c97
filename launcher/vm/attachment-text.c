#include "launcher/vm/attachment-text.h"

#include "launcher/error.h"

char *
vp_attachment_text_delay (VpDeviceState state, gboolean host_changing, const VpGuestBars *bars)
{
  char *missing;

  if (host_changing)
    return g_strdup (state == VP_DEVICE_QUEUED ? "its host driver has not let go of it"
                                               : "its host driver has not taken it back");
  if (state == VP_DEVICE_QUEUED)
    return g_strdup ("the guest is not ready for it");
  if (state == VP_DEVICE_ADDING)
    return g_strdup ("QEMU has not answered");
  if (bars == NULL || vp_guest_bars_judge (bars) == VP_BARS_NONE)
    return g_strdup ("the guest has mapped none of its BARs");

  missing = vp_guest_bars_describe_missing (bars);
  return missing != NULL ? missing : g_strdup ("its BARs are being looked at");
}

GError *
vp_attachment_text_not_now (const char *id,
                            VpDeviceState state,
                            gboolean host_changing,
                            gboolean awaited)
{
  return g_error_new (VP_ERROR, VP_ERROR_STATE, "%s cannot be removed now: it is %s%s", id,
                      vp_device_state_to_string (state),
                      host_changing ? " and changing its host driver"
                      : awaited     ? " and somebody waits for that already"
                                    : "");
}
