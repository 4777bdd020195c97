#pragma once

#include "devices/lifecycle.h"
#include "launcher/vm/attachment-facts.h"
#include "launcher/vm/guest-bars.h"

G_BEGIN_DECLS

/**
 * VpAttachmentView:
 * @facts: what never changes about the device
 * @state: where it is in its life
 * @count: how often it is attached
 * @giving_back: whether its host function is on its way back to its driver
 * @is_exposed: whether the guest can see it: all functions of its slot are there
 * @is_paused: whether the VM is
 * @is_gone: whether QEMU is
 * @bars: (nullable): what was last seen of its BARs
 * @failure: (nullable): why it cannot be used
 * @host_error: (nullable): why its host function could not be given back
 *
 * What one device of a VM looks like at a moment, to be told. Borrows all of it.
 */
typedef struct
{
  const VpAttachmentFacts *facts;
  VpDeviceState state;
  guint count;
  gboolean giving_back;
  gboolean is_exposed;
  gboolean is_paused;
  gboolean is_gone;
  const VpGuestBars *bars;
  const GError *failure;
  const GError *host_error;
} VpAttachmentView;

/**
 * vp_attachment_view_to_json:
 *
 * Returns: (transfer full): an element of "devices" in the "status" document
 */
JsonObject *vp_attachment_view_to_json (const VpAttachmentView *view);

/**
 * vp_attachment_view_to_detached:
 *
 * Returns: (transfer full): the "detach" document, but for "seconds"
 */
JsonObject *vp_attachment_view_to_detached (const VpAttachmentView *view);

/**
 * vp_attachment_view_attach_delay:
 * @view: a device that is not usable yet
 * @seconds: how long somebody has waited for that
 *
 * Returns: (transfer full): its failure, or a %VP_ERROR_PENDING that says what it waits for
 */
GError *vp_attachment_view_attach_delay (const VpAttachmentView *view, double seconds);

/**
 * vp_attachment_view_detach_delay:
 * @view: a device that is not removed yet
 * @seconds: how long somebody has waited for that
 *
 * Returns: (transfer full): a %VP_ERROR_PENDING that says who holds it
 */
GError *vp_attachment_view_detach_delay (const VpAttachmentView *view, double seconds);

/**
 * vp_attachment_view_not_now:
 *
 * Returns: (transfer full): a %VP_ERROR_STATE that says why it cannot be removed at this moment
 */
GError *vp_attachment_view_not_now (const VpAttachmentView *view);

/**
 * vp_attachment_view_over:
 * @view: a device that is not usable, and never will be
 *
 * Returns: (transfer full): its failure, or a %VP_ERROR_NO_VM or %VP_ERROR_STATE that says why
 */
GError *vp_attachment_view_over (const VpAttachmentView *view);

/**
 * vp_attachment_view_mate:
 * @view: a device
 * @why: of what another one has failed that belongs to it
 *
 * Returns: (transfer full): an error of the same code that says that the device goes the same way
 */
GError *vp_attachment_view_mate (const VpAttachmentView *view, const GError *why);

G_END_DECLS
