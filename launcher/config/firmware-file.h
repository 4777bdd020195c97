#pragma once

#include "devices/firmware.h"

G_BEGIN_DECLS

/** Larger files are no firmware: QEMU maps it below 4 GiB, beside the chipset. */
#define VP_FIRMWARE_FILE_MAX ((gsize) 64 << 20)

/**
 * VpFirmwareFile:
 * @kind: what it holds; %VP_FIRMWARE_OTHER when it is not recognised
 * @version: (nullable): for vp_firmware_get(); %NULL when the file does not tell
 *
 * What a firmware image says of itself.
 */
typedef struct
{
  VpFirmwareKind kind;
  char *version;
} VpFirmwareFile;

void vp_firmware_file_clear (VpFirmwareFile *file);

/**
 * vp_firmware_file_recognise:
 * @bytes: (array length=size): a whole image, of any content
 * @size: its size
 * @file: (out caller-allocates): what it is; vp_firmware_file_clear() frees it
 *
 * OVMF ends in a table of GUIDs, whose footer is 96b582de-1fb2-45f7-baea-a366c55a082d, 48 bytes
 * before the end (edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm); older ones, and any other
 * EDK II, are a firmware volume (PI 1.7, volume 3, 3.2.1: "_FVH" at offset 40) that ends in code,
 * which a file of variables does not. It tells no version: that is compressed.
 *
 * SeaBIOS has its banner, a jump at the reset vector (romlayout.S), and its version as a string of
 * its own; of several that differ none is believed. OVMF may hold a SeaBIOS, for old operating
 * systems, so it is looked for first.
 */
void vp_firmware_file_recognise (const guint8 *bytes, gsize size, VpFirmwareFile *file);

/**
 * vp_firmware_file_read:
 * @path: a file
 * @file: (out caller-allocates): what it is
 * @error: return location for a #GError
 *
 * Reads regular files of at most %VP_FIRMWARE_FILE_MAX and waits for none of the others.
 *
 * Returns: %FALSE with %VP_ERROR_HOST: no such file, or not one that QEMU can take
 */
gboolean vp_firmware_file_read (const char *path, VpFirmwareFile *file, GError **error);

/**
 * vp_firmware_file_read_default:
 * @program: QEMU, looked up in PATH when it has no slash
 * @file: (out caller-allocates): what it is
 *
 * Reads the SeaBIOS that QEMU takes when it is told none: bios-256k.bin (hw/i386/pc.c) in its data
 * folders, which are beside its program, wherever that was put (QEMU, get_relocated_path()).
 * Which they are was chosen when it was built, so all that are usual are looked at. The version is
 * not known when there is no such file, when two differ, or when the program is a script, which may
 * start any QEMU with any folder.
 */
void vp_firmware_file_read_default (const char *program, VpFirmwareFile *file);

/**
 * vp_firmware_file_find_ovmf:
 *
 * Returns: (transfer full) (nullable): where a distribution has put an OVMF that is one file, as
 *   QEMU's -bios wants it, and that vp_firmware_file_recognise() takes for one
 */
char *vp_firmware_file_find_ovmf (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VpFirmwareFile, vp_firmware_file_clear)

G_END_DECLS
