#include "launcher/vm/attachment-facts.h"

VpAttachmentFacts *
vp_attachment_facts_copy (const VpAttachmentFacts *facts)
{
  VpAttachmentFacts *copy = g_new (VpAttachmentFacts, 1);

  *copy = *facts;
  copy->id = g_strdup (facts->id);
  copy->guest_path = g_strdup (facts->guest_path);
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

static const char *
kind_of (const VpDeviceSpec *spec)
{
  switch (spec->kind)
    {
    case VP_DEVICE_SPEC_VFIO:
      return "vfio";
    case VP_DEVICE_SPEC_VFIO_USER:
      return "vfio-user";
    case VP_DEVICE_SPEC_QEMU:
      break;
    }
  return "qemu";
}

JsonObject *
vp_attachment_facts_to_json (const VpAttachmentFacts *facts)
{
  JsonObject *object = json_object_new ();
  g_autofree char *address =
      facts->function != NULL ? vp_pci_address_to_string (&facts->function->address) : NULL;

  json_object_set_string_member (object, "id", facts->id);
  json_object_set_string_member (object, "kind", kind_of (facts->spec));
  json_object_set_string_member (object, "address", address); /* NULL becomes null */
  if (facts->spec->socket != NULL)
    json_object_set_string_member (object, "socket", facts->spec->socket);
  json_object_set_string_member (object, "plug", facts->plug == VP_PLUG_COLD ? "cold" : "hot");
  json_object_set_string_member (object, "port", facts->place.port);
  json_object_set_string_member (object, "guest_path", facts->guest_path);
  return object;
}
