#include "launcher/vm/attachment-text.h"

#include "launcher/error.h"

char *
vp_attachment_text_delay (VpDeviceState state,
                          gboolean host_changing,
                          gboolean is_hidden,
                          const VpGuestBars *bars)
{
  char *missing;

  if (host_changing)
    return g_strdup (state == VP_DEVICE_QUEUED ? "its host driver has not let go of it"
                                               : "its host driver has not taken it back");
  if (is_hidden && (state == VP_DEVICE_QUEUED || state == VP_DEVICE_ACCEPTED))
    return g_strdup ("the guest, or another function of its slot, is not ready for it");
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
vp_attachment_text_over (const char *id, gboolean gone)
{
  if (gone)
    return g_error_new (VP_ERROR, VP_ERROR_NO_VM, "QEMU ended before %s became usable", id);
  return g_error_new (VP_ERROR, VP_ERROR_STATE, "%s was removed before it became usable", id);
}

GError *
vp_attachment_text_bounced (const char *id)
{
  return g_error_new (VP_ERROR, VP_ERROR_REFUSED,
                      "%s was thrown out again before the guest could use it", id);
}

GError *
vp_attachment_text_mate (const char *id, const GError *why)
{
  return g_error_new (why->domain, why->code, "%s goes with the rest of its slot: %s", id,
                      why->message);
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
