#pragma once

#include "devices/topology.h"

G_BEGIN_DECLS

/** The narrowest and the widest that QEMU takes for phys-bits (target/i386/cpu.c). */
#define VP_ADDRESS_SPACE_MIN_BITS 32
#define VP_ADDRESS_SPACE_MAX_BITS 52

/**
 * VpAddressSpace:
 * @machine: q35 or pc
 * @ram: bytes of RAM
 * @max_ram: bytes of RAM that can be reached by hotplug (-m maxmem=); @ram or 0 for none
 * @n_slots: how many modules that may be (-m slots=)
 * @hole64: bytes that QEMU sets aside for 64-bit windows, see vp_address_space_hole64(); 0 on a
 *   32-bit CPU, where it sets none aside
 * @is_amd: the guest's CPU calls itself AuthenticAMD
 *
 * What decides how much address space QEMU needs before the first device has a BAR.
 */
typedef struct
{
  VpMachineType machine;
  guint64 ram;
  guint64 max_ram;
  guint n_slots;
  guint64 hole64;
  gboolean is_amd;
} VpAddressSpace;

/**
 * vp_address_space_hole64:
 * @machine: q35 or pc
 *
 * Firmware places windows as it likes, so this is only a floor and part of QEMU's check (measured).
 *
 * Returns: the default of pci-hole64-size: 32 GiB on q35 (hw/pci-host/q35.c), 2 GiB on pc
 *   (hw/pci-host/i440fx.c)
 */
guint64 vp_address_space_hole64 (VpMachineType machine);

/**
 * vp_address_space_ram_end:
 * @space: a VM
 *
 * RAM is split at 4 GiB: q35 keeps 2 GiB below from 2.75 GiB on, pc 3 GiB from 3.5 GiB on
 * (pc_q35_init(), pc_init1(); measured). Memory that can be plugged follows, with up to 1 GiB of
 * waste for each slot (pc_get_device_memory_range()). An AMD guest has everything above 4 GiB at
 * 1 TiB and up when it, with the hole, would reach HyperTransport's 0xfd00000000 (pc_memory_init(),
 * machines from 7.1 on).
 *
 * Returns: where addresses are free for 64-bit windows: the end of RAM, a multiple of 1 GiB, at
 *   least 4 GiB, saturating (pc_pci_hole64_start())
 */
guint64 vp_address_space_ram_end (const VpAddressSpace *space);

/**
 * vp_address_space_needed_bits:
 * @space: a VM
 * @windows: bytes of 64-bit windows in all
 *
 * Two must fit. QEMU ends with "Address space limit … phys-bits too low" when RAM and its hole do
 * not (hw/i386/pc.c). Firmware finds no place when @windows do not: rounded up to a power of two,
 * after RAM, at a multiple of that, where windows that are powers of two follow each other, the
 * largest first, without a gap.
 *
 * Returns: the smallest address width of a CPU that is enough, from %VP_ADDRESS_SPACE_MIN_BITS to
 *   64; more than %VP_ADDRESS_SPACE_MAX_BITS cannot be had
 */
guint vp_address_space_needed_bits (const VpAddressSpace *space, guint64 windows);

G_END_DECLS
