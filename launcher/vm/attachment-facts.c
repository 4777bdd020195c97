#include "launcher/vm/attachment-facts.h"

#include "launcher/error.h"

VpAttachmentFacts *
vp_attachment_facts_copy (const VpAttachmentFacts *facts)
{
  VpAttachmentFacts *copy = g_new (VpAttachmentFacts, 1);

  *copy = *facts;
  copy->id = g_strdup (facts->id);
  copy->guest_path = g_strdup (facts->guest_path);
  copy->vm = g_strdup (facts->vm);
  copy->place.port = g_strdup (facts->place.port);
  copy->place.bus = g_strdup (facts->place.bus);
  if (facts->source != NULL)
    vp_attach_source_ref (facts->source);
  vp_host_claims_ref (facts->claims);
  return copy;
}

void
vp_attachment_facts_free (VpAttachmentFacts *facts)
{
  g_free ((char *) facts->id);
  g_free ((char *) facts->guest_path);
  g_free ((char *) facts->vm);
  g_free ((char *) facts->place.port);
  g_free ((char *) facts->place.bus);
  if (facts->source != NULL)
    vp_attach_source_unref (facts->source);
  vp_host_claims_unref (facts->claims);
  g_free (facts);
}

gboolean
vp_attachment_facts_has_mates (const VpAttachmentFacts *facts)
{
  return facts->place.multifunction || facts->place.function_number > 0;
}

gboolean
vp_attachment_facts_is_mediated (const VpAttachmentFacts *facts, const char *uuid)
{
  return vp_device_spec_is_mediated (facts->spec) && g_str_equal (facts->spec->ref.uuid, uuid);
}

gboolean
vp_attachment_facts_are_of (const VpAttachmentFacts *facts,
                            const VpDeviceSpec *spec,
                            const VpPciFunction *function)
{
  if (function == NULL || facts->function == NULL)
    return vp_device_spec_is_mediated (spec) &&
           vp_attachment_facts_is_mediated (facts, spec->ref.uuid);
  return vp_pci_address_compare (&facts->function->address, &function->address) == 0;
}

static char *
address_of (const VpAttachmentFacts *facts)
{
  if (facts->function != NULL)
    return vp_pci_address_to_string (&facts->function->address);
  return vp_device_spec_is_mediated (facts->spec) ? g_strdup (facts->spec->ref.uuid) : NULL;
}

JsonObject *
vp_attachment_facts_to_json (const VpAttachmentFacts *facts)
{
  JsonObject *object = json_object_new ();
  g_autofree char *address = address_of (facts);

  json_object_set_string_member (object, "id", facts->id);
  json_object_set_string_member (object, "kind", vp_device_spec_kind_to_string (facts->spec->kind));
  json_object_set_string_member (object, "address", address); /* NULL becomes null */
  if (facts->spec->socket != NULL)
    json_object_set_string_member (object, "socket", facts->spec->socket);
  json_object_set_string_member (object, "plug", facts->plug == VP_PLUG_COLD ? "cold" : "hot");
  json_object_set_string_member (object, "port", facts->place.port);
  json_object_set_string_member (object, "guest_path", facts->guest_path);
  return object;
}

GError *
vp_attachment_facts_not_back (const VpAttachmentFacts *facts, const GError *why)
{
  return g_error_new (why->domain, why->code,
                      "%s has left the VM, but its driver has not taken it back: %s", facts->id,
                      why->message);
}

GError *
vp_attachment_facts_bounced (const VpAttachmentFacts *facts, guint n_times)
{
  if (n_times > 1)
    return g_error_new (VP_ERROR, VP_ERROR_REFUSED,
                        "%s was thrown out by the guest %u times, each within %u s", facts->id,
                        n_times, facts->bounce_ms / 1000);
  return g_error_new (VP_ERROR, VP_ERROR_REFUSED,
                      "%s was thrown out again before the guest could use it", facts->id);
}
