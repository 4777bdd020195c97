#include "launcher/vm/attachment-view.h"

#include "launcher/error.h"

JsonObject *
vp_attachment_view_to_json (const VpAttachmentView *view)
{
  JsonObject *object = vp_attachment_facts_to_json (view->facts);

  json_object_set_string_member (object, "state", vp_device_state_to_string (view->state));
  json_object_set_int_member (object, "attach_count", view->count);
  json_object_set_array_member (
      object, "bars", view->bars != NULL ? vp_guest_bars_to_json (view->bars) : json_array_new ());
  json_object_set_string_member (object, "failure",
                                 view->failure != NULL ? view->failure->message : NULL);
  return object;
}

JsonObject *
vp_attachment_view_to_detached (const VpAttachmentView *view)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "id", view->facts->id);
  json_object_set_string_member (object, "state", vp_device_state_to_string (view->state));
  json_object_set_int_member (object, "attach_count", view->count);
  return object;
}

static char *
describe_bars (const VpGuestBars *bars)
{
  char *missing;

  if (bars == NULL || vp_guest_bars_judge (bars) == VP_BARS_NONE)
    return g_strdup ("the guest has mapped none of its BARs");

  missing = vp_guest_bars_describe_missing (bars);
  return missing != NULL ? missing : g_strdup ("its BARs are being looked at");
}

static char *
describe_delay (const VpAttachmentView *view)
{
  gboolean is_hidden = vp_attachment_facts_has_mates (view->facts) && !view->is_exposed;

  if (view->giving_back)
    return g_strdup ("its host driver has not taken it back");
  if (is_hidden && (view->state == VP_DEVICE_BOUND || view->state == VP_DEVICE_ACCEPTED))
    return g_strdup ("another function of its slot is not ready");
  if (view->state == VP_DEVICE_RESERVED)
    return g_strdup ("its host driver has not let go of it");
  if (view->state == VP_DEVICE_ADDING)
    return g_strdup ("QEMU has not answered");
  if (view->is_paused)
    return g_strdup ("the VM is paused");
  if (view->state == VP_DEVICE_QUEUED)
    return g_strdup ("the guest is not ready for it");
  if (view->state == VP_DEVICE_BOUNCED)
    return g_strdup ("the guest threw it out, and it waits for another try");
  return describe_bars (view->bars);
}

GError *
vp_attachment_view_attach_delay (const VpAttachmentView *view, double seconds)
{
  g_autofree char *why = NULL;

  if (view->failure != NULL)
    return g_error_copy (view->failure);

  why = describe_delay (view);
  return g_error_new (VP_ERROR, VP_ERROR_PENDING, "%s is %s after %.1f s: %s", view->facts->id,
                      vp_device_state_to_string (view->state), seconds, why);
}

GError *
vp_attachment_view_detach_delay (const VpAttachmentView *view, double seconds)
{
  return g_error_new (VP_ERROR, VP_ERROR_PENDING, "%s is still held by %s after %.1f s%s",
                      view->facts->id, view->giving_back ? "its host driver" : "the guest", seconds,
                      view->is_paused ? ": the VM is paused" : "");
}

GError *
vp_attachment_view_not_now (const VpAttachmentView *view)
{
  return g_error_new (VP_ERROR, VP_ERROR_STATE, "%s cannot be removed now: it is %s%s",
                      view->facts->id, vp_device_state_to_string (view->state),
                      view->giving_back ? " and on its way back to its host driver" : "");
}

GError *
vp_attachment_view_over (const VpAttachmentView *view)
{
  const char *id = view->facts->id;

  if (view->failure != NULL)
    return g_error_copy (view->failure);
  if (view->is_gone)
    return g_error_new (VP_ERROR, VP_ERROR_NO_VM, "QEMU ended before %s became usable", id);
  return g_error_new (VP_ERROR, VP_ERROR_STATE, "%s was removed before it became usable", id);
}

GError *
vp_attachment_view_mate (const VpAttachmentView *view, const GError *why)
{
  return g_error_new (why->domain, why->code, "%s goes with the others: %s", view->facts->id,
                      why->message);
}
