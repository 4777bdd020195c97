#pragma once

#include "launcher/vm/blueprint.h"
#include "launcher/vm/stand-in.h"

G_BEGIN_DECLS

/** The chardev, a ring buffer, in which firmware's debug messages end up. */
#define VP_REHEARSAL_LOG "firmware"

/**
 * vp_rehearsal_argv:
 * @blueprint: a VM
 * @stand_ins: those of its plan
 *
 * The VM's own command line, so that firmware finds what it will find: the same machine, memory,
 * CPU, ports, bridges, windows and arguments of the user. Only these differ:
 *
 * - vfio-pci devices are replaced by @stand_ins, on the same slots;
 * - disks, network cards and shares are replaced by virtio-rng-pci devices on the same slots, which
 *   have the same BARs, and their backends, the kernel and the console are left out;
 * - the memory is not reserved, so that a VM can be rehearsed that is larger than this machine;
 * - nothing is booted: firmware waits at its boot menu;
 * - the messages of SeaBIOS, and of OVMF when it was built to print them, are kept (port 0x402,
 *   QEMU hw/char/debugcon.c).
 *
 * Pure.
 *
 * Returns: (transfer full): a %NULL-terminated array
 */
char **vp_rehearsal_argv (const VpBlueprint *blueprint, const VpStandIns *stand_ins);

G_END_DECLS
