#pragma once

#include "devices/inventory.h"
#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * VpAttachSource:
 * @spec: what was asked for
 * @inventory: what the host had at that moment
 *
 * What the devices of one attach, and only they, borrow from. A g_rc_box.
 */
typedef struct
{
  VpDeviceSpec *spec;
  VpInventory *inventory;
} VpAttachSource;

/**
 * vp_attach_source_new:
 * @spec: (transfer full): what was asked for
 * @inventory: (transfer full): what the host has
 *
 * Returns: (transfer full): a source, to be let go with vp_attach_source_unref()
 */
VpAttachSource *vp_attach_source_new (VpDeviceSpec *spec, VpInventory *inventory);
VpAttachSource *vp_attach_source_ref (VpAttachSource *self);
void vp_attach_source_unref (VpAttachSource *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpAttachSource, vp_attach_source_unref)

G_END_DECLS
