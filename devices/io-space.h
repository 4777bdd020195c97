#pragma once

#include "devices/firmware.h"
#include "devices/topology.h"

G_BEGIN_DECLS

/** Bytes of I/O space that a bridge forwards at least (PCI-to-PCI Bridge 1.2, 3.2.5.2). */
#define VP_IO_WINDOW (G_GUINT64_CONSTANT (4) << 10)

/**
 * VpIoSpace:
 * @total: bytes that firmware can give away
 * @left: of them
 * @left_for_hot: how many of those may be kept for devices that come later
 *
 * The I/O space of a VM while a plan is built. SeaBIOS has 60 KiB of it for PCI on q35 and 36 KiB
 * on pc (pciinit.c, pci_bios_init_root_regions_io()). When what it finds at boot does not fit, it
 * panics with "PCI: out of I/O address space" and the guest never boots (measured: 15 ports with an
 * I/O BAR behind each on q35, 9 bridges on pc). OVMF has less, and leaves out devices, memory BARs
 * and all (measured; on pc it has 16 KiB, OvmfPkg/PlatformPei). io-reserve=0 on the port does not
 * help a device that is there at boot: its BAR counts all the same (measured).
 */
typedef struct
{
  guint64 total;
  guint64 left;
  guint64 left_for_hot;
} VpIoSpace;

/**
 * vp_io_space_init:
 * @space: (out caller-allocates): all of it, but for what the machine's own devices take
 * @machine: q35 or pc
 * @firmware: who gives it away
 */
void vp_io_space_init (VpIoSpace *space, VpMachineType machine, const VpFirmware *firmware);

/**
 * vp_io_space_take_cold:
 * @space: (inout): shrinks
 * @bytes: what firmware will find at boot
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when there is not so much left
 */
gboolean vp_io_space_take_cold (VpIoSpace *space, guint64 bytes, GError **error);

/**
 * vp_io_space_take_hot:
 * @space: (inout): shrinks when there is enough
 * @bytes: what a port is to reserve
 *
 * Devices that come later get a part of it only, because a PCI Express device must be able to do
 * without (PCI Express 5.0, 1.3.2.2) and a VM that does not boot is worse.
 *
 * Returns: whether the port may reserve them
 */
gboolean vp_io_space_take_hot (VpIoSpace *space, guint64 bytes);

G_END_DECLS
