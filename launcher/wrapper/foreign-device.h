#pragma once

#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

/**
 * VpForeignDevice:
 * @index: where in the command line its value stands
 * @is_json: whether it is JSON: such devices are created after all others
 * @driver: QEMU's name of it, "" when there is none
 * @id: (nullable): its id
 * @bus: (nullable): the bus that it is to sit on
 * @addr: (nullable): its address there, as it was written
 * @slot: slot of @addr, or -1
 * @host: (nullable): host device of a vfio-pci
 * @sysfsdev: (nullable): the same by its folder
 * @chassis: its chassis number, or -1; of a port and of a bridge
 * @bus_nr: number of the root bus that it makes, or -1
 *
 * One -device of a foreign command line.
 */
typedef struct
{
  guint index;
  gboolean is_json;
  char *driver;
  char *id;
  char *bus;
  char *addr;
  int slot;
  char *host;
  char *sysfsdev;
  int chassis;
  int bus_nr;
} VpForeignDevice;

/**
 * vp_foreign_device_new:
 * @option: a -device
 *
 * Returns: (transfer full): free with vp_foreign_device_free()
 */
VpForeignDevice *vp_foreign_device_new (const VpForeignOption *option);
void vp_foreign_device_free (VpForeignDevice *self);

/**
 * vp_foreign_device_parse_slot:
 * @params: of a device
 *
 * Knows "3", "03.1" and "0x3", which QEMU reads as hexadecimal, and the number that JSON can have
 * instead, which is eight times the slot.
 *
 * Returns: the slot of its addr, or -1
 */
int vp_foreign_device_parse_slot (const VpQemuParams *params);

/**
 * vp_foreign_device_is_on_bus:
 * @self: a device
 * @root_bus: "pcie.0" or "pci.0"
 *
 * Errs on this side: a driver that is not known may make a PCI device.
 *
 * Returns: whether it may take a slot of the root bus
 */
gboolean vp_foreign_device_is_on_bus (const VpForeignDevice *self, const char *root_bus);

/**
 * vp_foreign_device_is_bridge:
 *
 * Returns: whether there is a bus behind it, with a number
 */
gboolean vp_foreign_device_is_bridge (const VpForeignDevice *self);

/**
 * vp_foreign_device_is_port:
 *
 * Returns: whether it is a bridge that is PCI Express on both sides, and gets I/O space only when
 *   something is behind it
 */
gboolean vp_foreign_device_is_port (const VpForeignDevice *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpForeignDevice, vp_foreign_device_free)

G_END_DECLS
