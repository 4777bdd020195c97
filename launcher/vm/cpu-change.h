#pragma once

#include "qmp/client.h"

G_BEGIN_DECLS

#define VP_TYPE_CPU_CHANGE (vp_cpu_change_get_type ())
G_DECLARE_FINAL_TYPE (VpCpuChange, vp_cpu_change, VP, CPU_CHANGE, GObject)

/**
 * vp_cpu_change_new:
 * @n: CPUs that the VM starts with
 * @max: CPUs that it can have; at most @n for no more
 * @is_tcg: whether QEMU emulates them
 *
 * The CPUs of a running VM. QEMU has one as soon as it agrees to device_add; that the guest has
 * taken notice is told by ACPI_DEVICE_OST with source 1 and status 0 (ACPI 6.4, 6.3.5). Whether it
 * has brought it online QEMU cannot know: the guest may have a rule for that, or somebody writes 1
 * to /sys/devices/system/cpu/cpuN/online. A removal ends when query-hotpluggable-cpus shows none:
 * DEVICE_DELETED comes for the CPU's lapic only (measured). The guest forgets of a removal at a
 * reset, and without its ACPI driver never hears of it, so it is asked again every 5 s, at most 12
 * times in all.
 *
 * QEMU's TCG keeps what belongs to a CPU that has gone: the next that comes hangs QEMU or aborts it
 * (measured, 7.2 and 10.0). There none is added once one was removed.
 *
 * Signals: "changed" whenever there are more or fewer of them, or what was asked for has failed.
 *
 * Returns: (transfer full): the CPUs
 */
VpCpuChange *vp_cpu_change_new (guint n, guint max, gboolean is_tcg);

/**
 * vp_cpu_change_check:
 * @self: the CPUs
 * @wanted: how many there shall be
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when there cannot be as many, or as few
 */
gboolean vp_cpu_change_check (VpCpuChange *self, guint wanted, GError **error);

/**
 * vp_cpu_change_set_client:
 * @self: the CPUs
 * @client: (nullable): QEMU; %NULL once it is gone
 */
void vp_cpu_change_set_client (VpCpuChange *self, VpQmpClient *client);

/**
 * vp_cpu_change_ask:
 * @self: the CPUs of a running VM
 * @wanted: how many there shall be, checked
 *
 * Adds from the lowest on, one after the other until QEMU refuses one, or asks the guest to let go
 * of the highest.
 */
void vp_cpu_change_ask (VpCpuChange *self, guint wanted);

/** vp_cpu_change_handle_event: hears of one of QEMU's events */
void vp_cpu_change_handle_event (VpCpuChange *self, const char *name, JsonObject *data);

/**
 * vp_cpu_change_is_settled:
 *
 * Returns: whether there are as many as were asked for and the guest knows, or will never be
 */
gboolean vp_cpu_change_is_settled (VpCpuChange *self);

/**
 * vp_cpu_change_get_failure:
 *
 * Returns: (transfer none) (nullable): why there will not be as many as were asked for
 */
const GError *vp_cpu_change_get_failure (VpCpuChange *self);

/**
 * vp_cpu_change_describe:
 *
 * Returns: (transfer full): "asked", "now" (those that QEMU has), "unanswered" (how many of these
 *   the guest has not taken notice of) and "max"
 */
JsonObject *vp_cpu_change_describe (VpCpuChange *self);

G_END_DECLS
