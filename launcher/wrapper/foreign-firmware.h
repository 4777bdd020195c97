#pragma once

#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

/**
 * vp_foreign_firmware_find:
 * @argv: a foreign command line
 *
 * The first flash counts before -bios (QEMU, hw/i386/pc_sysfw.c): of -machine pflash0=NODE, of
 * -drive if=pflash, of -pflash. A node leads to its file by way of others.
 *
 * Returns: (transfer full) (nullable): the file with its firmware; %NULL for QEMU's own
 */
char *vp_foreign_firmware_find (const VpForeignArgv *argv);

G_END_DECLS
