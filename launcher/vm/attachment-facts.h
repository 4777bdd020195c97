#pragma once

#include "devices/plan.h"
#include "launcher/vm/attach-source.h"
#include "launcher/vm/host-claims.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpAttachmentFacts:
 * @id: QEMU id
 * @source: (nullable): owner of the two below; a reference is taken. %NULL for a device of the plan
 * @spec: how it was asked for; borrowed
 * @function: (nullable): the host function; borrowed
 * @plug: cold or hot; a cold one is in QEMU from the start
 * @place: where it goes
 * @guest_path: path from the root complex
 * @machine: the machine type
 * @repeat_delete: whether device_del may be sent again while the guest does not let go: with ACPI
 *   hotplug one that the firmware saw is lost without an event, and a second one does no harm;
 *   to SHPC it would be a change of mind
 * @claims: the VM's host functions, of which it is to be one; a reference is taken
 *
 * What an attachment is made of, and what never changes about it.
 */
typedef struct
{
  const char *id;
  VpAttachSource *source;
  const VpDeviceSpec *spec;
  const VpPciFunction *function;
  VpPlug plug;
  VpPlace place;
  const char *guest_path;
  VpMachineType machine;
  gboolean repeat_delete;
  VpHostClaims *claims;
} VpAttachmentFacts;

/**
 * vp_attachment_facts_copy:
 * @facts: what is known
 *
 * Returns: (transfer full): free with vp_attachment_facts_free()
 */
VpAttachmentFacts *vp_attachment_facts_copy (const VpAttachmentFacts *facts);
void vp_attachment_facts_free (VpAttachmentFacts *facts);

/**
 * vp_attachment_facts_has_mates:
 *
 * Returns: whether it was to share its slot with other functions
 */
gboolean vp_attachment_facts_has_mates (const VpAttachmentFacts *facts);

/**
 * vp_attachment_facts_to_json:
 *
 * Returns: (transfer full): "id", "kind", "address", "plug", "port" and "guest_path", and
 *   the "socket" of a vfio-user device
 */
JsonObject *vp_attachment_facts_to_json (const VpAttachmentFacts *facts);

G_END_DECLS
