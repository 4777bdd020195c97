#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpBusMap:
 *
 * The buses of a machine whose command line is somebody else's, and who sits on them: what a
 * device_add's "bus" can mean. The root bus "pci.0" is always in it; for a machine that lacks it
 * QEMU's own error is right. "pcie.0" is there, and takes nothing that comes later.
 */
typedef struct _VpBusMap VpBusMap;

/**
 * vp_bus_map_new:
 *
 * Returns: (transfer full): free with vp_bus_map_free()
 */
VpBusMap *vp_bus_map_new (void);
void vp_bus_map_free (VpBusMap *self);

/**
 * vp_bus_map_add:
 * @self: a map
 * @driver: the device's driver, "pcie-root-port"
 * @id: (nullable): its id
 * @bus: (nullable): the bus it sits on
 * @addr: (nullable): its place there as QEMU's property takes it: "2", "0x1e", "03.1"
 *
 * Adds a device and the buses that it brings. One whose @id is there already is not added: QEMU
 * refuses it too.
 *
 * Returns: whether it was added
 */
gboolean vp_bus_map_add (
    VpBusMap *self, const char *driver, const char *id, const char *bus, const char *addr);

/**
 * vp_bus_map_remove:
 * @self: a map
 * @id: a device, which need not be there
 *
 * Forgets it and its buses.
 */
void vp_bus_map_remove (VpBusMap *self, const char *id);

/**
 * vp_bus_map_has_device:
 *
 * Returns: whether there is a device of that id
 */
gboolean vp_bus_map_has_device (const VpBusMap *self, const char *id);

/**
 * vp_bus_map_takes:
 * @self: a map
 * @bus: a name
 * @addr: (nullable): the place wanted
 *
 * The root bus of q35 has no hotplug (QEMU: "Bus 'pcie.0' does not support hotplugging"). A port
 * takes one device, at slot 0: QEMU 7.2 accepts another one at slot 1, which the guest never
 * sees.
 *
 * Returns: whether there is such a bus and the place on it is free
 */
gboolean vp_bus_map_takes (const VpBusMap *self, const char *bus, const char *addr);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBusMap, vp_bus_map_free)

G_END_DECLS
