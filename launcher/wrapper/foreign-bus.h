#pragma once

#include "devices/topology.h"
#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

/**
 * vp_foreign_bus_predict:
 * @argv: a foreign command line
 * @machine: its machine
 * @devices: (element-type VpForeignDevice): its devices
 *
 * What QEMU will do with the root bus: devices with an address get that, and all others, those that
 * QEMU adds by itself among them, the first free slot from 1 up, before ours come (QEMU
 * hw/pci/pci.c, do_pci_register_device()). Counts too many of them rather than too few.
 *
 * Returns: what is taken, and what is left for us
 */
VpForeignBus
vp_foreign_bus_predict (const VpForeignArgv *argv, VpMachineType machine, const GPtrArray *devices);

G_END_DECLS
