#pragma once

#include "devices/inventory.h"

G_BEGIN_DECLS

/**
 * VpBindings:
 *
 * Host devices taken from their drivers, with a journal (one file per device in the base run-dir,
 * written and synced before the first change) that says to whom each one goes back, so that a
 * `vmplug release` after a crash still knows.
 */
typedef struct _VpBindings VpBindings;

VpBindings *vp_bindings_new (VpSysfs *sysfs, const char *root);
void vp_bindings_free (VpBindings *self);

/**
 * vp_bindings_take:
 * @self: bindings
 * @function: a function that shall belong to vfio-pci
 * @error: return location for a #GError
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR; the device is back with its driver and the journal clean
 */
gboolean vp_bindings_take (VpBindings *self, const VpPciFunction *function, GError **error);

/**
 * vp_bindings_give_back:
 * @self: bindings
 * @address: a function
 * @error: return location for a #GError
 *
 * To the driver that the journal names; without an entry, to whichever driver the kernel finds.
 * The entry is removed when that has worked, or when the host has no such device any more.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR
 */
gboolean vp_bindings_give_back (VpBindings *self, const VpPciAddress *address, GError **error);

/**
 * vp_bindings_has:
 *
 * Returns: whether the journal has an entry for @address
 */
gboolean vp_bindings_has (VpBindings *self, const VpPciAddress *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBindings, vp_bindings_free)

G_END_DECLS
