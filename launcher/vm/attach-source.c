#include "launcher/vm/attach-source.h"

VpAttachSource *
vp_attach_source_new (VpDeviceSpec *spec, VpInventory *inventory)
{
  VpAttachSource *self = g_rc_box_new0 (VpAttachSource);

  self->spec = spec;
  self->inventory = inventory;
  return self;
}

VpAttachSource *
vp_attach_source_ref (VpAttachSource *self)
{
  return g_rc_box_acquire (self);
}

static void
clear (VpAttachSource *self)
{
  vp_device_spec_free (self->spec);
  vp_inventory_free (self->inventory);
}

void
vp_attach_source_unref (VpAttachSource *self)
{
  g_rc_box_release_full (self, (GDestroyNotify) clear);
}
