#pragma once

#include "launcher/config/config.h"
#include "launcher/config/host-cpu.h"

G_BEGIN_DECLS

/**
 * VpGuestCpu:
 * @default_bits: address width that the guest's CPU has with -cpu as it stands; 0 when it is the
 *   host's and that is not known
 * @max_bits: the widest that it can be given; @default_bits when the user has fixed it
 * @is_amd: it calls itself AuthenticAMD, which moves RAM, see vp_address_space_ram_end()
 * @is_32_bit: it has no 64-bit mode; its width is fixed, and QEMU 10 keeps no hole for it
 *
 * What a plan has to know of the guest's CPU.
 */
typedef struct
{
  guint default_bits;
  guint max_bits;
  gboolean is_amd;
  gboolean is_32_bit;
} VpGuestCpu;

/**
 * vp_guest_cpu_default:
 * @accel: %VP_ACCEL_KVM or %VP_ACCEL_TCG
 *
 * Returns: (transfer none): the -cpu that is taken when none is asked for
 */
const char *vp_guest_cpu_default (VpAccel accel);

/**
 * vp_guest_cpu_get:
 * @cpu: (nullable): argument of -cpu, a model and its properties; %NULL for the default
 * @accel: %VP_ACCEL_KVM or %VP_ACCEL_TCG
 * @host: the host's CPU
 * @guest: (out caller-allocates): the guest's
 *
 * QEMU gives 40 bits where it is told nothing (target/i386/cpu.c, TCG_PHYS_ADDR_BITS), to named
 * models with KVM as well. With KVM, "host" and "max" have the host's width (host-phys-bits=on),
 * and named models can have it. TCG takes any phys-bits from 32 to 52 (measured with 7.2) and
 * ignores host-phys-bits. What the user wrote of the width in @cpu stands. With KVM every model has
 * the host's vendor unless vendor= is there; with TCG "max" and "qemu64" are AMD too (measured).
 */
void vp_guest_cpu_get (const char *cpu, VpAccel accel, const VpHostCpu *host, VpGuestCpu *guest);

/**
 * vp_guest_cpu_widen:
 * @cpu: (nullable): as for vp_guest_cpu_get()
 * @accel: as for vp_guest_cpu_get()
 * @bits: the width that is needed, more than default_bits and at most max_bits
 *
 * With KVM that is all that the host has.
 *
 * Returns: (transfer full): an argument of -cpu that has at least that width
 */
char *vp_guest_cpu_widen (const char *cpu, VpAccel accel, guint bits);

G_END_DECLS
