#pragma once

#include "launcher/config/config.h"
#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

/* What single options of a foreign command line come to; @argv is one everywhere. */

/**
 * vp_foreign_machine_get_name:
 *
 * Returns: (transfer full): the machine's name; "pc" when none is given, as QEMU has it
 */
char *vp_foreign_machine_get_name (const VpForeignArgv *argv);

/**
 * vp_foreign_machine_parse_type:
 * @name: "q35", "pc-i440fx-7.2", …
 * @type: (out): untouched on failure
 *
 * Returns: whether it is a q35 or a pc
 */
gboolean vp_foreign_machine_parse_type (const char *name, VpMachineType *type);

/**
 * vp_foreign_machine_get_accel:
 *
 * Returns: the accelerator; what is neither TCG nor a choice is like KVM, for it runs on the host's
 *   processors, too
 */
VpAccel vp_foreign_machine_get_accel (const VpForeignArgv *argv);

/**
 * vp_foreign_machine_get_hotplug_mode:
 * @argv: a foreign command line
 * @name: its machine
 *
 * Ports of q35 have ACPI hotplug since pc-q35-6.1 (QEMU hw/i386/pc.c, pc_compat_6_0).
 *
 * Returns: how a guest hears of hotplug
 */
VpHotplugMode vp_foreign_machine_get_hotplug_mode (const VpForeignArgv *argv, const char *name);

/**
 * vp_foreign_machine_parse_size:
 * @text: (nullable): "2048M", "1.5G", "2048"
 * @unit: what a number alone counts
 *
 * Returns: bytes; 0 when it is no size
 */
guint64 vp_foreign_machine_parse_size (const char *text, guint64 unit);

/**
 * vp_foreign_machine_is_probe:
 *
 * Returns: whether QEMU will print something and end: its version, help, or what devices and
 *   machines there are; or whether the machine is none, which has nothing to plug into
 */
gboolean vp_foreign_machine_is_probe (const VpForeignArgv *argv);

G_END_DECLS
