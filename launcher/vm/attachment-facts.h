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
 * @bounce_ms: how soon after it was added a removal that nobody asked for is a bounce
 * @vm: name of the VM
 * @sysfs: the host; borrowed
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
  guint bounce_ms;
  const char *vm;
  VpSysfs *sysfs;
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
 * vp_attachment_facts_is_mediated:
 * @facts: what is known
 * @uuid: of a mediated device
 *
 * Returns: whether it is that mediated device
 */
gboolean vp_attachment_facts_is_mediated (const VpAttachmentFacts *facts, const char *uuid);

/**
 * vp_attachment_facts_are_of:
 * @facts: what is known
 * @spec: how a device was asked for
 * @function: (nullable): the host function that it stands for
 *
 * Returns: whether that is the same host device
 */
gboolean vp_attachment_facts_are_of (const VpAttachmentFacts *facts,
                                     const VpDeviceSpec *spec,
                                     const VpPciFunction *function);

/**
 * vp_attachment_facts_to_json:
 *
 * The address of a host device is what it can be found by on the host: of a PCI function its
 * address, of a mediated device its UUID.
 *
 * Returns: (transfer full): "id", "kind", "address", "plug", "port" and "guest_path", and
 *   the "socket" of a vfio-user device
 */
JsonObject *vp_attachment_facts_to_json (const VpAttachmentFacts *facts);

/**
 * vp_attachment_facts_not_back:
 * @facts: a device that has left the VM
 * @why: its driver has not taken it back
 *
 * Returns: (transfer full): an error of the same code that says so
 */
GError *vp_attachment_facts_not_back (const VpAttachmentFacts *facts, const GError *why);

/**
 * vp_attachment_facts_bounced:
 * @facts: a device that the guest does not keep
 * @n_times: how often it has thrown it out
 *
 * Returns: (transfer full): a %VP_ERROR_REFUSED that says so
 */
GError *vp_attachment_facts_bounced (const VpAttachmentFacts *facts, guint n_times);

G_END_DECLS
