#pragma once

#include "launcher/vm/attachment-facts.h"
#include "launcher/vm/plugger.h"

G_BEGIN_DECLS

/**
 * vp_attachment_plug_new:
 * @facts: what a device is made of
 *
 * Returns: (transfer full): what gives the device to QEMU; of a cold one, which QEMU has from the
 *   start, what takes its backends back
 */
VpPlugger *vp_attachment_plug_new (const VpAttachmentFacts *facts);

/**
 * vp_attachment_plug_failure:
 * @id: a device
 * @why: why it could not be added
 *
 * Returns: (transfer full): the same of the device: %VP_ERROR_REFUSED when it was QEMU's decision
 */
GError *vp_attachment_plug_failure (const char *id, const GError *why);

/**
 * vp_attachment_plug_finish_clear:
 * @id: a device that the guest has let go
 * @plugger: what was to take its backends back
 * @result: what the callback of that was given
 * @gone: whether QEMU is, and with it all that it had
 *
 * Returns: (transfer full) (nullable): a %VP_ERROR_REFUSED when QEMU has kept something
 */
GError *vp_attachment_plug_finish_clear (const char *id,
                                         VpPlugger *plugger,
                                         GAsyncResult *result,
                                         gboolean gone);

G_END_DECLS
